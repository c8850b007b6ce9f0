"""Indicators element by element against TA-Lib on real bars, and by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib
from bokeh_sampledata import stocks

from quant import indicators as ours

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT", "FB")
BARS = {
    symbol: {
        name: np.array(getattr(stocks, symbol)[name], dtype=np.float64)
        for name in ("open", "high", "low", "close", "volume")
    }
    for symbol in SYMBOLS
}
on_each_symbol = pytest.mark.parametrize("symbol", SYMBOLS)

Bars = dict[str, np.ndarray]
CASES: dict[str, tuple[Callable[[Bars], np.ndarray], Callable[[Bars], np.ndarray]]] = {
    "sma": (
        lambda b: ours.simple_mean(b["close"], periods=50),
        lambda b: talib.SMA(b["close"], 50),
    ),
    "ema": (
        lambda b: ours.exponential_mean(b["close"], periods=20),
        lambda b: talib.EMA(b["close"], 20),
    ),
    "rsi": (
        lambda b: ours.relative_strength(b["close"]),
        lambda b: talib.RSI(b["close"], 14),
    ),
    "true range": (
        lambda b: ours.true_range(b["high"], b["low"], b["close"]),
        lambda b: talib.TRANGE(b["high"], b["low"], b["close"]),
    ),
    "atr": (
        lambda b: ours.average_true_range(b["high"], b["low"], b["close"]),
        lambda b: talib.ATR(b["high"], b["low"], b["close"], 14),
    ),
    "plus di": (
        lambda b: ours.directional_movement(b["high"], b["low"], b["close"]).plus,
        lambda b: talib.PLUS_DI(b["high"], b["low"], b["close"], 14),
    ),
    "minus di": (
        lambda b: ours.directional_movement(b["high"], b["low"], b["close"]).minus,
        lambda b: talib.MINUS_DI(b["high"], b["low"], b["close"], 14),
    ),
    "adx": (
        lambda b: ours.directional_movement(b["high"], b["low"], b["close"]).adx,
        lambda b: talib.ADX(b["high"], b["low"], b["close"], 14),
    ),
    "macd signal": (
        lambda b: ours.macd(b["close"]).signal,
        lambda b: talib.MACD(b["close"])[1],
    ),
    "macd histogram": (
        lambda b: ours.macd(b["close"]).histogram,
        lambda b: talib.MACD(b["close"])[2],
    ),
    "stochastic k": (
        lambda b: ours.stochastic(b["high"], b["low"], b["close"]).k[2:],
        lambda b: talib.STOCHF(b["high"], b["low"], b["close"], 14, 1)[0][2:],
    ),
    "stochastic d": (
        lambda b: ours.stochastic(b["high"], b["low"], b["close"]).d,
        lambda b: talib.STOCHF(b["high"], b["low"], b["close"], 14, 3)[1],
    ),
    "williams r": (
        lambda b: ours.williams_r(b["high"], b["low"], b["close"]),
        lambda b: talib.WILLR(b["high"], b["low"], b["close"], 14),
    ),
    "cci": (
        lambda b: ours.commodity_channel_index(b["high"], b["low"], b["close"]),
        lambda b: talib.CCI(b["high"], b["low"], b["close"], 20),
    ),
    "roc": (
        lambda b: ours.rate_of_change(b["close"], periods=10),
        lambda b: talib.ROCP(b["close"], 10),
    ),
    "aroon": (
        lambda b: ours.aroon_oscillator(b["high"], b["low"]),
        lambda b: talib.AROONOSC(b["high"], b["low"], 25),
    ),
    "slope": (
        lambda b: ours.linear_slope(b["close"], periods=21),
        lambda b: talib.LINEARREG_SLOPE(b["close"], 21),
    ),
    "deviation": (
        lambda b: ours.moving_deviation(b["close"], periods=20),
        lambda b: talib.STDDEV(b["close"], 20),
    ),
    "bollinger upper": (
        lambda b: ours.bollinger_bands(b["close"]).upper,
        lambda b: talib.BBANDS(b["close"], 20)[0],
    ),
    "bollinger lower": (
        lambda b: ours.bollinger_bands(b["close"]).lower,
        lambda b: talib.BBANDS(b["close"], 20)[2],
    ),
    "obv": (
        lambda b: ours.on_balance_volume(b["close"], b["volume"]),
        lambda b: talib.OBV(b["close"], b["volume"]),
    ),
    "mfi": (
        lambda b: ours.money_flow_index(b["high"], b["low"], b["close"], b["volume"]),
        lambda b: talib.MFI(b["high"], b["low"], b["close"], b["volume"], 14),
    ),
    "accumulation": (
        lambda b: ours.accumulation_line(b["high"], b["low"], b["close"], b["volume"]),
        lambda b: talib.AD(b["high"], b["low"], b["close"], b["volume"]),
    ),
}


@on_each_symbol
@pytest.mark.parametrize("name", CASES)
def test_an_indicator_equals_talib_on_real_bars(name: str, symbol: str) -> None:
    mine, theirs = (figure(BARS[symbol]) for figure in CASES[name])
    if name == "mfi":
        mine, theirs = mine[~tied_lately(symbol)], theirs[~tied_lately(symbol)]

    np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-8)


def tied_lately(symbol: str) -> np.ndarray:
    """Where the typical price stood still, in cents, in the last 14 bars: TA-Lib sees rounding."""
    bars = BARS[symbol]
    cents = np.round(100.0 * (bars["high"] + bars["low"] + bars["close"]))
    tied = np.diff(cents, prepend=np.nan) == 0.0
    return np.convolve(tied, np.ones(14))[: tied.size] > 0.0


def test_a_typical_price_that_stands_still_is_no_flow() -> None:
    # 30.01 + 29.70 + 29.94 = 29.99 + 29.75 + 29.91, but not in binary.
    high, low = np.array([20.0, 30.01, 29.99]), np.array([20.0, 29.70, 29.75])
    close = np.array([20.0, 29.94, 29.91])

    index = ours.money_flow_index(high, low, close, np.ones(3), periods=2)

    assert index[2] == 100.0


def test_relative_strength_of_a_hand_made_series() -> None:
    # Changes +2, −1 (begun with their means 1 and 0.5), then +3: gain (1 + 3) / 2, loss 0.5 / 2.
    strength = ours.relative_strength(np.array([10.0, 12.0, 11.0, 14.0]), periods=2)

    assert strength[2:] == pytest.approx([100 * 1.0 / 1.5, 100 * 2.0 / 2.25])


@pytest.mark.parametrize("still", [5, 14, 15, 27, 28, 40])
@pytest.mark.parametrize("half_range", [0.0, 0.05])
@pytest.mark.parametrize("name", ["plus di", "minus di", "adx"])
def test_direction_after_a_start_that_stands_still_is_talibs(
    name: str, half_range: float, still: int
) -> None:
    moves = 0.01 * np.random.default_rng(3).normal(size=160)
    moves[:still] = 0.0
    close = 10.0 * np.exp(np.cumsum(moves))
    reach = np.where(np.arange(160) < still, half_range, 0.06)
    mine, theirs = (
        figure({"high": close + reach, "low": close - reach, "close": close})
        for figure in CASES[name]
    )

    np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-8)


def test_a_series_that_never_moves_has_no_strength() -> None:
    assert np.isnan(ours.relative_strength(np.full(40, 7.0))).all()
    assert np.isnan(ours.williams_r(np.ones(40), np.ones(40), np.ones(40))).all()
    assert (ours.moving_deviation(np.full(40, 0.1), periods=5)[4:] == 0.0).all()


@pytest.mark.parametrize("name", CASES)
def test_too_little_history_gives_no_value(name: str) -> None:
    short = {key: values[:2] for key, values in BARS["IBM"].items()}

    values = CASES[name][0](short)

    assert values.size <= 2
    assert name in {"true range", "obv", "accumulation"} or np.isnan(values).all()


def test_wrong_input_is_refused_with_the_place() -> None:
    holed = np.array([1.0, np.nan, 3.0])

    with pytest.raises(ValueError, match=r"`values` must be finite: 1 of 3 .* at position 1"):
        ours.simple_mean(holed, periods=2)
    with pytest.raises(ValueError, match="same number of rows: `high` has 3, `low` has 2"):
        ours.aroon_oscillator(np.ones(3), np.ones(2), periods=1)
    with pytest.raises(ValueError, match="`periods` must be a whole number of at least 1, was 0"):
        ours.exponential_mean(np.ones(3), periods=0)
    with pytest.raises(ValueError, match="`slow` must be a whole number of at least 13"):
        ours.macd(np.ones(3), fast=12, slow=12)
    with pytest.raises(ValueError, match="one dimension, had 2"):
        ours.relative_strength(np.ones((3, 3)))
    with pytest.raises(ValueError, match="must be positive, the smallest was -1"):
        ours.rate_of_change(np.array([1.0, -1.0]), periods=1)
