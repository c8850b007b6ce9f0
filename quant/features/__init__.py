"""Features of daily and minute bars: registries, panels, and the computation."""

from quant.features.alpha158 import ALPHA158
from quant.features.compute import daily_features, explain_lookback
from quant.features.daily import CORE, DAILY
from quant.features.intraday import INTRADAY
from quant.features.minutes import MinutePanel, minute_features
from quant.features.panel import DailyPanel
from quant.features.registry import Feature, Registry

__all__ = [
    "ALPHA158",
    "CORE",
    "DAILY",
    "INTRADAY",
    "DailyPanel",
    "Feature",
    "MinutePanel",
    "Registry",
    "daily_features",
    "explain_lookback",
    "minute_features",
]
