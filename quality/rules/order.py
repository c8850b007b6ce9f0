"""Rows by symbol and time, or by time and symbol: sorted as one number, not as words."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Whole = npt.NDArray[np.int64]

_ROOM: Final = 1 << 62  # what one number can tell apart


def in_order(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Return `frame` by symbol and `time`; one that is in order already is not sorted again.

    Rows with equal keys stay in their order. `time` is a date or an instant without nulls.
    """
    symbol, at = pl.col("symbol"), pl.col(time)
    later = (symbol > symbol.shift(1)) | ((symbol == symbol.shift(1)) & (at >= at.shift(1)))
    if frame.select(later.all()).item():
        return frame
    code, step = _numbers(frame, time)
    return _sorted(frame, code, step)


def by_time(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Return `frame` by `time` and symbol; rows with equal keys stay in their order."""
    if frame.is_empty():
        return frame
    code, step = _numbers(frame, time)
    return _sorted(frame, step, code)


def _numbers(frame: pl.DataFrame, time: str) -> tuple[Whole, Whole]:
    """Return each row's symbol and time as numbers from 0 on that are ordered as these are."""
    names = pl.Enum(frame["symbol"].unique().sort())
    code = frame["symbol"].cast(names).to_physical().to_numpy().astype(np.int64)
    step = frame[time].to_physical().to_numpy().astype(np.int64)
    return code, step - step.min()


def _sorted(frame: pl.DataFrame, first: Whole, second: Whole) -> pl.DataFrame:
    many = int(second.max()) + 1
    if many * (int(first.max()) + 1) > _ROOM:
        return frame[np.lexsort((second, first))]
    # Runs of rows that are in order, as those of a file mostly are, are merged and not sorted.
    return frame[(first * many + second).argsort(kind="stable")]
