"""A file's first rows: at the level of those that follow, or the wrong ones."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from quality.rules.jumps import (
    ADJUSTED,
    CLOSE,
    CODE,
    LOG_SPLIT,
    OPEN,
    REACH_CODE,
    REPEAT,
    STEP_NO,
    UNEXPLAINED,
    UNIT,
    VOLUME,
    jump,
    measure,
    nearest,
    reach_code,
)
from quality.rules.memory import correct
from quality.rules.thresholds import TICK, UNIT_FACTORS, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROWS: Final = 15  # daily rows whose median tells the level of a file's first rows
_OFF: Final = 1.5  # a log: no fifteen real sessions hold both ends of it
_LEAST: Final = 5  # rows that tell anything
_FEW: Final = 2  # first rows that may be off by less
_STEPS: Final = 12.0  # usual steps that they must be off by then
_EVENT: Final = 3.0  # times the volume before it, on the day of a real event
_LASTS: Final = 1.5  # and times the volume after it
_TRAVELS: Final = 0.25  # of the leap, within the bar and beside it
_FOLLOWS: Final = 0.6  # of the leap, that the volumes of a split follow it by
_UNIT_STEP: Final = 0.25  # a log: how far a session may move beside its change of unit
_ROUNDED: Final = 1e-6  # of a price: what is left of its digits in a file of single precision
_MOST_ROUNDED: Final = 0.05  # ticks
_MOSTLY: Final = 0.75  # of the prices: a true file has a few odd ones


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def first_sound(rows: Floats, usable: Bools, limits: Limits) -> int:
    """Return the row from which on a file's level can be trusted; mostly 0.

    The rows before it are at another level, and nothing says that the leap between happened: the
    volume of the day is as usual, and the volumes before and after are those of the same shares.
    Where both levels are long, the one whose prices are told to the cent is the right one.
    """
    sound = np.flatnonzero(usable)
    if sound.size < _LEAST:
        return 0
    levels = np.log(rows[sound, CLOSE]) + rows[sound, LOG_SPLIT]
    intraday = limits.gap_cap > 100.0  # a file of minutes is short: its own middle is its level
    n = -1 if intraday else _in_cents(rows[sound], levels)
    if n < 0:
        n = _far(levels, np.median(levels if intraday else levels[:_ROWS]))
    if n == 0:
        n = _near(rows[sound, STEP_NO], levels, limits)
    return int(sound[n]) if n > 0 and not _happened(rows[sound], levels, n, intraday) else 0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _in_cents(rows: Floats, levels: Floats) -> int:
    """Return how many first rows are in another unit, as their digits tell; -1 where they do not.

    Prices in cents, of what is told to the cent, are whole; prices in hundredths go on below it.
    """
    n = _unit_leap(levels, 0)
    if n == levels.size:
        return -1
    until = min(_unit_leap(levels, n), n + _ROWS)
    before, after = _to_the_cent(rows[max(0, n - _ROWS) : n]), _to_the_cent(rows[n:until])
    # Ten shares of a few cents each, joined into one, were told below the cent as well.
    joined = nearest(levels[n] - levels[n - 1], UNIT_FACTORS, _UNIT_STEP) == UNIT_FACTORS[0]
    if before + after != 1.0 or before == after or (after == 1.0 and joined):
        return -1
    return n if after == 1.0 else 0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _unit_leap(levels: Floats, after: int) -> int:
    """Return the first row after one to which the level leaps by a unit; their number for none."""
    n = after + 1
    while n < levels.size and nearest(levels[n] - levels[n - 1], UNIT_FACTORS, _UNIT_STEP) == 0.0:
        n += 1
    return min(n, int(levels.size))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _to_the_cent(rows: Floats) -> float:
    """Return 1.0 for prices in whole cents, 0.0 for coarser or finer ones, 0.5 for untold ones."""
    ticks = rows[:, OPEN : CLOSE + 1] / TICK
    left = np.minimum(_MOST_ROUNDED, _ROUNDED * ticks + 1e-6)
    cents = np.sum(np.abs(ticks - np.rint(ticks)) <= left) / ticks.size
    tens = np.sum(np.abs(ticks - 10.0 * np.rint(0.1 * ticks)) <= left) / ticks.size
    if tens >= _MOSTLY or cents <= 1.0 - _MOSTLY:
        return 0.0
    return 1.0 if cents >= _MOSTLY else 0.5


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _far(levels: Floats, middle: float) -> int:
    """Return how many first levels lie a unit apart from the middle and leap to it; 0 for none."""
    n = 0
    while n < levels.size and abs(levels[n] - middle) >= _OFF:
        n += 1
    leaps = 0 < n < levels.size and abs(levels[n] - levels[n - 1]) > 0.8 * _OFF
    return n if leaps else 0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _near(steps: Floats, levels: Floats, limits: Limits) -> int:
    """Return how many of the first few levels are off by less; 0 for none."""
    for n in range(1, _FEW + 1):
        if abs(steps[n] - steps[n - 1]) <= limits.gap_identity and _off(levels, n, limits):
            return n
    return 0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _off(levels: Floats, few: int, limits: Limits) -> bool:
    """Whether the first few levels lie on one side, far from the even ones that follow."""
    after = levels[few : few + _ROWS]
    if after.size < 4:
        return False
    middle = np.median(after[:4])
    steps = np.abs(np.diff(after))
    least = max(limits.error_move, _STEPS * np.median(steps))
    apart = levels[:few] - middle
    near = np.max(np.abs(after[:4] - middle)) < 0.3 * np.min(np.abs(apart))
    return bool(near and (np.all(apart > least) or np.all(apart < -least)))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _happened(rows: Floats, levels: Floats, n: int, intraday: bool) -> bool:
    """Whether news or a split changed the level at sound row `n`, as its volume or bar tells."""
    if intraday and n <= _FEW:  # a session opens at many times the volume of its minutes
        return False
    before = np.median(rows[max(0, n - _ROWS) : n, VOLUME])
    after = np.median(rows[n + 1 : n + 1 + _ROWS, VOLUME])
    if not (before > 0.0 and after > 0.0):
        return False
    volume = rows[n, VOLUME]
    event = volume >= _EVENT * before and volume >= _LASTS * after
    fades = before >= _EVENT * after  # as the first days of a new share do
    if not intraday and (event or fades):
        return True
    move = levels[n] - levels[n - 1]
    within = np.log(rows[n, CLOSE] / rows[n, OPEN]) / move
    if _TRAVELS < within < 1.0 - _TRAVELS:  # news go on within the day, a wrong level does not
        return True
    return bool(np.log(after / before) * np.sign(move) < -_FOLLOWS * abs(move))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def doubt_first(rows: Floats, first: int, state: Floats, limits: Limits, out: Floats) -> None:
    """Let the rows before the first sound one be off its level, as it is known to be."""
    own = state.copy()
    for i in range(first - 1, -1, -1):
        if rows[i, CLOSE] > 0.0:
            measure(rows[i], own, out[i], limits)
            code = jump(rows[i], own, out[i], limits)
            leaps = abs(out[i, ADJUSTED]) > limits.error_move
            out[i, CODE] = UNEXPLAINED if leaps and code < UNIT else code
            if code == UNIT:
                correct(rows[i], own, out[i])


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def measure_first(row: Floats, state: Floats, limits: Limits, out: Floats) -> None:
    """Measure the high and low of a series' first row by its own close and the rows after it."""
    measure(row, state, out, limits)
    out[REPEAT] = 0.0
    out[REACH_CODE] = reach_code(row, out, limits)
