"""Prices: bars as delivered (`bars`) and adjusted for corporate actions (`adjustment`)."""

from warehouse.adjustment import adjusted_closes, panel
from warehouse.bars import (
    append_bars,
    append_minutes,
    closes,
    history,
    latest_coverage,
    minutes,
    ohlcv,
)
from warehouse.versions import Appended

__all__ = [
    "Appended",
    "adjusted_closes",
    "append_bars",
    "append_minutes",
    "closes",
    "history",
    "latest_coverage",
    "minutes",
    "ohlcv",
    "panel",
]
