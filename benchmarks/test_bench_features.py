"""Daily features on desk-sized markets, beside polars and TA-Lib in the same run.

The peers compute a set both can: 14 figures of momentum, trend and volatility. The ratio of the
two groups' means is what to look at; absolute times depend on the machine.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import talib
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.markets import bars
from quant.features import (
    DAILY,
    INTRADAY,
    DailyPanel,
    MinutePanel,
    daily_features,
    minute_features,
)

COMMON = (
    "return_1", "return_5", "return_21", "close_to_sma_20", "close_to_sma_50", "volatility_21",
    "volatility_63", "bollinger_20", "stochastic_14", "rsi_14", "cci_20", "aroon_25",
    "trend_slope_21", "mfi_14",
)  # fmt: skip


def market(n_symbols: int, n_sessions: int) -> DailyPanel:
    rng = np.random.default_rng(7)
    shape = (n_symbols, n_sessions)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0002, 0.02, shape), axis=1))
    open_ = close * np.exp(rng.normal(0.0, 0.005, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.005, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.005, shape)))
    weeks, weekday = np.divmod(np.arange(n_sessions), 5)
    days = (8_004 + 7 * weeks + weekday).astype(np.int32)
    ones = np.ones(close.size)
    return DailyPanel(
        symbols=tuple(f"S{i}" for i in range(n_symbols)),
        offsets=np.arange(n_symbols + 1, dtype=np.int64) * n_sessions,
        sessions=np.tile(days, n_symbols),
        open=open_.ravel(),
        high=high.ravel(),
        low=low.ravel(),
        close=close.ravel(),
        volume=np.round(1e6 * np.exp(rng.normal(0.0, 0.4, close.size))),
        split_factor=ones,
        return_factor=ones,
        index_sessions=days,
        index_close=close.mean(axis=0),
    )


def minutes(n_symbols: int, n_sessions: int) -> MinutePanel:
    """Full sessions of 390 minutes."""
    n = 390 * n_sessions
    place = np.tile(np.arange(n), n_symbols)
    return MinutePanel(
        symbols=tuple(f"S{i}" for i in range(n_symbols)),
        offsets=np.arange(n_symbols + 1, dtype=np.int64) * n,
        sessions=(15_000 + place // 390).astype(np.int32),
        minutes=(570 + place % 390).astype(np.int32),
        **bars(n_symbols, n, step=0.001),
    )


@pytest.fixture(scope="module")
def decade() -> DailyPanel:
    """500 symbols, 2,520 sessions."""
    panel = market(500, 2_520)
    daily_features(market(2, 300))  # compiled, or loaded from its cache, before the clock starts
    return panel


def test_bench_all_daily_features(benchmark: BenchmarkFixture, decade: DailyPanel) -> None:
    matrix = benchmark(daily_features, decade)

    assert matrix.shape == (500 * 2_520, len(DAILY))
    assert np.isfinite(matrix[-1]).all()


def test_bench_one_new_session(benchmark: BenchmarkFixture, decade: DailyPanel) -> None:
    last = int(decade.sessions[-1])

    row = benchmark(lambda: daily_features(decade, from_session=last))

    assert row.shape == (500, len(DAILY))
    assert np.isfinite(row).all()


def test_bench_one_new_minute(benchmark: BenchmarkFixture) -> None:
    week = minutes(500, 7)
    start = int(week.sessions[-1]), int(week.minutes[-1])
    minute_features(minutes(2, 7))

    row = benchmark(lambda: minute_features(week, start=start))

    assert row.shape == (500, len(INTRADAY))
    assert np.isfinite(row).all()


def test_bench_common_set_ours(benchmark: BenchmarkFixture, decade: DailyPanel) -> None:
    registry = DAILY.select(COMMON)

    matrix = benchmark(daily_features, decade, registry=registry)

    assert matrix.shape == (500 * 2_520, len(COMMON))


def test_bench_common_set_talib(benchmark: BenchmarkFixture, decade: DailyPanel) -> None:
    matrix = benchmark(by_talib, decade)

    ours = daily_features(decade, registry=DAILY.select(COMMON))
    assert ours[-1] == pytest.approx(matrix[-1], rel=2e-3, abs=1e-4)


def test_bench_common_set_polars(benchmark: BenchmarkFixture, decade: DailyPanel) -> None:
    frame = pl.DataFrame(
        {"symbol": np.repeat(np.arange(500), 2_520), "close": decade.close, "high": decade.high,
         "low": decade.low}
    )  # fmt: skip

    result = benchmark(by_polars, frame)

    names = ["return_21", "close_to_sma_50", "volatility_63", "bollinger_20", "stochastic_14"]
    ours = daily_features(decade, registry=DAILY.select(names))
    theirs = result.select(names).row(-1)
    assert ours[-1] == pytest.approx(np.array(theirs, dtype=np.float64), rel=1e-4)


def by_talib(panel: DailyPanel) -> np.ndarray:
    """The common set, one symbol after the other, as a float32 matrix."""
    out = np.empty((panel.n_rows, len(COMMON)), dtype=np.float32)
    for first, end in zip(panel.offsets[:-1], panel.offsets[1:], strict=True):
        h, low, c, v = (getattr(panel, n)[first:end] for n in ("high", "low", "close", "volume"))
        logs = np.log(c)
        moves = np.diff(logs, prepend=logs[0])
        mean, deviation = talib.SMA(c, 20), talib.STDDEV(c, 20)
        block = out[first:end]
        for column, n in enumerate((1, 5, 21)):
            block[:, column] = talib.MOM(logs, n)
        block[:, 3] = c / mean - 1.0
        block[:, 4] = c / talib.SMA(c, 50) - 1.0
        for column, n in ((5, 21), (6, 63)):
            block[:, column] = math.sqrt(252.0 * n / (n - 1)) * talib.STDDEV(moves, n)
        block[:, 7] = (c - mean) / deviation
        block[:, 8] = talib.STOCHF(h, low, c, 14, 1)[0]
        block[:, 9] = talib.RSI(c, 14)
        block[:, 10] = talib.CCI(h, low, c, 20)
        block[:, 11] = talib.AROONOSC(h, low, 25)
        block[:, 12] = talib.LINEARREG_SLOPE(logs, 21)
        block[:, 13] = talib.MFI(h, low, c, v, 14)
    return out


def by_polars(frame: pl.DataFrame) -> pl.DataFrame:
    """The nine figures of the common set that polars has windows for."""
    close, logs = pl.col("close"), pl.col("close").log()
    moves = logs.diff()
    low, high = pl.col("low").rolling_min(14), pl.col("high").rolling_max(14)
    figures = {
        **{f"return_{n}": logs.diff(n) for n in (1, 5, 21)},
        **{f"close_to_sma_{n}": close / close.rolling_mean(n) - 1.0 for n in (20, 50)},
        **{f"volatility_{n}": math.sqrt(252.0) * moves.rolling_std(n) for n in (21, 63)},
        "bollinger_20": (close - close.rolling_mean(20)) / close.rolling_std(20, ddof=0),
        "stochastic_14": 100.0 * (close - low) / (high - low),
    }
    over = [f.over("symbol").cast(pl.Float32).alias(name) for name, f in figures.items()]
    return frame.select(over)
