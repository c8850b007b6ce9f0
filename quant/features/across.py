"""Kernels across symbols: rank, mean and deviation of one session's members, and of a sector's."""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel
from quant.typing import BoolArray, Float64Array, Int32Array, Int64Array

_RUN = 8  # so few neighbours are sorted by insertion before runs are merged
_SPREAD = 2  # buckets for each key
_FULLEST = 48  # keys in one bucket; beyond it a few far keys crowd the others together
_FEW = 16  # so few keys are sorted sooner than laid out


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
    counts = np.empty(_SPREAD * widest + 1, dtype=np.int64)
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
            _rank(keys[:n], rows[:n], spare_keys[:n], spare_rows[:n], counts, out)


@kernel
def sector_means(
    values: Float64Array,
    member: BoolArray,
    sector: Int32Array,
    n_sectors: int,
    row_order: Int64Array,
    bounds: Int64Array,
    out: Float64Array,
    begin: int,
    end: int,
) -> None:
    """Mean over the members of each row's sector, for the sessions from `begin` to before `end`.

    Rows as in `cross_section`; `sector` numbers each row's sector, from 0 to before `n_sectors`.
    """
    sums, counts = np.empty(n_sectors), np.empty(n_sectors)
    for s in range(begin, end):
        rows = row_order[bounds[s] : bounds[s + 1]]
        sums[:], counts[:] = 0.0, 0.0
        for row in rows:
            if member[row] and not math.isnan(values[row]):
                sums[sector[row]] += values[row]
                counts[sector[row]] += 1.0
        for row in rows:
            n = counts[sector[row]]
            out[row] = sums[sector[row]] / n if member[row] and n > 0.0 else math.nan


@kernel
def _rank(
    keys: Float64Array,
    rows: Int64Array,
    spare_keys: Float64Array,
    spare_rows: Int64Array,
    counts: Int64Array,
    out: Float64Array,
) -> None:
    """Write each row's rank, by whichever way of sorting is sooner done."""
    if keys.size > _FEW and spread_out(keys, rows, spare_keys, spare_rows, counts):
        _write_ranks(spare_keys, spare_rows, out)
    else:
        sort_pairs(keys, rows, spare_keys, spare_rows)
        _write_ranks(keys, rows, out)


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
def spread_out(
    keys: Float64Array,
    rows: Int64Array,
    sorted_keys: Float64Array,
    sorted_rows: Int64Array,
    counts: Int64Array,
) -> bool:
    """Sort keys, and rows with them, by laying them out on a line; False where that is no help.

    Each key goes to a bucket by its distance from the lowest: two buckets a key, so that most hold
    one or none, and only neighbours within a bucket are left to sort. Where one bucket would hold
    many the merging sort is sooner done; then nothing has been sorted.
    """
    n = keys.size
    low, high = keys[0], keys[0]
    for i in range(n):
        low, high = min(low, keys[i]), max(high, keys[i])
    scale = (_SPREAD * n - 1.0) / (high - low)
    if not 0.0 < scale < math.inf:  # all alike, or too near or too far apart for a quotient
        return False
    counts[: _SPREAD * n + 1] = 0
    fullest = 0
    for i in range(n):
        bucket = int((keys[i] - low) * scale) + 1
        counts[bucket] += 1
        fullest = max(fullest, counts[bucket])
    if fullest > _FULLEST:
        return False
    for bucket in range(1, _SPREAD * n + 1):
        counts[bucket] += counts[bucket - 1]
    for i in range(n):
        bucket = int((keys[i] - low) * scale)
        at = counts[bucket]
        sorted_keys[at], sorted_rows[at] = keys[i], rows[i]
        counts[bucket] = at + 1
    _insert(sorted_keys, sorted_rows, 0, n)
    return True


@kernel
def _insert(keys: Float64Array, rows: Int64Array, start: int, stop: int) -> None:
    """Sort a stretch of keys in place, and rows with them, by insertion."""
    for i in range(start + 1, stop):
        key, row, j = keys[i], rows[i], i - 1
        while j >= start and keys[j] > key:
            keys[j + 1], rows[j + 1] = keys[j], rows[j]
            j -= 1
        keys[j + 1], rows[j + 1] = key, row


@kernel
def sort_pairs(
    keys: Float64Array, rows: Int64Array, spare_keys: Float64Array, spare_rows: Int64Array
) -> None:
    """Sort keys in place, and rows with them: short runs by insertion, then by merging."""
    n = keys.size
    for start in range(0, n, _RUN):
        _insert(keys, rows, start, min(start + _RUN, n))
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
