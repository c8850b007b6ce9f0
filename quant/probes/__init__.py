"""Does a model know what nobody could have known? Each probe has a figure and a verdict."""

from quant.probes.exact import (
    absent_members,
    matured_before_use,
    overlapping_labels,
    overnight_gain,
    served_difference,
)
from quant.probes.finding import Finding
from quant.probes.shown import telling_sessions
from quant.probes.skill import (
    Rows,
    future_features,
    lagged_features,
    last_bar_removed,
    measurable,
    shuffled_label,
)

__all__ = [
    "Finding",
    "Rows",
    "absent_members",
    "future_features",
    "lagged_features",
    "last_bar_removed",
    "matured_before_use",
    "measurable",
    "overlapping_labels",
    "overnight_gain",
    "served_difference",
    "shuffled_label",
    "telling_sessions",
]
