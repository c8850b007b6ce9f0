"""Kernels over a sliding window of rows: sums, moments, extremes, regressions, weighted means.

Every kernel takes whole arrays of one symbol, oldest row first, and writes row ``i`` from rows
``i - window + 1 … i`` alone. A window that is not full, or that holds a NaN, gives NaN.

Running sums would carry the rounding of all earlier rows along. They are therefore summed anew at
each *anchor*, a row that the caller marks (the features mark the first row of each block of
days, or minutes) and as soon as the window holds no missing value any more. A value then
depends, to the last bit, only on the rows since one window before its anchor, and a computation
that starts later gives the same bits.
"""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel
from quant.typing import BoolArray, Float64Array, Int32Array

# Below this share of the (shifted) sum of squares a variance is rounding, not variation.
_ROUNDING = 1e-13
# Rows that a scan of windows handles together, one place of the window after the other: neighbours
# are independent of each other, so that vector instructions serve them, and fit the nearest cache.
_TILE = 256


@kernel
def _sum_anew(a: Float64Array) -> float:
    """Sum, in four parts side by side: one alone would wait for each addition's result."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for j in range(0, whole, 4):
        t0 += a[j]
        t1 += a[j + 1]
        t2 += a[j + 2]
        t3 += a[j + 3]
    for j in range(whole, a.size):
        t0 += a[j]
    return (t0 + t1) + (t2 + t3)


@kernel
def rolling_sum(a: Float64Array, window: int, anchor: BoolArray, out: Float64Array) -> None:
    """Sum of the window; exactly 0 when all its values are 0."""
    total, missing, nonzero = 0.0, -1, -1  # the latter two: the last such row
    for i in range(a.size):
        if math.isnan(a[i]):
            missing = i
        nonzero = i if a[i] != 0.0 else nonzero  # no branch: flags would have it guess wrong
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            total = _sum_anew(a[i - window + 1 : i + 1])
        else:
            total += a[i] - a[i - window]
        out[i] = total if nonzero > i - window else 0.0


@kernel
def rolling_mean(a: Float64Array, window: int, anchor: BoolArray, out: Float64Array) -> None:
    """Arithmetic mean of the window."""
    rolling_sum(a, window, anchor, out)
    for i in range(a.size):
        out[i] /= window


@kernel
def _squares_anew(a: Float64Array, origin: float) -> tuple[float, float]:
    """Sums of the differences to `origin`, and of their squares."""
    s0, s1, q0, q1 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 2
    for j in range(0, whole, 2):
        d, e = a[j] - origin, a[j + 1] - origin
        s0 += d
        s1 += e
        q0 += d * d
        q1 += e * e
    for j in range(whole, a.size):
        d = a[j] - origin
        s0 += d
        q0 += d * d
    return s0 + s1, q0 + q1


@kernel
def rolling_std(
    a: Float64Array, window: int, ddof: float, anchor: BoolArray, out: Float64Array
) -> None:
    """Standard deviation of the window; exactly 0 when it is constant up to rounding."""
    s1, s2, missing, origin = 0.0, 0.0, -1, 0.0
    share, freedom = 1.0 / window, 1.0 / (window - ddof)
    for i in range(a.size):
        if math.isnan(a[i]):
            missing = i
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            origin = a[i]
            s1, s2 = _squares_anew(a[i - window + 1 : i + 1], origin)
        else:
            new, old = a[i] - origin, a[i - window] - origin
            s1 += new - old
            s2 += new * new - old * old
        squares = s2 - s1 * s1 * share
        out[i] = math.sqrt(squares * freedom) if squares > _ROUNDING * s2 else 0.0


@kernel
def rolling_slope(
    a: Float64Array, window: int, r_squared: bool, anchor: BoolArray, out: Float64Array
) -> None:
    """Least-squares slope per row over the window, or the regression's R² (NaN if constant)."""
    s1, s2, st, missing, origin = 0.0, 0.0, 0.0, -1, 0.0
    mean_t = (window - 1) / 2.0
    stt = window * (window * window - 1.0) / 12.0
    for i in range(a.size):
        if math.isnan(a[i]):
            missing = i
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            s1, s2, st, origin = 0.0, 0.0, 0.0, a[i]
            for j in range(window):
                d = a[i - window + 1 + j] - origin
                s1 += d
                s2 += d * d
                st += j * d
        else:
            new, old = a[i] - origin, a[i - window] - origin
            st += (window - 1) * new - (s1 - old)
            s1 += new - old
            s2 += new * new - old * old
        sta = st - mean_t * s1
        if not r_squared:
            out[i] = sta / stt
            continue
        squares = s2 - s1 * s1 / window
        constant = squares <= _ROUNDING * s2
        out[i] = math.nan if constant else min(1.0, sta * sta / (stt * squares))


@kernel
def rolling_pair(
    a: Float64Array, b: Float64Array, window: int, kind: int, anchor: BoolArray, out: Float64Array
) -> None:
    """Of two series: covariance (kind 0, ddof 1), correlation (1), or slope of `a` on `b` (2)."""
    sa, sb, saa, sbb, sab, missing = 0.0, 0.0, 0.0, 0.0, 0.0, -1
    oa, ob = 0.0, 0.0
    for i in range(a.size):
        if math.isnan(a[i]) or math.isnan(b[i]):
            missing = i
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            sa, sb, saa, sbb, sab, oa, ob = 0.0, 0.0, 0.0, 0.0, 0.0, a[i], b[i]
            for j in range(i - window + 1, i + 1):
                x, y = a[j] - oa, b[j] - ob
                sa, sb = sa + x, sb + y
                saa, sbb, sab = saa + x * x, sbb + y * y, sab + x * y
        else:
            x, y = a[i] - oa, b[i] - ob
            u, v = a[i - window] - oa, b[i - window] - ob
            sa, sb = sa + (x - u), sb + (y - v)
            saa, sbb, sab = saa + (x * x - u * u), sbb + (y * y - v * v), sab + (x * y - u * v)
        out[i] = _pair_figure(sa, sb, saa, sbb, sab, window, kind)


@kernel
def _pair_figure(
    sa: float, sb: float, saa: float, sbb: float, sab: float, window: int, kind: int
) -> float:
    caa = saa - sa * sa / window
    cbb = sbb - sb * sb / window
    cab = sab - sa * sb / window
    if kind == 0:
        return cab / (window - 1)
    if cbb <= _ROUNDING * sbb or (kind == 1 and caa <= _ROUNDING * saa):
        return math.nan
    if kind == 2:
        return cab / cbb
    return max(-1.0, min(1.0, cab / math.sqrt(caa * cbb)))


@kernel
def weighted_mean(
    a: Float64Array, window: int, alpha: float, anchor: BoolArray, out: Float64Array
) -> None:
    """Exponentially weighted mean over a window, its weights scaled to sum to 1.

    The newest row weighs in proportion to 1, the one ``k`` rows back to ``(1 - alpha) ** k``.
    """
    keep = 1.0 - alpha
    tail = keep**window
    norm = alpha / (1.0 - tail)
    weights = np.empty(window)
    weights[window - 1] = 1.0
    for j in range(window - 2, -1, -1):
        weights[j] = weights[j + 1] * keep
    total, missing = 0.0, -1
    for i in range(a.size):
        if math.isnan(a[i]):
            missing = i
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            total = _product_anew(a[i - window + 1 : i + 1], weights)
        else:
            total = total * keep + (a[i] - tail * a[i - window])
        out[i] = total * norm


@kernel
def _product_anew(a: Float64Array, weights: Float64Array) -> float:
    """Sum of products, in four parts side by side."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for j in range(0, whole, 4):
        t0 += weights[j] * a[j]
        t1 += weights[j + 1] * a[j + 1]
        t2 += weights[j + 2] * a[j + 2]
        t3 += weights[j + 3] * a[j + 3]
    for j in range(whole, a.size):
        t0 += weights[j] * a[j]
    return (t0 + t1) + (t2 + t3)


@kernel
def rolling_extreme(
    a: Float64Array, window: int, sign: float, age: bool, out: Float64Array
) -> None:
    """Largest (sign 1) or smallest (sign −1) value of the window, or the rows since it.

    Of equal values the latest counts.
    """
    best, last_missing = -1, -1
    for i in range(a.size):
        if math.isnan(a[i]):
            last_missing = i
        if i < window - 1 or last_missing > i - window:
            out[i] = math.nan
            best = -1
            continue
        if best < i - window + 1:
            best = i - window + 1
            for j in range(i - window + 2, i + 1):
                if sign * a[j] >= sign * a[best]:
                    best = j
        elif sign * a[i] >= sign * a[best]:
            best = i
        out[i] = float(i - best) if age else a[best]


@kernel
def rolling_rank(a: Float64Array, window: int, out: Float64Array) -> None:
    """Share of the window's other values below the newest, ties counting half: 0 … 1."""
    out[: min(window - 1, a.size)] = math.nan
    for begin in range(window - 1, a.size, _TILE):
        newest = a[begin : begin + _TILE]
        score = out[begin : begin + _TILE]
        score[:] = 0.0
        for back in range(1, window):
            earlier = a[begin - back : begin - back + newest.size]
            for i in range(newest.size):
                x, y = earlier[i], newest[i]
                score[i] += 1.0 if x < y else (0.0 if x > y else (0.5 if x == y else math.nan))
        for i in range(newest.size):
            score[i] /= window - 1.0


@kernel
def rolling_mean_deviation(a: Float64Array, window: int, out: Float64Array) -> None:
    """Mean absolute deviation of the window from its mean."""
    out[: min(window - 1, a.size)] = math.nan
    mean = np.empty(_TILE)
    for begin in range(window - 1, a.size, _TILE):
        deviation = out[begin : begin + _TILE]
        mean[:] = 0.0
        deviation[:] = 0.0
        for back in range(window):
            earlier = a[begin - back : begin - back + deviation.size]
            for i in range(deviation.size):
                mean[i] += earlier[i]
        for i in range(deviation.size):
            mean[i] /= window
        for back in range(window):
            earlier = a[begin - back : begin - back + deviation.size]
            for i in range(deviation.size):
                deviation[i] += abs(earlier[i] - mean[i])
        for i in range(deviation.size):
            deviation[i] /= window


@kernel
def rolling_moment(
    a: Float64Array, window: int, order: float, anchor: BoolArray, out: Float64Array
) -> None:
    """Standardised central moment of the window: skewness (order 3), kurtosis (4, normal is 3)."""
    s1, s2, s3, s4, missing, origin = 0.0, 0.0, 0.0, 0.0, -1, 0.0
    for i in range(a.size):
        if math.isnan(a[i]):
            missing = i
        if i < window - 1 or missing > i - window:
            out[i] = math.nan
            continue
        if missing == i - window or anchor[i]:
            rows = a[i - window + 1 : i + 1]
            origin = _sum_anew(rows) / window
            s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
            for value in rows:
                d = value - origin
                s1, s2, s3, s4 = s1 + d, s2 + d * d, s3 + d * d * d, s4 + d * d * d * d
        else:
            x, y = a[i] - origin, a[i - window] - origin
            s1 += x - y
            s2 += x * x - y * y
            s3 += x * x * x - y * y * y
            s4 += x * x * x * x - y * y * y * y
        mean = s1 / window
        variance = s2 / window - mean * mean
        if variance <= _ROUNDING * (s2 / window + origin * origin):
            out[i] = math.nan
        elif order == 3.0:
            third = s3 / window - 3.0 * mean * s2 / window + 2.0 * mean**3
            out[i] = third / (variance * math.sqrt(variance))
        else:
            fourth = s4 / window - 4.0 * mean * s3 / window
            fourth += 6.0 * mean * mean * s2 / window - 3.0 * mean**4
            out[i] = fourth / (variance * variance)


@kernel
def lag(a: Float64Array, rows: int, out: Float64Array) -> None:
    """Value `rows` rows earlier."""
    out[: min(rows, a.size)] = np.nan
    for i in range(rows, a.size):
        out[i] = a[i - rows]


@kernel
def since_start(a: Float64Array, start: Float64Array, kind: int, out: Float64Array) -> None:
    """Sum (kind 0), largest (1) or smallest (2) value since the last row where `start` is 1.

    A missing value makes the rest of that stretch missing.
    """
    figure = math.nan
    for i in range(a.size):
        if start[i] == 1.0:
            figure = a[i]
        elif kind == 0:
            figure += a[i]
        elif math.isnan(a[i]) or math.isnan(figure):
            figure = math.nan
        elif (kind == 1) == (a[i] > figure):
            figure = a[i]
        out[i] = figure


@kernel
def usual_by_now(
    a: Float64Array, times: Int32Array, per_day: int, sessions: int, out: Float64Array
) -> None:
    """Mean over some earlier sessions of the value at the same minute, or the last before it.

    `times` are minutes, `per_day` of them to a day. NaN while one of these sessions has no bar
    yet, and where there are not so many earlier sessions.
    """
    places = np.empty(sessions, dtype=np.int64)  # in each earlier session, the oldest first
    starts = np.empty(sessions + 1, dtype=np.int64)  # of these, and of the current session
    known = -1
    for i in range(a.size):
        out[i] = math.nan
        if i == 0 or times[i] // per_day != times[i - 1] // per_day:
            starts[:-1] = starts[1:]
            starts[-1] = i
            places[:] = starts[:-1]
            known += 1
        if known < sessions:
            continue
        total = 0.0
        for k in range(sessions):
            place, end = places[k], starts[k + 1]
            minute = times[i] % per_day
            while place + 1 < end and times[place + 1] % per_day <= minute:
                place += 1
            places[k] = place
            total += a[place] if times[place] % per_day <= minute else math.nan
        out[i] = total / sessions


@kernel
def before_today(
    a: Float64Array, at_first: Float64Array, times: Int32Array, per_day: int, out: Float64Array
) -> None:
    """Value of the row before; in a day's first row the value of `at_first`."""
    for i in range(a.size):
        first = i == 0 or times[i] // per_day != times[i - 1] // per_day
        out[i] = at_first[i] if first else a[i - 1]
