"""Classical strategies: rules anyone can state, traded and judged as a model's policy is."""

from quant.strategies.bars import Bars, bars_of
from quant.strategies.reversion import (
    MinuteTrades,
    Reversion,
    ReversionRules,
    mean_reversion,
    session_profits,
)
from quant.strategies.swing import Swing, SwingRules, swing, swing_weights

SWING = "swing trend"
REVERSION = "mean reversion"

__all__ = [
    "REVERSION",
    "SWING",
    "Bars",
    "MinuteTrades",
    "Reversion",
    "ReversionRules",
    "Swing",
    "SwingRules",
    "bars_of",
    "mean_reversion",
    "session_profits",
    "strategy_name",
    "swing",
    "swing_weights",
]


def strategy_name(rules: str, *, filtered: bool) -> str:
    """Return how a strategy is called in signals, gates and proposals.

    Parameters
    ----------
    rules : str
        `SWING` or `REVERSION`.
    filtered : bool
        Whether the model's word is asked before a position is begun.
    """
    return f"{rules} with model" if filtered else rules
