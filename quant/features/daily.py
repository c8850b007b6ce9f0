"""The registry of daily features."""

from __future__ import annotations

from typing import Final

from quant.features.market_features import (
    against_index,
    calendar_features,
    cross_section,
    regime,
)
from quant.features.pattern_features import patterns
from quant.features.price_features import momentum, oscillators, returns
from quant.features.registry import Registry
from quant.features.spread_features import impact, spread
from quant.features.trend_features import averages, direction, regression
from quant.features.volatility_features import asymmetry, bands, volatility
from quant.features.volume_features import flows, volume

DAILY: Final = Registry(
    [
        *returns(),
        *momentum(),
        *oscillators(),
        *averages(),
        *direction(),
        *regression(),
        *patterns(),
        *volatility(),
        *bands(),
        *asymmetry(),
        *volume(),
        *flows(),
        *spread(),
        *impact(),
        *cross_section(),
        *against_index(),
        *calendar_features(),
        *regime(),
    ]
)
