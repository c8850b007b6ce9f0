"""What the rows after a leap say of it: whether it comes back, stays, or begins another firm."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from quality.rules.jumps import (
    ADJUSTED,
    CLOSE,
    FACTOR,
    INDEX,
    INDEX_MOVE,
    LOG_SPLIT,
    S_LOG_VOLUME,
    S_NO,
    S_UNTIL,
    S_VOLUME_SPREAD,
    SIGMA,
    SPLIT,
    STEP_NO,
    VOLUME,
    VOLUME_RATIO,
    auction_volume,
)
from quality.rules.memory import volume_after
from quality.rules.thresholds import DAY_MINUTES, FADES, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_OVERNIGHT: Final = 0.5  # of the minutes of a session, that a night's move amounts to
_SHARED: Final = 0.3  # of a move, that the market makes as well
_THIN_MOVE: Final = 0.15  # a log
_AROUND: Final = 90  # minutes on each side that tell how often a share trades
_THIN: Final = 0.75  # bars a minute
_STAYS: Final = 2  # rows that must follow
_HALTED: Final = 20.0  # sessions: the longest halt that news of its kind end
_RESUMES: Final = 4.0  # times the usual volume
_OTHER_FIRM: Final = 1.1  # a log: no firm comes back from an absence at thrice its price


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def is_another_firm(
    rows: Floats, usable: Bools, at: int, state: Floats, out: Floats, hindsight: bool
) -> bool:
    """Whether a series that comes back after an absence is hardly the one that left."""
    gap = abs(rows[at, STEP_NO] - state[S_NO])
    wide = max(0.015, out[SIGMA] / np.sqrt(min(gap, 4.0))) * np.sqrt(gap)
    after = volume_after(rows, usable, at) if hindsight and gap <= 260.0 else 0.0
    # A halt ends at many times the usual volume, which fades to what it was.
    ends = gap <= _HALTED and out[VOLUME_RATIO] >= _RESUMES and rows[at, VOLUME] >= FADES * after
    limit = _OTHER_FIRM if after > 0.0 and ends else min(5.0 * wide, _OTHER_FIRM)
    if abs(out[ADJUSTED]) > max(0.25, limit):
        return True
    if not after > 0.0:
        return False
    change = np.log(after) - state[S_LOG_VOLUME] - out[SPLIT]
    return bool(abs(change) > max(1.8, 6.0 * state[S_VOLUME_SPREAD]))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def returns_at(rows: Floats, usable: Bools, at: int, move: float, within: int, share: float) -> int:
    """Return the row at which the level from `at` on jumps back to where it was; -1 for none."""
    start = np.log(rows[at, CLOSE]) + rows[at, LOG_SPLIT] - move
    before = start + move
    for i in range(at + 1, min(at + within + 1, rows.shape[0])):
        if not usable[i]:
            continue
        level = np.log(rows[i, CLOSE]) + rows[i, LOG_SPLIT]
        step = level - before
        back = step * move < 0.0 and abs(step) >= (1.0 - share) * abs(move)
        if back and abs(level - start) <= share * abs(move):
            return i
        before = level
    return -1


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def is_thin_step(rows: Floats, usable: Bools, at: int, state: Floats, out: Floats) -> bool:
    """With hindsight: whether a share of few trades moved within its session, and stayed.

    Between two trades minutes apart its price goes where the quotes went, whatever the volume. What
    comes back by a night has not come back: the night moved the price anew.
    """
    move, today = out[ADJUSTED], np.floor(rows[at, STEP_NO] / DAY_MINUTES)
    if abs(move) > _THIN_MOVE or np.floor(state[S_NO] / DAY_MINUTES) != today:
        return False
    first, last = at, at
    while first > 0 and rows[at, STEP_NO] - rows[first - 1, STEP_NO] <= _AROUND:
        first -= 1
    while last + 1 < rows.shape[0] and rows[last + 1, STEP_NO] - rows[at, STEP_NO] <= _AROUND:
        last += 1
    if last - first > _THIN * (rows[last, STEP_NO] - rows[first, STEP_NO]):
        return False
    if rows.shape[0] - at <= _STAYS:
        return False
    until = returns_at(rows, usable, at, move, rows.shape[0], 0.35)
    return bool(until < 0 or np.floor(rows[until, STEP_NO] / DAY_MINUTES) != today)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _market_moves(rows: Floats, at: int, until: int, out: Floats, limits: Limits) -> bool:
    """Whether the market goes the same way, by the row or, of minutes, before the row's return.

    Symbols of few trades follow one another by minutes.
    """
    last = max(until, at + 1) if limits.gap_cap > 100.0 else at + 1
    for i in range(at, last):
        index = out[INDEX_MOVE] + np.log(rows[i, INDEX] / rows[at, INDEX])
        if index * out[ADJUSTED] > 0.0 and abs(index) > _SHARED * abs(out[ADJUSTED]):
            return True
    return False


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def is_spike(
    rows: Floats, usable: Bools, at: int, state: Floats, out: Floats, limits: Limits
) -> bool:
    """With hindsight: whether the next rows take this move back, and nothing stood behind it."""
    size = abs(out[ADJUSTED])
    least = limits.spike_sigmas * out[SIGMA]
    auction = auction_volume(rows[at], limits)
    if rows[at, STEP_NO] - state[S_NO] > 1.0 < auction:
        least *= _OVERNIGHT
    ratio = out[VOLUME_RATIO] / auction
    if ratio >= limits.spike_volume:
        least = 2.0 * least if ratio < limits.confirming_volume else np.inf
    if size < max(limits.spike_move, least):
        return False
    until = returns_at(rows, usable, at, out[ADJUSTED], 3, 0.4 if auction == 1.0 else 0.2)
    if _market_moves(rows, at, until, out, limits):
        return False
    if until >= 0:  # the way back must be as unusual as the way out
        last = until - 1
        while not usable[last]:
            last -= 1
        step = np.log(rows[until, CLOSE] / rows[last, CLOSE])
        step += rows[until, LOG_SPLIT] - rows[last, LOG_SPLIT]
        if abs(step) < least:
            return False
    state[S_UNTIL] = max(until, 0)
    return bool(until >= 0)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def is_split_by_ten(rows: Floats, usable: Bools, at: int, out: Floats, limits: Limits) -> bool:
    """With hindsight: whether a leap by ten stays, as a split does; units are off by a hundred."""
    ten = max(out[FACTOR], 1.0 / out[FACTOR]) < 20.0
    if not ten or limits.gap_cap > 100.0 or rows.shape[0] - at <= limits.believed_after:
        return False
    return bool(returns_at(rows, usable, at, out[ADJUSTED], rows.shape[0], 0.35) < 0)
