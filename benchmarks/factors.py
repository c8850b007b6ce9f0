"""The two sets that are computed by us and by a peer alike: 14 daily factors, 30 of minutes."""

from __future__ import annotations

from quant.features import DAILY, Feature, Registry
from quant.features.expressions import (
    Series,
    change,
    given,
    greater,
    highest,
    lag,
    larger,
    lowest,
    magnitude,
    mean,
    mean_deviation,
    rows_since_highest,
    rows_since_lowest,
    slope,
    smaller,
    std,
    total,
)
from quant.features.terms import ema, linear_mean, positive, wilder

COMMON = DAILY.select(
    (
        "return_1", "return_5", "return_21", "close_to_sma_10", "close_to_sma_20",
        "close_to_sma_50", "volatility_21", "volatility_63", "bollinger_20", "stochastic_14",
        "williams_r_21", "volume_trend_5_63", "relative_volume_21",
        "volume_return_correlation_21",
    )
)  # fmt: skip

OPEN, HIGH, LOW, CLOSE, VOLUME = map(given, ("open", "high", "low", "close", "volume"))
BEFORE = lag(CLOSE)
MOVE = change(CLOSE)
RANGE = larger(HIGH, BEFORE) - smaller(LOW, BEFORE)
TYPICAL = (HIGH + LOW + CLOSE) / 3.0
ZERO = CLOSE * 0.0


def _directional() -> tuple[Series, Series]:
    up, down = change(HIGH), change(LOW) * -1.0
    plus = greater(up, larger(down, ZERO)) * up
    minus = greater(down, larger(up, ZERO)) * down
    ranges = wilder(RANGE, 14)
    return 100.0 * wilder(plus, 14) / ranges, 100.0 * wilder(minus, 14) / ranges


def _rsi(periods: int) -> Series:
    gain = wilder(positive(MOVE), periods)
    return 100.0 * gain / (gain + wilder(positive(MOVE * -1.0), periods))


def _money_flow() -> Series:
    flow = TYPICAL * VOLUME
    inflow = total(greater(change(TYPICAL), ZERO) * flow, 14)
    outflow = total(greater(change(TYPICAL) * -1.0, ZERO) * flow, 14)
    return 100.0 * inflow / (inflow + outflow)


def _ultimate() -> Series:
    pressure = CLOSE - smaller(LOW, BEFORE)
    a, b, c = (total(pressure, n) / total(RANGE, n) for n in (7, 14, 28))
    return 100.0 / 7.0 * (4.0 * a + 2.0 * b + c)


def _thirty() -> dict[str, Series]:
    plus, minus = _directional()
    line = ema(CLOSE, 12) - ema(CLOSE, 26)
    top, bottom = highest(HIGH, 14), lowest(LOW, 14)
    fast = 100.0 * (CLOSE - bottom) / (top - bottom)
    middle, width = mean(CLOSE, 20), std(CLOSE, 20, ddof=0)
    return {
        **{f"SMA {n}": mean(CLOSE, n) * 1.0 for n in (5, 10, 20, 50, 100)},
        **{f"EMA {n}": ema(CLOSE, n) for n in (10, 20, 50)},
        "WMA 20": linear_mean(CLOSE, 20),
        "STDDEV 20": width,
        "BBANDS 20 upper": middle + 2.0 * width,
        "BBANDS 20 lower": middle - 2.0 * width,
        "RSI 14": _rsi(14),
        "RSI 21": _rsi(21),
        "MACD line": line,
        "MACD histogram": line - ema(line, 9),
        "ROC 10": 100.0 * (CLOSE / lag(CLOSE, 10) - 1.0),
        "MOM 10": change(CLOSE, 10),
        "WILLR 14": -100.0 * (top - CLOSE) / (top - bottom),
        "STOCHF 14 k": fast,
        "STOCHF 14 d": mean(fast, 3),
        "CCI 20": (TYPICAL - mean(TYPICAL, 20)) / (0.015 * mean_deviation(TYPICAL, 20)),
        "AROONOSC 25": 4.0 * (rows_since_lowest(LOW, 26) - rows_since_highest(HIGH, 26)),
        "ATR 14": wilder(RANGE, 14),
        "PLUS_DI 14": plus,
        "MINUS_DI 14": minus,
        "ADX 14": wilder(100.0 * magnitude(plus - minus) / (plus + minus), 14),
        "MFI 14": _money_flow(),
        "LINEARREG_SLOPE 14": slope(CLOSE, 14),
        "ULTOSC": _ultimate(),
    }


THIRTY = Registry(
    [Feature(name, "trend", figure, f"{name} of TA-Lib") for name, figure in _thirty().items()]
)
