"""Kernels of running figures over a window of rows: sums, means, moments, regressions.

Every kernel takes whole arrays of one symbol, oldest row first, and writes row ``i`` from rows
``i - window + 1 … i`` alone. A window that is not full, or that holds a NaN, gives NaN.

Running sums would carry the rounding of all earlier rows along. They are therefore summed anew at
each *anchor*, a row that the caller names (the features name the first row of each block of
days, or minutes) and as soon as the window holds no missing value any more. A value then
depends, to the last bit, only on the rows since one window before its anchor, and a computation
that starts later gives the same bits.

The rows from one such beginning to the next are a *stretch*. Within it nothing is missing, so that
the loops over it ask nothing and the processor need not guess.
"""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel
from quant.typing import Float64Array, Int64Array

# Below this share of the (shifted) sum of squares a variance is rounding, not variation.
_ROUNDING = 1e-13
# Once a variance has fallen below this share of the largest the running sums have held, what their
# rounding left weighs in moments of higher order: they are made anew.
_FADED = 1e-3
_GLANCE = 64  # rows looked at together for a missing value


@kernel
def next_missing(a: Float64Array, begin: int) -> int:
    """First row from `begin` on that holds NaN, or the number of rows if none does."""
    start = max(begin, 0)
    while start + _GLANCE <= a.size:
        rows, missing = a[start : start + _GLANCE], 0
        for i in range(_GLANCE):  # a number that the compiler knows
            missing += rows[i] != rows[i]  # of NaN alone
        if missing:
            break
        start += _GLANCE
    for i in range(start, a.size):
        if math.isnan(a[i]):
            return i
    return a.size


@kernel
def stretches(a: Float64Array, window: int, anchors: Int64Array, out: Float64Array) -> Int64Array:
    """Return the stretches, first row and end of each, and write NaN to the rows in none.

    Parameters
    ----------
    a : array of shape (n_rows,)
    window : int
    anchors : array of shape (n_anchors,)
        Rows at which sums start anew, ascending.
    out : array of shape (n_rows,)

    Returns
    -------
    array of shape (n_stretches, 2)
    """
    found = np.empty((a.size, 2), dtype=np.int64)
    n, k, begin = 0, 0, 0
    while begin < a.size:
        if math.isnan(a[begin]):
            out[begin] = math.nan
            begin += 1
            continue
        gap = next_missing(a, begin)
        first = begin + window - 1
        out[begin : min(first, gap)] = math.nan
        while first < gap:
            while k < anchors.size and anchors[k] <= first:
                k += 1
            found[n, 0] = first
            first = min(gap, anchors[k]) if k < anchors.size else gap
            found[n, 1] = first
            n += 1
        begin = gap
    return found[:n]


@kernel
def _edges(runs: Int64Array, k: int, window: int) -> tuple[int, int, int]:
    """Rows that enter and leave the window after the first of stretch `k`, and how many will.

    The compiler is told that they are not negative: an index that might be counts from the end.
    """
    first, end = runs[k, 0], runs[k, 1]
    return max(first + 1, 0), max(first + 1 - window, 0), end - first - 1


@kernel
def sum_anew(a: Float64Array, begin: int, n: int) -> float:
    """Sum of `n` rows, in parts side by side: one alone would wait for each addition's result."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    begin = max(begin, 0)
    for j in range(n // 4):
        i = begin + 4 * j
        t0 += a[i]
        t1 += a[i + 1]
        t2 += a[i + 2]
        t3 += a[i + 3]
    for j in range(n - n % 4, n):
        t0 += a[begin + j]
    return (t0 + t1) + (t2 + t3)


@kernel
def rolling_sum(a: Float64Array, window: int, anchors: Int64Array, out: Float64Array) -> None:
    """Sum of the window; exactly 0 when all its values are 0."""
    runs = stretches(a, window, anchors, out)
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        total = sum_anew(a, old, window)
        out[new - 1] = total
        for i in range(n):
            total += a[new + i] - a[old + i]
            out[new + i] = total
    _clear_zeros(a, window, out)


@kernel
def rolling_mean(a: Float64Array, window: int, anchors: Int64Array, out: Float64Array) -> None:
    """Arithmetic mean of the window."""
    rolling_sum(a, window, anchors, out)
    for i in range(out.size):  # apart from the sums, so that vector instructions serve it
        out[i] /= window


@kernel
def _clear_zeros(a: Float64Array, window: int, out: Float64Array) -> None:
    """Write 0 where the window holds nothing else, whatever rounding has left."""
    some = False
    for i in range(a.size):
        some |= a[i] == 0.0
    if not some:
        return
    run = 0
    for i in range(a.size):
        run = run + 1 if a[i] == 0.0 else 0
        out[i] = 0.0 if run >= window else out[i]


@kernel
def rolling_std(
    a: Float64Array, window: int, ddof: float, anchors: Int64Array, out: Float64Array
) -> None:
    """Standard deviation of the window; exactly 0 when it is constant up to rounding."""
    runs = stretches(a, window, anchors, out)
    sums = np.empty(a.size)
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        origin = a[new - 1]
        s1, s2 = _squares_anew(a, origin, old, window)
        sums[new - 1], out[new - 1] = s1, s2
        for i in range(n):
            x, y = a[new + i] - origin, a[old + i] - origin
            s1 += x - y
            s2 += x * x - y * y
            sums[new + i], out[new + i] = s1, s2
    _deviations(sums, 1.0 / window, 1.0 / (window - ddof), out)


@kernel
def _deviations(sums: Float64Array, share: float, freedom: float, out: Float64Array) -> None:
    """Make deviations of the sums of squares in `out`, all at once with vector instructions."""
    for i in range(out.size):
        s1, s2 = sums[i], out[i]
        squares = s2 - s1 * s1 * share
        figure = math.sqrt(squares * freedom)
        out[i] = figure if squares > _ROUNDING * s2 else (math.nan if math.isnan(s2) else 0.0)


@kernel
def _squares_anew(a: Float64Array, origin: float, begin: int, n: int) -> tuple[float, float]:
    """Sums of `n` rows' differences to `origin`, and of their squares."""
    s0, s1, q0, q1 = 0.0, 0.0, 0.0, 0.0
    begin = max(begin, 0)
    for j in range(n // 2):
        d, e = a[begin + 2 * j] - origin, a[begin + 2 * j + 1] - origin
        s0, s1, q0, q1 = s0 + d, s1 + e, q0 + d * d, q1 + e * e
    if n % 2:
        d = a[begin + n - 1] - origin
        s0, q0 = s0 + d, q0 + d * d
    return s0 + s1, q0 + q1


@kernel
def rolling_slope(
    a: Float64Array, window: int, r_squared: bool, anchors: Int64Array, out: Float64Array
) -> None:
    """Least-squares slope per row over the window, or the regression's R² (NaN if constant)."""
    share, mean_t = 1.0 / window, (window - 1) / 2.0
    stt = window * (window * window - 1.0) / 12.0
    runs = stretches(a, window, anchors, out)
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        s1, s2, st, origin = 0.0, 0.0, 0.0, a[new - 1]
        for j in range(window):
            d = a[old + j] - origin
            s1, s2, st = s1 + d, s2 + d * d, st + j * d
        out[new - 1] = _line_figure(s1, s2, st - mean_t * s1, stt, share, r_squared)
        for i in range(n):
            x, y = a[new + i] - origin, a[old + i] - origin
            st += (window - 1) * x - (s1 - y)
            s1 += x - y
            s2 += x * x - y * y
            out[new + i] = _line_figure(s1, s2, st - mean_t * s1, stt, share, r_squared)


@kernel
def _line_figure(
    s1: float, s2: float, sta: float, stt: float, share: float, r_squared: bool
) -> float:
    if not r_squared:
        return sta / stt
    squares = s2 - s1 * s1 * share
    return math.nan if squares <= _ROUNDING * s2 else min(1.0, sta * sta / (stt * squares))


@kernel
def rolling_pair(
    a: Float64Array,
    b: Float64Array,
    window: int,
    kind: int,
    anchors: Int64Array,
    out: Float64Array,
) -> None:
    """Of two series: covariance (kind 0, ddof 1), correlation (1), or slope of `a` on `b` (2)."""
    share = 1.0 / window
    runs = stretches(a + b, window, anchors, out)  # the sum is missing where either is
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        oa, ob = a[new - 1], b[new - 1]
        sa, sb, saa, sbb, sab = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(window):
            x, y = a[old + i] - oa, b[old + i] - ob
            sa, sb = sa + x, sb + y
            saa, sbb, sab = saa + x * x, sbb + y * y, sab + x * y
        out[new - 1] = _pair_figure(sa, sb, saa, sbb, sab, share, kind)
        for i in range(n):
            x, y, u, v = a[new + i] - oa, b[new + i] - ob, a[old + i] - oa, b[old + i] - ob
            sa, sb = sa + (x - u), sb + (y - v)
            saa, sbb, sab = saa + (x * x - u * u), sbb + (y * y - v * v), sab + (x * y - u * v)
            out[new + i] = _pair_figure(sa, sb, saa, sbb, sab, share, kind)


@kernel
def _pair_figure(
    sa: float, sb: float, saa: float, sbb: float, sab: float, share: float, kind: int
) -> float:
    caa = saa - sa * sa * share
    cbb = sbb - sb * sb * share
    cab = sab - sa * sb * share
    if kind == 0:
        return cab / (1.0 / share - 1.0)
    if cbb <= _ROUNDING * sbb or (kind == 1 and caa <= _ROUNDING * saa):
        return math.nan
    if kind == 2:
        return cab / cbb
    return max(-1.0, min(1.0, cab / math.sqrt(caa * cbb)))


@kernel
def weighted_mean(
    a: Float64Array, window: int, alpha: float, anchors: Int64Array, out: Float64Array
) -> None:
    """Exponentially weighted mean over a window, its weights scaled to sum to 1.

    The newest row weighs in proportion to 1, the one ``k`` rows back to ``(1 - alpha) ** k``. It is
    exactly 0 when all values of the window are 0.
    """
    keep = 1.0 - alpha
    tail = keep**window
    norm = alpha / (1.0 - tail)
    weights = np.empty(window)
    weights[window - 1] = 1.0
    for j in range(window - 2, -1, -1):
        weights[j] = weights[j + 1] * keep
    runs = stretches(a, window, anchors, out)
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        total = _product_anew(a, old, weights)
        out[new - 1] = total * norm
        _decay(a, new, old, n, total, keep, tail, norm, out)
    _clear_zeros(a, window, out)


@kernel
def _product_anew(a: Float64Array, begin: int, weights: Float64Array) -> float:
    """Sum of products of the rows from `begin` on, in parts side by side."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    begin, n = max(begin, 0), weights.size
    for k in range(n // 4):
        j = 4 * k
        t0 += weights[j] * a[begin + j]
        t1 += weights[j + 1] * a[begin + j + 1]
        t2 += weights[j + 2] * a[begin + j + 2]
        t3 += weights[j + 3] * a[begin + j + 3]
    for j in range(n - n % 4, n):
        t0 += weights[j] * a[begin + j]
    return (t0 + t1) + (t2 + t3)


@kernel
def _decay(
    a: Float64Array,
    new: int,
    old: int,
    n: int,
    total: float,
    keep: float,
    tail: float,
    norm: float,
    out: Float64Array,
) -> None:
    """Go on with ``total = total * keep + entering - tail * leaving``, four rows at a time.

    What the four add is made up first, so that they wait for one product and one sum, not four.
    """
    new, old = max(new, 0), max(old, 0)
    k2, k3, k4 = keep**2, keep**3, keep**4
    for j in range(n // 4):
        i, o = new + 4 * j, old + 4 * j
        d0 = a[i] - tail * a[o]
        d1 = a[i + 1] - tail * a[o + 1] + keep * d0
        d2 = a[i + 2] - tail * a[o + 2] + keep * d1
        d3 = a[i + 3] - tail * a[o + 3] + keep * d2
        out[i] = (total * keep + d0) * norm
        out[i + 1] = (total * k2 + d1) * norm
        out[i + 2] = (total * k3 + d2) * norm
        total = total * k4 + d3
        out[i + 3] = total * norm
    for j in range(n - n % 4, n):
        total = total * keep + (a[new + j] - tail * a[old + j])
        out[new + j] = total * norm


@kernel
def rolling_moment(
    a: Float64Array, window: int, order: float, anchors: Int64Array, out: Float64Array
) -> None:
    """Standardised central moment of the window: skewness (order 3), kurtosis (4, normal is 3).

    NaN when the window is constant up to rounding.
    """
    share = 1.0 / window
    runs = stretches(a, window, anchors, out)
    for k in range(len(runs)):
        new, old, n = _edges(runs, k, window)
        origin, s1, s2, s3, s4 = _powers_anew(a, old, window)
        largest = s2
        out[new - 1] = _moment(s1 * share, s2 * share, s3 * share, s4 * share, origin, order)
        for i in range(n):
            x, y = a[new + i] - origin, a[old + i] - origin
            s1 += x - y
            s2 += x * x - y * y
            s3 += x * x * x - y * y * y
            s4 += x * x * x * x - y * y * y * y
            largest = max(largest, s2)
            if s2 - s1 * s1 * share < _FADED * largest:
                origin, s1, s2, s3, s4 = _powers_anew(a, old + i + 1, window)
                largest = s2
            out[new + i] = _moment(s1 * share, s2 * share, s3 * share, s4 * share, origin, order)


@kernel
def _powers_anew(a: Float64Array, begin: int, n: int) -> tuple[float, float, float, float, float]:
    """Mean of `n` rows, and sums of the first four powers of their differences to it."""
    origin = sum_anew(a, begin, n) / n
    s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        d = a[begin + i] - origin
        s1, s2, s3, s4 = s1 + d, s2 + d * d, s3 + d * d * d, s4 + d * d * d * d
    return origin, s1, s2, s3, s4


@kernel
def _moment(m1: float, m2: float, m3: float, m4: float, origin: float, order: float) -> float:
    """Standardised moment from the mean powers of the differences to `origin`."""
    variance = m2 - m1 * m1
    if variance <= _ROUNDING * (m2 + origin * origin):
        return math.nan
    if order == 3.0:
        return (m3 - 3.0 * m1 * m2 + 2.0 * m1 * m1 * m1) / (variance * math.sqrt(variance))
    fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1 * m1 * m1 * m1
    return fourth / (variance * variance)
