"""Made-up markets of desk size: as arrays, as Parquet, and in pyqlib's files. numpy and pyarrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Columns = dict[str, npt.NDArray[np.float64]]

PRICES = ("open", "high", "low", "close", "volume")


def bars(n_symbols: int, n_bars: int, *, step: float = 0.02, seed: int = 7) -> Columns:
    """Return open, high, low, close and volume of shape (n_symbols * n_bars,), symbol-major."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, step, shape), axis=1))
    open_ = close * np.exp(rng.normal(0.0, step / 4.0, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, step / 4.0, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, step / 4.0, shape)))
    volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.4, shape)))
    drawn = zip(PRICES, (open_, high, low, close, volume), strict=True)
    return {name: values.ravel() for name, values in drawn}


def weekdays(n: int) -> npt.NDArray[np.int32]:
    """Return `n` weekdays from 1991-12-02 on, as day numbers since 1970-01-01."""
    weeks, weekday = np.divmod(np.arange(n), 5)
    return (8_004 + 7 * weeks + weekday).astype(np.int32)


def write_parquet(path: Path, columns: Columns, n_symbols: int) -> None:
    """Write bars as one file, packed as the warehouse's are: symbol and session numbers first."""
    n = columns["close"].size // n_symbols
    table = {
        "symbol": np.repeat(np.arange(n_symbols, dtype=np.int32), n),
        "session": np.tile(weekdays(n), n_symbols),
        **columns,
    }
    pq.write_table(pa.table(table), path, compression="snappy")


def write_qlib(folder: Path, columns: Columns, n_symbols: int) -> None:
    """Write bars as pyqlib keeps them: a calendar, instruments, and a float32 file per column."""
    n = columns["close"].size // n_symbols
    days = [str(day) for day in weekdays(n).astype("datetime64[D]")]
    (folder / "calendars").mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("\n".join(days) + "\n")
    (folder / "instruments").mkdir()
    lines = [f"s{i:04d}\t{days[0]}\t{days[-1]}" for i in range(n_symbols)]
    (folder / "instruments" / "all.txt").write_text("\n".join(lines) + "\n")
    given = {**columns, "vwap": (columns["high"] + columns["low"] + columns["close"]) / 3.0}
    for i in range(n_symbols):
        own = folder / "features" / f"s{i:04d}"
        own.mkdir(parents=True)
        for name, values in given.items():
            # The first figure says at which day of the calendar the series begins.
            series = np.concatenate([[0.0], values[i * n : (i + 1) * n]]).astype("<f4")
            series.tofile(own / f"{name}.day.bin")
