"""Classical strategies: rules anyone can state, traded and judged as a model's policy is."""

from quant.strategies.bars import Bars, bars_of, members_of
from quant.strategies.reversion import (
    MinuteTrades,
    Reversion,
    ReversionRules,
    mean_reversion,
    session_profits,
)
from quant.strategies.swing import Swing, SwingRules, swing, swing_weights

__all__ = [
    "Bars",
    "MinuteTrades",
    "Reversion",
    "ReversionRules",
    "Swing",
    "SwingRules",
    "bars_of",
    "mean_reversion",
    "members_of",
    "session_profits",
    "swing",
    "swing_weights",
]
