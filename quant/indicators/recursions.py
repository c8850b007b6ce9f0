"""What the indicators share: checked inputs, windows over one series, and recursive smoothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from quant.jit import kernel
from quant.typing import Float64Array, FloatArray, Int64Array
from quant.validate import require_finite, require_positive_int, require_same_length

_BLOCK = 64  # rows between fresh sums, so that rounding does not pile up


def series(**arrays: FloatArray) -> list[Float64Array]:
    """Return the arrays as float64, refusing gaps, more than one dimension and unequal lengths."""
    for name, values in arrays.items():
        if np.ndim(values) != 1:
            raise ValueError(f"`{name}` must have one dimension, had {np.ndim(values)}.")
        require_finite(values, name=name)
    require_same_length(**arrays)
    return [np.ascontiguousarray(values, dtype=np.float64) for values in arrays.values()]


def windowed(
    over: Callable[[Float64Array, int, Int64Array, Float64Array], None],
    values: Float64Array,
    periods: int,
    *,
    at_least: int = 1,
) -> Float64Array:
    """Apply a window kernel with running sums."""
    require_positive_int(periods, name="periods", at_least=at_least)
    out = np.empty_like(values)
    over(values, periods, np.arange(0, values.size, _BLOCK), out)
    return out


def exponential(values: Float64Array, *, alpha: float, periods: int, start: int) -> Float64Array:
    """Smooth from row `start` on, begun with the mean of the first `periods` values."""
    out = np.full(values.size, np.nan)
    _exponential(values, alpha, periods, start, out)
    return out


@kernel
def _exponential(
    values: Float64Array, alpha: float, periods: int, start: int, out: Float64Array
) -> None:
    first = start + periods - 1
    if first >= values.size:
        return
    level = 0.0
    for i in range(start, first + 1):
        level += values[i]
    level /= periods
    out[first] = level
    for i in range(first + 1, values.size):
        level += alpha * (values[i] - level)
        out[i] = level


def wilder_total(values: Float64Array, *, periods: int) -> Float64Array:
    """Wilder's running sum from row 1 on: one `periods`-th of it is dropped, the new value added.

    It begins with the plain sum of ``periods - 1`` values, at row ``periods - 1``.
    """
    out = np.full(values.size, np.nan)
    _wilder_total(values, periods, out)
    return out


@kernel
def _wilder_total(values: Float64Array, periods: int, out: Float64Array) -> None:
    total = 0.0
    for i in range(1, values.size):
        total = total + values[i] if i < periods else total - total / periods + values[i]
        out[i] = math.nan if i < periods - 1 else total
