"""Our side of the comparisons."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks import stopwatch
from benchmarks.factors import COMMON, THIRTY
from benchmarks.markets import PRICES, weekdays
from quant.backtest import Costs, backtest
from quant.features import (
    ALPHA158,
    DAILY,
    INTRADAY,
    DailyPanel,
    MinutePanel,
    Registry,
    daily_features,
    minute_features,
)
from quant.typing import Float32Array, FloatArray


def _columns(path: Path) -> dict[str, NDArray[Any]]:
    """Read a file on two cores, each column by its row groups: no more is in memory twice."""
    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        kinds = {field.name: field.type.to_pandas_dtype() for field in file.schema_arrow}
    columns = {name: np.empty(rows, dtype=kind) for name, kind in kinds.items()}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(_read, path), columns, columns.values()))
    return columns


def _read(path: Path, name: str, column: NDArray[Any]) -> None:
    at = 0
    with pq.ParquetFile(path, memory_map=True) as file:
        for group in range(file.num_row_groups):
            for part in file.read_row_group(group, [name], use_threads=False)[name].chunks:
                column[at : at + len(part)] = part.to_numpy()
                at += len(part)


def panel(path: Path) -> DailyPanel:
    """Read bars straight into a panel."""
    columns = _columns(path)
    symbol = columns["symbol"]
    changes = np.flatnonzero(symbol[1:] != symbol[:-1]) + 1
    offsets = np.concatenate([[0], changes, [symbol.size]])
    ones = np.ones(symbol.size)
    days = weekdays(int(offsets[1]))
    return DailyPanel(
        symbols=tuple(f"S{i}" for i in range(offsets.size - 1)),
        offsets=offsets,
        sessions=columns["session"],
        split_factor=ones,
        return_factor=ones,
        index_sessions=days,
        index_close=1000.0 + np.arange(days.size, dtype=np.float64) % 97.0,
        **{name: columns[name] for name in PRICES},
    )


def minutes(path: Path, *, per_session: int = 390) -> MinutePanel:
    """Read the same columns as minute bars of full sessions."""
    daily = panel(path)
    place = np.arange(daily.n_rows) - np.repeat(daily.offsets[:-1], np.diff(daily.offsets))
    return MinutePanel(
        symbols=daily.symbols,
        offsets=daily.offsets,
        sessions=(15_000 + place // per_session).astype(np.int32),
        minutes=(570 + place % per_session).astype(np.int32),
        **{name: getattr(daily, name) for name in PRICES},
    )


def _from_parquet(registry: Registry, name: str) -> stopwatch.Prepare:
    def prepare(folder: Path) -> Callable[[], Float32Array]:
        daily_features(panel(folder / "small.parquet"), registry=registry)
        return lambda: daily_features(panel(folder / f"{name}.parquet"), registry=registry)

    return prepare


def _thirty(folder: Path) -> Callable[[], Float32Array]:
    bars = minutes(folder / "minutes.parquet")
    minute_features(minutes(folder / "small.parquet"), registry=THIRTY)
    return lambda: minute_features(bars, registry=THIRTY)


def _full(folder: Path) -> Callable[[], Float32Array]:
    market = panel(folder / "full.parquet")
    daily_features(panel(folder / "small.parquet"))
    return lambda: daily_features(market)


def _new_session(folder: Path) -> Callable[[], Float32Array]:
    market = panel(folder / "new session.parquet")
    last = int(market.sessions[-1])
    daily_features(market, from_session=last)
    return lambda: daily_features(market, from_session=last)


def _new_minute(folder: Path) -> Callable[[], Float32Array]:
    bars = minutes(folder / "new minute.parquet")
    start = int(bars.sessions[-1]), int(bars.minutes[-1])
    minute_features(bars, start=start)
    return lambda: minute_features(bars, start=start, registry=INTRADAY)


def _backtest(folder: Path) -> Callable[[], FloatArray]:
    held = np.load(folder / "backtest.npz")
    close, weights = held["close"], held["weights"]
    volumes = np.full(close.shape, 1e12)
    costs = Costs(half_spread_bps=5.0, impact=0.0, participation=1.0, borrow_rate=0.0)
    backtest(close[:5], close[:5], volumes[:5], weights[:5], costs=costs)
    return lambda: backtest(close, close, volumes, weights, costs=costs, capital=1e6).equity


def _trades(folder: Path) -> Callable[[], FloatArray]:
    held = np.load(folder / "trades.npz")
    volumes = np.full(held["close"].shape, 1e12)
    costs = Costs(half_spread_bps=5.0, impact=0.0, participation=1.0, borrow_rate=0.0)

    def work() -> FloatArray:
        told = backtest(
            held["opens"], held["close"], volumes, held["weights"], costs=costs, capital=1e6
        ).trades
        columns = (told.session, told.asset, told.shares, told.price, told.cost)
        return np.column_stack([column.astype(np.float64) for column in columns]).reshape(1, -1)

    return work


CASES: dict[str, stopwatch.Prepare] = {
    "factors": _from_parquet(COMMON, "factors"),
    "set": _from_parquet(ALPHA158, "set"),
    "daily": _from_parquet(DAILY, "daily"),
    "minutes": _thirty,
    "backtest": _backtest,
    "trades": _trades,
    "full": _full,
    "new session": _new_session,
    "new minute": _new_minute,
}

if __name__ == "__main__":
    stopwatch.main(CASES, ("numba", "numpy", "pyarrow"))
