"""What a portfolio can lose, what it is exposed to, and whether past figures held.

Returns are simple, per period, as fractions. Losses, VaR and shortfall are positive.
"""

from quant.risk.contributions import (
    component_expected_shortfall,
    component_value_at_risk,
    incremental_value_at_risk,
    marginal_value_at_risk,
    normal_value_at_risk,
    undiversified_value_at_risk,
)
from quant.risk.correlation import (
    CorrelationBreak,
    correlation_break,
    correlations,
    with_correlation,
)
from quant.risk.coverage import (
    ChristoffersenTest,
    KupiecTest,
    LikelihoodRatio,
    basel_plus_factor,
    basel_zone,
    christoffersen_test,
    independence_test,
    kupiec_test,
)
from quant.risk.exposure import Exposures, beta, exposures
from quant.risk.filtered import Garch, ewma_volatility, filtered_returns, fitted_garch
from quant.risk.historical import expected_shortfall, horizon_returns, value_at_risk
from quant.risk.liquidity import days_to_exit, share_exited
from quant.risk.parametric import (
    cornish_fisher_expected_shortfall,
    cornish_fisher_value_at_risk,
    parametric_expected_shortfall,
    parametric_value_at_risk,
)
from quant.risk.record import CoverageRecord, coverage_record, past_value_at_risk
from quant.risk.sheet import Figure, Holdings, Sheet, record_figures, risk_sheet
from quant.risk.simulated import simulated_returns
from quant.risk.stress import Book, Replay, StressFigure, scenario_loss, stress_loss
from quant.risk.tails import METHODS, TailRisk, tail_risks

__all__ = [
    "METHODS",
    "Book",
    "ChristoffersenTest",
    "CorrelationBreak",
    "CoverageRecord",
    "Exposures",
    "Figure",
    "Garch",
    "Holdings",
    "KupiecTest",
    "LikelihoodRatio",
    "Replay",
    "Sheet",
    "StressFigure",
    "TailRisk",
    "basel_plus_factor",
    "basel_zone",
    "beta",
    "christoffersen_test",
    "component_expected_shortfall",
    "component_value_at_risk",
    "cornish_fisher_expected_shortfall",
    "cornish_fisher_value_at_risk",
    "correlation_break",
    "correlations",
    "coverage_record",
    "days_to_exit",
    "ewma_volatility",
    "expected_shortfall",
    "exposures",
    "filtered_returns",
    "fitted_garch",
    "horizon_returns",
    "incremental_value_at_risk",
    "independence_test",
    "kupiec_test",
    "marginal_value_at_risk",
    "normal_value_at_risk",
    "parametric_expected_shortfall",
    "parametric_value_at_risk",
    "past_value_at_risk",
    "record_figures",
    "risk_sheet",
    "scenario_loss",
    "share_exited",
    "simulated_returns",
    "stress_loss",
    "tail_risks",
    "undiversified_value_at_risk",
    "value_at_risk",
    "with_correlation",
]
