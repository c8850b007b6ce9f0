"""Kernels across symbols: the rank, mean and deviation of one session's members."""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel
from quant.typing import BoolArray, Float64Array, Int64Array

_RUN = 8  # so few neighbours are sorted by insertion before runs are merged


@kernel
def cross_section(
    values: Float64Array,
    member: BoolArray,
    row_order: Int64Array,
    bounds: Int64Array,
    op: int,
    out: Float64Array,
    begin: int,
    end: int,
) -> None:
    """Rank (`Op` 60), mean (61) or standard deviation (62) over the members of each session.

    `row_order` lists rows session by session; session `s` has the rows
    ``row_order[bounds[s]:bounds[s + 1]]``. Rows that are not members, or whose value is missing,
    have no rank and count for nothing. Does the sessions from `begin` to before `end`. `out` has
    an entry per row for ranks, and one per session for the others.
    """
    widest = 0
    for s in range(begin, end):
        widest = max(widest, bounds[s + 1] - bounds[s])
    keys, spare_keys = np.empty(widest), np.empty(widest)
    rows, spare_rows = np.empty(widest, dtype=np.int64), np.empty(widest, dtype=np.int64)
    for s in range(begin, end):
        n = 0
        for k in range(bounds[s], bounds[s + 1]):
            row = row_order[k]
            if op == 60:
                out[row] = math.nan
            value = values[row]
            if member[row] and not math.isnan(value):
                keys[n], rows[n] = value, row
                n += 1
        if op != 60:
            out[s] = _summary(keys[:n], op == 62)
        elif n >= 2:
            sort_pairs(keys[:n], rows[:n], spare_keys[:n], spare_rows[:n])
            _write_ranks(keys[:n], rows[:n], out)


@kernel
def _write_ranks(keys: Float64Array, rows: Int64Array, out: Float64Array) -> None:
    """Write each row's place among the sorted keys, 0 … 1; equal keys share their mean place."""
    n = keys.size
    i = 0
    while i < n:
        j = i
        while j + 1 < n and keys[j + 1] == keys[i]:
            j += 1
        for k in range(i, j + 1):
            out[rows[k]] = 0.5 * (i + j) / (n - 1)
        i = j + 1


@kernel
def sort_pairs(
    keys: Float64Array, rows: Int64Array, spare_keys: Float64Array, spare_rows: Int64Array
) -> None:
    """Sort keys in place, and rows with them: short runs by insertion, then by merging."""
    n = keys.size
    for start in range(0, n, _RUN):
        for i in range(start + 1, min(start + _RUN, n)):
            key, row, j = keys[i], rows[i], i - 1
            while j >= start and keys[j] > key:
                keys[j + 1], rows[j + 1] = keys[j], rows[j]
                j -= 1
            keys[j + 1], rows[j + 1] = key, row
    width = _RUN
    while width < n:
        for start in range(0, n, 2 * width):
            _merge(keys, rows, start, min(start + width, n), min(start + 2 * width, n),
                   spare_keys, spare_rows)  # fmt: skip
        keys[:], rows[:] = spare_keys, spare_rows
        width *= 2


@kernel
def _merge(
    keys: Float64Array,
    rows: Int64Array,
    start: int,
    middle: int,
    stop: int,
    merged_keys: Float64Array,
    merged_rows: Int64Array,
) -> None:
    """Merge the sorted stretches before and from `middle` on; of equal keys the earlier first."""
    i, j, k = start, middle, start
    while i < middle and j < stop:
        left = keys[i] <= keys[j]  # chosen by arithmetic: the branch would be a coin's toss
        at = i if left else j
        merged_keys[k], merged_rows[k] = keys[at], rows[at]
        i += left
        j += not left
        k += 1
    while i < middle:
        merged_keys[k], merged_rows[k] = keys[i], rows[i]
        i, k = i + 1, k + 1
    while j < stop:
        merged_keys[k], merged_rows[k] = keys[j], rows[j]
        j, k = j + 1, k + 1


@kernel
def _summary(values: Float64Array, spread: bool) -> float:
    """Mean, or sample standard deviation; NaN of too few."""
    n = values.size
    if n < (2 if spread else 1):
        return math.nan
    total = 0.0
    for value in values:
        total += value
    mean = total / n
    if not spread:
        return mean
    squares = 0.0
    for value in values:
        squares += (value - mean) ** 2
    return math.sqrt(squares / (n - 1))
