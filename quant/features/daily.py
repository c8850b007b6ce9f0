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

# What models learn from unless they are told otherwise: one or two horizons of each idea. More
# columns lengthen every training, and on daily returns they added no skill (docs/reports).
_CORE: Final = (
    "return_1", "return_2", "return_3", "return_5", "return_10", "return_21", "return_63",
    "return_126", "return_252", "return_252_skip_21", "overnight_return", "session_return",
    "close_in_range", "rsi_14", "rsi_21", "stochastic_14", "stochastic_d_14", "cci_20",
    "tsi_25_13", "efficiency_21", "up_share_21", "close_to_sma_10", "close_to_sma_20",
    "close_to_sma_50", "close_to_sma_200", "close_to_ema_20", "close_to_ema_50", "macd",
    "macd_histogram", "adx_14", "di_difference_14", "aroon_25", "trend_slope_21",
    "trend_slope_63", "trend_r_squared_63", "below_high_252", "volatility_10", "volatility_21",
    "volatility_63", "volatility_252", "parkinson_21", "garman_klass_21", "rogers_satchell_21",
    "yang_zhang_21", "atr_14", "bollinger_20", "volatility_ratio_21_63",
    "volatility_of_volatility_63", "skewness_63", "kurtosis_63", "volume_z_21", "volume_z_63",
    "volume_trend_5_63", "log_dollar_volume_21", "mfi_14", "on_balance_21", "chaikin_flow_21",
    "close_to_vwap_21", "volume_return_correlation_21", "roll_spread_21", "corwin_schultz_21",
    "abdi_ranaldo_21", "amihud_21", "rank_return_1", "rank_return_5", "rank_return_21",
    "rank_return_126", "rank_volatility_63", "rank_dollar_volume_21", "strength_5", "strength_21",
    "strength_126", "beta_126", "beta_relative_21", "index_correlation_63", "dispersion_1",
    "breadth_21", "weekday", "day_of_month", "month", "days_since_session", "index_return_21",
    "index_volatility_21", "index_volatility_rank_231", "index_to_sma_200", "index_drawdown_252",
)  # fmt: skip

CORE: Final = DAILY.select(_CORE)
