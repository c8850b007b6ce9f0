"""Series that a program takes as given: one figure per row, or one per day for all symbols."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quant.jit import kernel
from quant.typing import Float64Array, Int32Array, Int64Array


@dataclass(frozen=True)
class ByRow:
    """Figures of the last rows of each symbol; earlier rows count as missing.

    Attributes
    ----------
    values : float64 or int32 array of shape (n_values,)
    offsets : int64 array of shape (n_symbols + 1,)
        Symbol ``i`` has the values ``offsets[i] … offsets[i + 1] - 1``, the last one of them for
        its last row.
    """

    values: Float64Array | Int32Array
    offsets: Int64Array


@dataclass(frozen=True)
class ByDay:
    """Figures of days, the same for every symbol.

    Attributes
    ----------
    values : float64 array of shape (n_days,)
        NaN where there is none.
    day_zero : int
        Day of the first, counted since 1970-01-01.
    """

    values: Float64Array
    day_zero: int


Leaf = ByRow | ByDay


@dataclass(frozen=True)
class Layout:
    """Which rows a program looks at, and which of them are wanted.

    Attributes
    ----------
    times : int32 array of shape (n_rows,)
        Day or minute numbers of a panel, ascending within a symbol.
    offsets : int64 array of shape (n_symbols + 1,)
        Where each symbol's rows of the panel begin.
    begins : int64 array of shape (n_symbols,)
        First row looked at, counted within the symbol.
    firsts : int64 array of shape (n_symbols,)
        First row wanted, counted within the symbol; not before `begins`.
    """

    times: Int32Array
    offsets: Int64Array
    begins: Int64Array
    firsts: Int64Array

    @property
    def looked_at(self) -> Int64Array:
        """Offsets of the symbols among the rows looked at."""
        return _offsets(np.diff(self.offsets) - self.begins)

    @property
    def wanted(self) -> Int64Array:
        """Offsets of the symbols among the rows wanted."""
        return _offsets(np.diff(self.offsets) - self.firsts)

    def rows_wanted(self) -> Int64Array:
        """Return the panel's rows that are wanted, in its order."""
        wanted = self.wanted
        starts = self.offsets[:-1] + self.firsts - wanted[:-1]
        return np.arange(wanted[-1]) + np.repeat(starts, np.diff(wanted))


def _offsets(lengths: Int64Array) -> Int64Array:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def given(
    leaf: Leaf, times: Int32Array, lengths: Int64Array, first: int, out: Float64Array
) -> None:
    """Write a leaf for the last `lengths` rows of the symbols from `first` on, one after another.

    Parameters
    ----------
    leaf : Leaf
    times : array of shape (n_rows,); of the rows asked for
    lengths : array of shape (n_symbols,)
    first : int
        Which symbol the first length is for.
    out : array of shape (n_rows,)
    """
    if isinstance(leaf, ByDay):
        figures_of_days(leaf.values, leaf.day_zero, times, out)
    else:
        last_rows(leaf.values, leaf.offsets[first : first + lengths.size + 1], lengths, out)


@kernel
def figures_of_days(
    values: Float64Array, day_zero: int, times: Int32Array, out: Float64Array
) -> None:
    """Copy the figure of each row's day."""
    for i in range(times.size):
        out[i] = values[times[i] - day_zero]


@kernel
def last_rows(
    values: Float64Array | Int32Array, offsets: Int64Array, lengths: Int64Array, out: Float64Array
) -> None:
    """Copy the last rows of each symbol, NaN in front where it has not so many."""
    at = 0
    for s in range(lengths.size):
        end = offsets[s + 1]
        known = min(lengths[s], end - offsets[s])
        start = at + lengths[s] - known
        out[at:start] = np.nan
        out[start : start + known] = values[end - known : end]
        at += lengths[s]


@kernel
def last_times(
    times: Int32Array, offsets: Int64Array, lengths: Int64Array, out: Int32Array
) -> None:
    """Copy the times of the last rows of each symbol."""
    at = 0
    for s in range(lengths.size):
        out[at : at + lengths[s]] = times[offsets[s + 1] - lengths[s] : offsets[s + 1]]
        at += lengths[s]
