"""Kernels that look at rows, not at running sums: extremes, ranks, lags, figures of the session.

Arrays and missing values as in `quant.windows`.
"""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel, part
from quant.typing import Float64Array, Int32Array
from quant.windows import next_missing

# Rows that a scan of windows handles together, one place of the window after the other: neighbours
# are independent of each other, so that vector instructions serve them.
_TILE = 64


@kernel
def rolling_extreme(
    a: Float64Array, window: int, sign: float, age: bool, out: Float64Array
) -> None:
    """Largest (sign 1) or smallest (sign −1) value of the window, or the rows since it.

    Of equal values the latest counts. The extreme of twice as many rows is the larger of two
    extremes: a few passes of independent comparisons, whatever the window.
    """
    best, since, reach = sign * a, np.zeros(a.size), 1
    while reach < window:
        step = min(reach, window - reach)
        if age:
            since = _since_larger(best[step:], best[:-step], since[step:], since[:-step], step)
        best = _larger(best[step:], best[:-step])
        reach += step
    out[: window - 1] = math.nan
    out[window - 1 :] = since if age else sign * best


@kernel
def _larger(newer: Float64Array, older: Float64Array) -> Float64Array:
    out = np.empty(newer.size)
    for i in range(out.size):
        x, y = newer[i], older[i]
        out[i] = x if x >= y else (y if x < y else math.nan)
    return out


@kernel
def _since_larger(
    newer: Float64Array,
    older: Float64Array,
    rows: Float64Array,
    older_rows: Float64Array,
    step: int,
) -> Float64Array:
    """Rows since the larger of two extremes, the older of which lies `step` rows further back."""
    out = np.empty(newer.size)
    for i in range(out.size):
        x, y = newer[i], older[i]
        out[i] = rows[i] if x >= y else (older_rows[i] + step if x < y else math.nan)
    return out


@part
def rolling_rank(a: Float64Array, window: int, out: Float64Array) -> None:
    """Share of the window's other values below the newest, ties counting half: 0 … 1."""
    out[: window - 1] = math.nan
    for i in range(window - 1, a.size):
        begin, newest, below, equal = max(i - window + 1, 0), a[i], 0, 0
        for j in range(window - 1):
            below += a[begin + j] < newest
            equal += a[begin + j] == newest
        out[i] = (below + 0.5 * equal) / (window - 1.0)
    missing = next_missing(a, 0)
    while missing < a.size:
        out[missing : missing + window] = math.nan
        missing = next_missing(a, missing + 1)


@part
def rolling_quantile(a: Float64Array, window: int, share: float, out: Float64Array) -> None:
    """Value that `share` of the window lies below, on the line between the two next to it."""
    place = share * (window - 1)
    low = int(place)
    part, high = place - low, min(low + 1, window - 1)
    spare = np.empty(window + 1)
    out[:] = math.nan
    begin = 0
    while begin < a.size:
        gap = next_missing(a, begin)
        if begin + window <= gap:
            held = np.sort(a[begin : begin + window])
            out[begin + window - 1] = held[low] + part * (held[high] - held[low])
            for i in range(begin + window, gap):
                _exchange(held, a[i - window], a[i], spare)
                out[i] = held[low] + part * (held[high] - held[low])
        begin = gap + 1


@kernel
def _exchange(held: Float64Array, old: float, new: float, spare: Float64Array) -> None:
    """Put `new` in the place of `old` among ascending values.

    Each place is told from its neighbours alone: nothing is searched, and all are moved at once.
    """
    n = held.size
    for i in range(n - 1):
        spare[i + 1] = held[i] if held[i] < old else held[i + 1]
    spare[0], spare[n] = -math.inf, math.inf
    for i in range(n):
        below = spare[i] if spare[i] > new else new
        held[i] = below if below < spare[i + 1] else spare[i + 1]


@kernel
def rolling_mean_deviation(a: Float64Array, window: int, out: Float64Array) -> None:
    """Mean absolute deviation of the window from its mean."""
    out[: window - 1] = math.nan
    for begin in range(window - 1, a.size, _TILE):
        end = min(begin + _TILE, a.size)
        mean, deviation = np.zeros(_TILE), np.zeros(_TILE)
        for back in range(window):
            rows = a[begin - back : end - back]
            for i in range(rows.size):
                mean[i] += rows[i]
        for i in range(_TILE):
            mean[i] /= window
        for back in range(window):
            rows = a[begin - back : end - back]
            for i in range(rows.size):
                deviation[i] += abs(rows[i] - mean[i])
        for i in range(end - begin):
            out[begin + i] = deviation[i] / window


@kernel
def lag(a: Float64Array, rows: int, out: Float64Array) -> None:
    """Value `rows` rows earlier."""
    out[:rows] = math.nan
    out[rows:] = a[:-rows]


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
