"""What panels of daily and minute bars check alike, and how their rows are laid out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quant.jit import kernel
from quant.typing import Float64Array, Int32Array, Int64Array


class Laid(Protocol):
    """A panel: its symbols' rows follow one another."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols."""
        ...

    @property
    def offsets(self) -> Int64Array:
        """First row of each symbol, and the number of rows."""
        ...


def symbol_at(panel: Laid, row: int) -> str:
    """Return the symbol that `row` belongs to."""
    return panel.symbols[int(np.searchsorted(panel.offsets, row, side="right")) - 1]


def require_column(
    array: NDArray[np.generic], *, name: str, dtype: type[np.generic], rows: int | None = None
) -> None:
    """Refuse anything but a one-dimensional array of this type, and this length if one is given."""
    fits = isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == dtype
    if not fits or (rows is not None and array.size != rows):
        wanted = "any length" if rows is None else f"{rows} rows"
        found = f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
        raise ValueError(
            f"`{name}` must be a one-dimensional {np.dtype(dtype)} array of {wanted}, was {found}."
        )


def require_layout(symbols: tuple[str, ...], offsets: Int64Array, *, rows: int) -> None:
    """Refuse symbols that occur twice and offsets that do not divide the rows among them."""
    seen: set[str] = set()
    for symbol in symbols:
        if symbol in seen:
            raise ValueError(f"`symbols` must each occur once, {symbol!r} occurs more often.")
        seen.add(symbol)
    require_column(offsets, name="offsets", dtype=np.int64, rows=len(symbols) + 1)
    ends = (int(offsets[0]), int(offsets[-1]))
    if ends != (0, rows) or bool(np.any(np.diff(offsets) < 0)):
        raise ValueError(
            f"`offsets` must rise from 0 to the panel's {rows} rows, "
            f"runs from {ends[0]} to {ends[1]}."
        )


def require_scale(
    values: Float64Array,
    *,
    name: str,
    at: Callable[[int], str],
    zero_allowed: bool = False,
    gaps_allowed: bool = True,
) -> None:
    """Refuse infinities, negative figures, and zeros or NaN unless they are allowed."""
    rows, row = _wrong_rows(values, zero_allowed, gaps_allowed)
    if rows == 0:
        return
    bound = "0 or more" if zero_allowed else "positive"
    cure = "Hold such rows back, or use NaN for an unknown value." if gaps_allowed else "Mend them."
    raise ValueError(
        f"`{name}` must be {bound} and finite: {rows} rows are not, the first is "
        f"{at(row)} with {values[row]}. {cure}"
    )


@kernel
def _wrong_rows(values: Float64Array, zero_allowed: bool, gaps_allowed: bool) -> tuple[int, int]:
    """How many rows are out of bounds, and the first of them."""
    count = 0
    for i in range(values.size):
        count += _wrong(values[i], zero_allowed, gaps_allowed)
    first = 0
    while count > 0 and not _wrong(values[first], zero_allowed, gaps_allowed):
        first += 1
    return count, first


@kernel
def _wrong(value: float, zero_allowed: bool, gaps_allowed: bool) -> bool:
    low = value < 0.0 if zero_allowed else value <= 0.0
    return low | (value == math.inf) | (not gaps_allowed and math.isnan(value))


def first_descent(times: Int32Array, offsets: Int64Array) -> int | None:
    """Return the first row whose time is not after that of the symbol's row before it."""
    row = _first_descent(times, offsets)
    return row if row < times.size else None


@kernel
def _first_descent(times: Int32Array, offsets: Int64Array) -> int:
    for s in range(offsets.size - 1):
        later, earlier = times[offsets[s] + 1 : offsets[s + 1]], times[offsets[s] : offsets[s + 1]]
        descents = 0
        for i in range(later.size):
            descents += later[i] <= earlier[i]
        if descents:
            for i in range(later.size):
                if later[i] <= earlier[i]:
                    return int(offsets[s]) + 1 + i
    return times.size


def rows_below(times: Int32Array, offsets: Int64Array, bound: int) -> Int64Array:
    """Return how many rows of each symbol are earlier than `bound`."""
    counts = np.empty(offsets.size - 1, dtype=np.int64)
    _rows_below(times, offsets, bound, counts)
    return counts


@kernel
def _rows_below(times: Int32Array, offsets: Int64Array, bound: int, counts: Int64Array) -> None:
    for s in range(counts.size):
        counts[s] = np.searchsorted(times[offsets[s] : offsets[s + 1]], bound)
