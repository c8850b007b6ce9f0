"""The registry of daily features."""

from __future__ import annotations

from typing import Final

from quant.features.market_features import calendar_features, cross_section, regime
from quant.features.price_features import momentum, returns, trend
from quant.features.registry import Registry
from quant.features.volatility_features import volatility
from quant.features.volume_features import spread, volume

DAILY: Final = Registry(
    [
        *returns(),
        *momentum(),
        *trend(),
        *volatility(),
        *volume(),
        *spread(),
        *cross_section(),
        *calendar_features(),
        *regime(),
    ]
)
