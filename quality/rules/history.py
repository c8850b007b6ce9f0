"""Every bar beside the trusted bars before it, in one pass over all symbols.

Two readings share the pass. The *gate* of the pipeline never looks ahead: a row is measured
against earlier accepted rows of its symbol only. A *whole file* may be read with hindsight: the
first rows are measured by those that follow, and a level that returns is told from one that
stays. In both a row that is refused never becomes the measure of a later one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from quality.rules.beginnings import doubt_first, first_sound, measure_first
from quality.rules.feeds import mark_thin
from quality.rules.jumps import (
    ADJUSTED,
    ALIKE,
    CLOSE,
    CODE,
    FACTOR,
    HIGH,
    IDENTITY,
    LOG_SPLIT,
    LOW,
    MEASURES,
    NEW_LEVEL,
    NORMAL,
    OPEN,
    REACH_CODE,
    REPEAT,
    S_AFTER,
    S_ALIKE,
    S_INDEX,
    S_NO,
    S_PENDING,
    S_PENDING_CODE,
    S_PENDING_SEEN,
    S_PENDING_SPLIT,
    S_SEEN,
    S_UNIT,
    S_UNTIL,
    SIGMA,
    SPIKE,
    SPLIT_LIKE,
    STALE,
    STATE,
    STEP_NO,
    UNEXPLAINED,
    UNIT,
    UNRESOLVED,
    UNUSUAL,
    VOLUME,
    VOLUME_CODE,
    action_error,
    jump,
    measure,
    reach_code,
    volume_code,
)
from quality.rules.memory import (
    accept,
    correct,
    seed,
    volume_after,
)
from quality.rules.returns import (
    is_another_firm,
    is_spike,
    is_split_by_ten,
    is_thin_step,
    returns_at,
)
from quality.rules.thresholds import TICKS, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

_TELLING: Final = 8.0  # rows that must follow the first, to tell how it lies


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _waits(row: Floats, state: Floats, out: Floats) -> bool:
    """Whether the row stands at the level of a jump that is still unexplained."""
    if state[S_PENDING] <= 0.0 or row[LOG_SPLIT] != state[S_PENDING_SPLIT]:
        return False
    step = abs(np.log(row[CLOSE] / state[S_PENDING]))
    return bool(step <= max(0.12, 4.0 * out[SIGMA]) and step < abs(out[ADJUSTED]))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _pend(row: Floats, state: Floats, code: float) -> None:
    """Remember a level that waits for an explanation."""
    state[S_PENDING] = row[CLOSE]
    state[S_PENDING_CODE] = code
    state[S_PENDING_SEEN] = 1.0
    state[S_PENDING_SPLIT] = row[LOG_SPLIT]


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _code(
    rows: Floats,
    usable: Bools,
    at: int,
    state: Floats,
    out: Floats,
    limits: Limits,
    hindsight: bool,
) -> float:
    """Return the code of a measured row."""
    row = rows[at]
    gap = abs(row[STEP_NO] - state[S_NO])
    if gap > limits.gap_identity:
        if is_another_firm(rows, usable, at, state, out, hindsight):
            return IDENTITY
        if gap > limits.gap_restart:
            return NORMAL
    code = float(action_error(out))
    return float(jump(row, state, out, limits)) if code == NORMAL else code


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _gate(
    rows: Floats, usable: Bools, at: int, state: Floats, out: Floats, limits: Limits
) -> float:
    """Return the code of a row as far as it can be known without what follows."""
    row = rows[at]
    if _waits(row, state, out):
        state[S_PENDING] = row[CLOSE]
        state[S_PENDING_SEEN] += 1.0
        believed = state[S_PENDING_SEEN] > limits.believed_after
        lone = state[S_PENDING_CODE] == UNEXPLAINED or state[S_PENDING_CODE] == IDENTITY
        return NEW_LEVEL if believed and lone else UNRESOLVED
    code = _code(rows, usable, at, state, out, limits, False)
    if code > UNIT:
        _pend(row, state, code)
    return float(code)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _settle(
    rows: Floats,
    usable: Bools,
    at: int,
    state: Floats,
    out: Floats,
    limits: Limits,
    code: float,
) -> None:
    """With hindsight: doubt the rows until a level returns, or let it be the new measure."""
    until = -1  # a wrong record of an action is not undone by the price
    if code in (SPLIT_LIKE, UNEXPLAINED, IDENTITY):
        until = returns_at(rows, usable, at, out[ADJUSTED], int(limits.excursion), 0.35)
    if until < 0 and rows.shape[0] - at <= limits.believed_after:
        until = rows.shape[0]  # too near the end to tell: what follows is doubted with it
    if until >= 0:
        state[S_UNTIL] = until
    else:
        accept(rows[at], state, out, limits)
        seed(rows, usable, at, state, limits)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _whole(
    rows: Floats, usable: Bools, at: int, state: Floats, out: Floats, limits: Limits
) -> float:
    """Return the code of a row of a whole file; a level that stays becomes the new measure."""
    if at < state[S_UNTIL]:
        return UNRESOLVED
    state[S_AFTER] = 0.0
    if abs(out[ADJUSTED]) > 0.9 * limits.error_move:
        state[S_AFTER] = volume_after(rows, usable, at)
    code = _code(rows, usable, at, state, out, limits, True)
    if not usable[at]:
        return float(code)
    if code == UNIT and is_split_by_ten(rows, usable, at, out, limits):
        state[S_UNIT] = 0.0
        code = SPLIT_LIKE
    intraday = limits.gap_cap > 100.0
    if code == UNEXPLAINED and intraday and is_thin_step(rows, usable, at, state, out):
        code = UNUSUAL
    if code < UNIT:
        return SPIKE if is_spike(rows, usable, at, state, out, limits) else code
    if code == UNIT:
        return float(code)
    _settle(rows, usable, at, state, out, limits, code)
    return float(code)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _mark_repeat(
    rows: Floats,
    usable: Bools,
    at: int,
    state: Floats,
    out: Floats,
    limits: Limits,
    hindsight: bool,
) -> None:
    """Let a second repeat of the same prices in a row, and the one before a second, be stale."""
    if out[REPEAT] == ALIKE and not state[S_ALIKE] > 0.0 and hindsight and at + 1 < len(rows):
        wide = limits.gap_cap <= 100.0 or rows[at, HIGH] - rows[at, LOW] > TICKS
        again = usable[at + 1] and (wide or rows[at + 1, VOLUME] == rows[at, VOLUME])
        for column in (OPEN, HIGH, LOW, CLOSE):
            again = again and rows[at + 1, column] == rows[at, column]
        if again:
            out[REPEAT] = STALE
    elif out[REPEAT] == ALIKE and state[S_ALIKE] > 0.0:
        out[REPEAT] = STALE
    state[S_ALIKE] = out[REPEAT]


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _step(
    rows: Floats,
    usable: Bools,
    at: int,
    state: Floats,
    out: Floats,
    limits: Limits,
    hindsight: bool,
) -> bool:
    """Measure and classify one row; return whether it may become the measure of the next."""
    row = rows[at]
    if state[S_SEEN] == 0.0 or not row[CLOSE] > 0.0:
        return bool(usable[at])
    measure(row, state, out, limits)
    absent = abs(row[STEP_NO] - state[S_NO]) > limits.gap_restart
    if hindsight:
        out[CODE] = _whole(rows, usable, at, state, out, limits)
    else:
        out[CODE] = _gate(rows, usable, at, state, out, limits)
    if not usable[at] or out[CODE] >= UNIT:
        if usable[at] and out[CODE] == UNIT:
            correct(row, state, out)
        return False
    if absent:
        state[S_SEEN] = 0.0  # what was usual then is not any more
        return True
    out[REACH_CODE] = reach_code(row, out, limits)
    out[VOLUME_CODE] = volume_code(row, state, out, limits)
    _mark_repeat(rows, usable, at, state, out, limits, hindsight)
    stale = out[REPEAT] == STALE and row[VOLUME] > 0.0
    return bool(out[REACH_CODE] == 0.0 and not stale)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _series(
    rows: Floats, usable: Bools, trusted: Bools, limits: Limits, hindsight: bool, out: Floats
) -> None:
    """Measure the rows of one symbol."""
    state = np.zeros(STATE)
    state[S_INDEX] = np.nan
    first = first_sound(rows, usable, limits) if hindsight else 0
    for i in range(first, rows.shape[0]):
        accepted = _step(rows, usable, i, state, out[i], limits, hindsight)
        fresh = state[S_SEEN] == 0.0
        if accepted or trusted[i]:
            accept(rows[i], state, out[i], limits)
            if fresh and hindsight:
                seed(rows, usable, i, state, limits)
        if fresh and first > 0 and state[S_SEEN] > 0.0:
            doubt_first(rows, first, state, limits, out)
        elif fresh and hindsight and state[S_SEEN] >= _TELLING:
            measure_first(rows[i], state, limits, out[i])
    if hindsight and limits.gap_cap <= 100.0:
        mark_thin(rows, usable, limits, out)


@njit(parallel=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _all_series(
    rows: Floats,
    offsets: Whole,
    usable: Bools,
    trusted: Bools,
    limits: Limits,
    hindsight: bool,
    out: Floats,
) -> None:
    for symbol in prange(offsets.size - 1):
        first, last = offsets[symbol], offsets[symbol + 1]
        _series(
            rows[first:last], usable[first:last], trusted[first:last], limits, hindsight,
            out[first:last],
        )  # fmt: skip


def walk(
    rows: Floats,
    offsets: Whole,
    usable: Bools,
    trusted: Bools,
    *,
    limits: Limits,
    hindsight: bool = False,
) -> Floats:
    """Measure every row against the accepted rows of its symbol.

    Parameters
    ----------
    rows : array of shape (n, 11)
        Sorted by symbol and time; the columns of `quality.rules.jumps.COLUMNS`.
    offsets : array of shape (n_symbols + 1,)
        Where each symbol begins, and the end.
    usable, trusted : arrays of shape (n,)
        In itself without error; judged before and believed.
    limits : Limits
        Those of the kind of bar.
    hindsight : bool
        Whether the rows are a whole file, of which later rows may explain earlier ones.

    Returns
    -------
    array of shape (n, 15)
        The columns of `MEASURES`; NaN where a row has nothing before it.
    """
    blank = np.full(len(MEASURES), np.nan)
    blank[[CODE, FACTOR, REACH_CODE, REPEAT, VOLUME_CODE]] = 0.0
    out = np.tile(blank, (rows.shape[0], 1))
    _all_series(rows, offsets, usable, trusted, limits, hindsight, out)
    return out
