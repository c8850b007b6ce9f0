"""Every chart of the desk. The only package that knows Plotly."""

from dashboard.figures.bars import Span, Usage, contributions, spans, usage
from dashboard.figures.curves import Band, Mark, Trade, drawdown, equity, price
from dashboard.figures.frame import MOST_POINTS, show, thinned
from dashboard.figures.grids import Bin, calibration, verdicts
from dashboard.figures.losses import losses, losses_by_method

__all__ = [
    "MOST_POINTS",
    "Band",
    "Bin",
    "Mark",
    "Span",
    "Trade",
    "Usage",
    "calibration",
    "contributions",
    "drawdown",
    "equity",
    "losses",
    "losses_by_method",
    "price",
    "show",
    "spans",
    "thinned",
    "usage",
    "verdicts",
]
