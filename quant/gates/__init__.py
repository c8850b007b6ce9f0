"""What a model must show to be champion, judged on *active* daily net returns."""

from quant.gates.evidence import (
    Evidence,
    deflating_variance,
    evidence_of_returns,
    evidence_of_trades,
)
from quant.gates.promotion import NEVER_WAIVED, Candidacy, Decision, Environment, Waiver, decide
from quant.gates.regimes import REGIMES, regime_sharpes, regimes
from quant.gates.standing import Standing, standing
from quant.gates.verdicts import GATES, GateVerdict, Unit, judge, title, unit

__all__ = [
    "GATES",
    "NEVER_WAIVED",
    "REGIMES",
    "Candidacy",
    "Decision",
    "Environment",
    "Evidence",
    "GateVerdict",
    "Standing",
    "Unit",
    "Waiver",
    "decide",
    "deflating_variance",
    "evidence_of_returns",
    "evidence_of_trades",
    "judge",
    "regime_sharpes",
    "regimes",
    "standing",
    "title",
    "unit",
]
