"""How much: from forecasts, risk and stops to weights and whole shares."""

from quant.sizing.allocation import (
    equal_risk_contribution_weights,
    equal_weights,
    risk_contributions,
    volatility_target_weights,
)
from quant.sizing.kelly import half_kelly_weights, kelly_fraction, shrunk_probability
from quant.sizing.limits import WeightLimits, within_limits
from quant.sizing.shares import atr_stop, fixed_risk_quantity, shares_within, whole_lots

__all__ = [
    "WeightLimits",
    "atr_stop",
    "equal_risk_contribution_weights",
    "equal_weights",
    "fixed_risk_quantity",
    "half_kelly_weights",
    "kelly_fraction",
    "risk_contributions",
    "shares_within",
    "shrunk_probability",
    "volatility_target_weights",
    "whole_lots",
    "within_limits",
]
