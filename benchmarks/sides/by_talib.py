"""TA-Lib, one symbol after the other, into a float32 matrix."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import talib

from benchmarks import stopwatch
from benchmarks.markets import PRICES

Array = npt.NDArray[np.float64]


def thirty(h: Array, low: Array, c: Array, v: Array) -> list[Array]:
    """Return the 30 indicators of one symbol, in the order of `benchmarks.factors.THIRTY`."""
    upper, _, lower = talib.BBANDS(c, 20)
    line, _, histogram = talib.MACD(c)
    k, d = talib.STOCHF(h, low, c, 14, 3)
    return [
        *(talib.SMA(c, n) for n in (5, 10, 20, 50, 100)),
        *(talib.EMA(c, n) for n in (10, 20, 50)),
        talib.WMA(c, 20), talib.STDDEV(c, 20), upper, lower, talib.RSI(c, 14), talib.RSI(c, 21),
        line, histogram, talib.ROC(c, 10), talib.MOM(c, 10), talib.WILLR(h, low, c, 14), k, d,
        talib.CCI(h, low, c, 20), talib.AROONOSC(h, low, 25), talib.ATR(h, low, c, 14),
        talib.PLUS_DI(h, low, c, 14), talib.MINUS_DI(h, low, c, 14), talib.ADX(h, low, c, 14),
        talib.MFI(h, low, c, v, 14), talib.LINEARREG_SLOPE(c, 14), talib.ULTOSC(h, low, c),
    ]  # fmt: skip


def factors(h: Array, low: Array, c: Array, v: Array) -> list[Array]:
    """Return the 14 factors of one symbol, in the order of `benchmarks.factors.COMMON`."""
    logs, amount = np.log(c), np.log(v)
    moves, changes = np.diff(logs, prepend=logs[0]), np.diff(amount, prepend=amount[0])
    mean = talib.SMA(c, 20)
    year = 252.0**0.5
    return [
        *(talib.MOM(logs, n) for n in (1, 5, 21)),
        *(c / talib.SMA(c, n) - 1.0 for n in (10, 20, 50)),
        *(year * (n / (n - 1.0)) ** 0.5 * talib.STDDEV(moves, n) for n in (21, 63)),
        (c - mean) / talib.STDDEV(c, 20), talib.STOCHF(h, low, c, 14, 1)[0],
        talib.WILLR(h, low, c, 21), talib.SMA(v, 5) / talib.SMA(v, 63), v / talib.SMA(v, 21),
        talib.CORREL(moves, changes, 21),
    ]  # fmt: skip


def _looped(
    name: str, figures: Callable[[Array, Array, Array, Array], list[Array]], width: int
) -> stopwatch.Prepare:
    def read(folder: Path) -> tuple[dict[str, Array], Array]:
        table = pq.read_table(folder / f"{name}.parquet")
        begins = np.flatnonzero(np.diff(table["symbol"].to_numpy(), prepend=-1))
        columns = {column: table[column].to_numpy() for column in PRICES}
        return columns, np.append(begins, table.num_rows)

    def prepare(folder: Path) -> Callable[[], object]:
        held = read(folder)

        def work() -> object:
            columns, offsets = held if name == "minutes" else read(folder)
            out = np.empty((offsets[-1], width), dtype=np.float32)
            for first, end in pairwise(offsets):
                h, low, c, v = (columns[n][first:end] for n in ("high", "low", "close", "volume"))
                for i, figure in enumerate(figures(h, low, c, v)):
                    out[first:end, i] = figure
            return out

        return work

    return prepare


CASES: dict[str, stopwatch.Prepare] = {
    "factors": _looped("factors", factors, 14),
    "minutes": _looped("minutes", thirty, 30),
}

if __name__ == "__main__":
    stopwatch.main(CASES, ("TA-Lib", "numpy"))
