"""Technical indicators of one series of bars, in their published, recursive form.

The features of `quant.features` use the same kernels, but look back a fixed number of sessions.
"""

from quant.indicators.momentum import (
    Stochastic,
    commodity_channel_index,
    rate_of_change,
    relative_strength,
    stochastic,
    williams_r,
)
from quant.indicators.trend import (
    DirectionalMovement,
    Macd,
    aroon_oscillator,
    directional_movement,
    exponential_mean,
    linear_slope,
    macd,
    simple_mean,
)
from quant.indicators.volatility import (
    Bands,
    average_true_range,
    bollinger_bands,
    moving_deviation,
    true_range,
)
from quant.indicators.volume import accumulation_line, money_flow_index, on_balance_volume

__all__ = [
    "Bands",
    "DirectionalMovement",
    "Macd",
    "Stochastic",
    "accumulation_line",
    "aroon_oscillator",
    "average_true_range",
    "bollinger_bands",
    "commodity_channel_index",
    "directional_movement",
    "exponential_mean",
    "linear_slope",
    "macd",
    "money_flow_index",
    "moving_deviation",
    "on_balance_volume",
    "rate_of_change",
    "relative_strength",
    "simple_mean",
    "stochastic",
    "true_range",
    "williams_r",
]
