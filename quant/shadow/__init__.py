"""What proposals would have earned, whatever people decided about them."""

from quant.shadow.intervals import FEWEST, Interval, mean_interval
from quant.shadow.model import Case, Course, Market, Status, simulate

__all__ = [
    "FEWEST", "Case", "Course", "Interval", "Market", "Status", "mean_interval", "simulate",
]  # fmt: skip
