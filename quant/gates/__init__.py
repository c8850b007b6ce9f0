"""What a model must show to be champion, judged on *active* daily net returns."""

from quant.gates.evidence import Evidence, evidence_of_returns
from quant.gates.regimes import REGIMES, regime_sharpes, regimes
from quant.gates.verdicts import GATES, GateVerdict, judge, title

__all__ = [
    "GATES",
    "REGIMES",
    "Evidence",
    "GateVerdict",
    "evidence_of_returns",
    "judge",
    "regime_sharpes",
    "regimes",
    "title",
]
