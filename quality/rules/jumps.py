"""What a bar looks like beside the trusted bar before it, and what that most likely means.

Functions over one row (the columns of `COLUMNS`), the state of its symbol, and the row of
measures that comes out (`MEASURES`); compiled, and used by the walk of `quality.rules.history`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from quality.rules.thresholds import (
    AUCTION,
    CLOSES,
    CLOSES_EARLY,
    DAY_MINUTES,
    FADES,
    FAR,
    FAR_REACH,
    FAR_REACH_SIGMAS,
    FAR_VOLUME,
    HINDSIGHT_SHARE,
    INDEX_MOVES,
    INDEX_MULTIPLE,
    INDEX_SPAN,
    LIQUID_USD,
    MEAN_TO_SIGMA,
    NEWS_SHARE,
    NO_REACH,
    OPENS,
    RESCALED_FOR,
    ROUNDING,
    SPLIT_RATIOS,
    SPLIT_TOLERANCE,
    TELLING,
    TICK,
    TICKS,
    TRAVELLED,
    UNIT_FACTORS,
    UNIT_VOLUME,
    UNREST_SHARE,
    Limits,
)

Floats = npt.NDArray[np.float64]

COLUMNS: Final = (
    "open", "high", "low", "close", "volume", "step_no", "log_split", "dividends", "index_close",
    "index_low", "index_high",
)  # fmt: skip
OPEN, HIGH, LOW, CLOSE, VOLUME, STEP_NO, LOG_SPLIT, DIVIDENDS, INDEX, INDEX_LOW, INDEX_HIGH = range(
    11
)

MEASURES: Final = (
    "reference",  # last accepted close, as it was quoted (USD)
    "reference_no",  # the step number of that close
    "move",  # log of close over reference, as quoted
    "adjusted_move",  # the same with the splits and dividends on file taken out
    "sigma",  # robust volatility of one step, from earlier steps (fraction)
    "volume_ratio",  # volume over its typical value, splits on file taken out
    "index_move",  # log return of the index since the reference
    "factor",  # the price factor this jump looks like (10.0: ten times too high), else 0
    "code",  # the codes below
    "reach",  # how far high or low lies beyond close and reference (log)
    "repeat",  # 1: the prices of the bar before, 2: stale
    "split",  # log of the split ratio on file since the reference
    "reach_code",  # 1: unexplained reach, 0 otherwise
    "paid",  # dividends on file since the reference (USD)
    "volume_code",  # -1 too thin, 1 swollen, 2 none of a liquid share, 0 otherwise
)
(
    REFERENCE, REFERENCE_NO, MOVE, ADJUSTED, SIGMA, VOLUME_RATIO, INDEX_MOVE, FACTOR, CODE, REACH,
    REPEAT, SPLIT, REACH_CODE, PAID, VOLUME_CODE,
) = range(15)  # fmt: skip

(
    NORMAL, UNUSUAL, NEW_LEVEL, UNIT, SPLIT_LIKE, UNEXPLAINED, PHANTOM, INVERTED, UNRESOLVED, SPIKE,
    IDENTITY, UNPAID,
) = range(12)  # fmt: skip
"""From `UNIT` on a row is refused."""

ALIKE, STALE = 1, 2
THIN, SWOLLEN, UNTRADED = -1, 1, 2

# The state kept per symbol.
(
    S_CLOSE, S_OPEN, S_HIGH, S_LOW, S_VOLUME, S_NO, S_SPLIT, S_DIVIDENDS, S_INDEX, S_SCALE,
    S_LOG_VOLUME, S_VOLUME_SPREAD, S_RANGE, S_UNREST, S_BUSY, S_SEEN, S_PENDING, S_PENDING_CODE,
    S_PENDING_SEEN, S_PENDING_SPLIT, S_UNTIL, S_OTHER_VOLUME, S_ALIKE, S_AFTER, S_UNIT,
    S_DOUBT, S_RESCALED, S_RESCALED_NO,
) = range(28)  # fmt: skip
STATE: Final = 28


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def nearest(move: float, factors: Floats, tolerance: float) -> float:
    """Return the factor, or its inverse, that `move` (a log) comes closest to; 0.0 for none.

    `factors` ascend from above 1.
    """
    best, found = tolerance, 0.0
    if abs(move) < np.log(factors[0]) - tolerance - 1e-9:  # nearly every row, and logs are dear
        return found
    for factor in factors:
        step = np.log(factor)
        if abs(move - step) <= best:
            best, found = abs(move - step), float(factor)
        if abs(move + step) <= best:
            best, found = abs(move + step), float(1.0 / factor)
    return found


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def measure(row: Floats, state: Floats, out: Floats, limits: Limits) -> None:
    """Write how `row` stands beside the state of its symbol."""
    split = row[LOG_SPLIT] - state[S_SPLIT]
    paid = row[DIVIDENDS] - state[S_DIVIDENDS]
    basis = state[S_CLOSE] * np.exp(-split)
    if 0.0 < paid < 0.9 * basis:
        basis -= paid
    gap = max(1.0, abs(row[STEP_NO] - state[S_NO]))
    out[REFERENCE] = state[S_CLOSE]
    out[REFERENCE_NO] = state[S_NO]
    out[SPLIT] = split
    out[PAID] = paid
    out[MOVE] = np.log(row[CLOSE] / state[S_CLOSE])
    out[ADJUSTED] = np.log(row[CLOSE] / basis)
    sigma = max(limits.least_sigma, MEAN_TO_SIGMA * state[S_SCALE])
    sigma = max(sigma, UNREST_SHARE * state[S_UNREST], ROUNDING * TICK / basis)
    out[SIGMA] = sigma * np.sqrt(min(gap, limits.gap_cap))
    out[VOLUME_RATIO] = row[VOLUME] / np.exp(state[S_LOG_VOLUME] + split)
    out[INDEX_MOVE] = np.log(row[INDEX] / state[S_INDEX])
    top = np.log(row[HIGH] / max(row[CLOSE], basis))
    bottom = np.log(min(row[CLOSE], basis) / row[LOW])
    out[REACH] = max(top, bottom, 0.0)
    out[REPEAT] = repeat(row, state, out, limits)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def repeat(row: Floats, state: Floats, out: Floats, limits: Limits) -> float:
    """Return whether the row repeats the one before it: not, in its prices, or altogether."""
    if row[CLOSE] != state[S_CLOSE]:
        return 0.0
    intraday = limits.gap_cap > 100.0
    same = row[OPEN] == state[S_OPEN] and row[HIGH] == state[S_HIGH] and row[LOW] == state[S_LOW]
    twice = same and row[VOLUME] == state[S_VOLUME]
    if row[HIGH] == row[LOW]:
        if intraday:  # a thin share trades one round lot at one price many times
            return ALIKE if twice and row[VOLUME] > limits.liquid else 0.0
        # A share that moves every session does not stand still at its usual volume.
        lively = state[S_RANGE] * row[CLOSE] > TICKS and state[S_SEEN] >= 10.0
        traded = out[VOLUME_RATIO] >= 0.3 and np.exp(state[S_LOG_VOLUME]) >= limits.liquid
        return STALE if twice else (ALIKE if lively and traded else 0.0)
    if twice and not intraday:
        return STALE
    if twice and row[VOLUME] > limits.liquid:  # a cheap share repeats a narrow minute by chance
        ticks = (row[HIGH] - row[LOW]) / TICK
        return STALE if ticks * ticks * row[VOLUME] >= TELLING else ALIKE
    return ALIKE if same and row[HIGH] - row[LOW] > TICKS else 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def index_confirms(out: Floats) -> bool:
    """Whether the market moved the same way by a fifth or more of the move."""
    index = out[INDEX_MOVE]
    if not np.isfinite(index) or index * out[ADJUSTED] <= 0.0:
        return False
    return bool(abs(index) >= INDEX_MOVES and abs(out[ADJUSTED]) <= INDEX_MULTIPLE * abs(index))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def auction_volume(row: Floats, limits: Limits) -> float:
    """Return how many times a usual minute's volume an auction brings: 1.0 but at both ends."""
    if limits.gap_cap <= 100.0:
        return 1.0
    minute = row[STEP_NO] % DAY_MINUTES
    return AUCTION if minute == OPENS or minute in (CLOSES, CLOSES_EARLY) else 1.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def travelled(row: Floats, state: Floats, out: Floats) -> bool:
    """Whether a move was made in part overnight and in part within a wide bar, as news are.

    A wrong price, and a split, are either there from the open on or at the close alone.
    """
    way = np.sign(out[ADJUSTED])
    overnight = way * (np.log(row[OPEN] / state[S_CLOSE]) + out[SPLIT])
    within = way * np.log(row[CLOSE] / row[OPEN])
    wide = np.log(row[HIGH] / row[LOW]) >= 2.0 * state[S_RANGE]
    return bool(wide and min(overnight, within) >= 0.25 * abs(out[ADJUSTED]))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _needed(row: Floats, out: Floats, limits: Limits) -> float:
    """Return the volume ratio from which a move of this size is vouched for."""
    need = limits.confirming_volume
    if abs(out[ADJUSTED]) > FAR:
        need = max(need, FAR_VOLUME)
    if row[STEP_NO] % DAY_MINUTES != OPENS:  # what came overnight is told by the opening
        need *= auction_volume(row, limits)
    return need


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def confirmed(row: Floats, state: Floats, out: Floats, factor: float, limits: Limits) -> bool:
    """Whether volume or the market vouches for the move, shares having multiplied by `factor`."""
    ratio = out[VOLUME_RATIO]
    if state[S_OTHER_VOLUME] > 0.0:  # the bar before was counted in other units
        ratio = row[VOLUME] / np.exp(state[S_OTHER_VOLUME])
    need = _needed(row, out, limits)
    if ratio >= TRAVELLED * need and travelled(row, state, out):
        return True
    if state[S_AFTER] > 0.0 and factor == 0.0:
        # With hindsight less is needed, when the volume fades again as it does after an event.
        need *= HINDSIGHT_SHARE
        if row[VOLUME] < FADES * state[S_AFTER]:
            return bool(index_confirms(out))
    if state[S_AFTER] > 0.0 and factor > 0.0:
        # News draw more volume than before and after them; a split's volume is at one of the two.
        shown = min(ratio, row[VOLUME] / state[S_AFTER])
        if shown >= NEWS_SHARE * need:
            return True
    # After a split more shares trade; a real fall of that size is told from it by its wild range.
    wild = np.log(row[HIGH] / row[LOW]) > max(0.1, 2.2 * state[S_RANGE])
    if 0.0 < factor < 1.0 and not wild:
        need /= factor
    return bool(ratio >= need) or index_confirms(out)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def action_error(out: Floats) -> float:
    """Return the code of a split or dividend on file that the price contradicts, else NORMAL."""
    split = out[SPLIT]
    moved = abs(out[ADJUSTED]) >= max(0.15, 4.0 * out[SIGMA])
    tolerance = max(SPLIT_TOLERANCE, 4.0 * out[SIGMA])
    if abs(split) >= 0.15 and moved:
        if abs(out[MOVE]) <= min(tolerance, 0.5 * abs(split)):
            return PHANTOM
        if abs(out[MOVE] - split) <= tolerance:
            return INVERTED
        # Twice on file: the price moved by half of what the records say together.
        if abs(out[MOVE] + 0.5 * split) <= min(tolerance, 0.2 * abs(split)):
            return PHANTOM
    share = out[PAID] / out[REFERENCE]
    large = abs(split) < 0.15 and share >= max(0.06, 4.0 * out[SIGMA])
    if large and (share >= 0.9 or abs(out[MOVE]) < 0.35 * share):
        return UNPAID
    return NORMAL


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def jump(row: Floats, state: Floats, out: Floats, limits: Limits) -> float:
    """Return the code of a move whose actions on file are not at fault."""
    move = out[ADJUSTED]
    size = abs(move)
    sigma = out[SIGMA]
    factor = nearest(move, UNIT_FACTORS, min(0.25, max(0.15, 5.0 * sigma)))
    # Volume excuses no second row in the wrong unit, and hardly a first one.
    goes_on = state[S_UNIT] > 0.0 and abs(move - np.log(state[S_UNIT])) < 0.5
    factor = state[S_UNIT] if goes_on else factor
    state[S_UNIT] = 0.0
    if factor > 0.0 and (goes_on or out[VOLUME_RATIO] < UNIT_VOLUME):
        out[FACTOR] = factor
        state[S_UNIT] = factor
        # A split in the same proportion changes the count of shares traded as well.
        shares = np.log(max(out[VOLUME_RATIO], 1e-9)) * np.sign(move)
        like_split = not goes_on and shares < -0.6 * abs(np.log(factor))
        return SPLIT_LIKE if like_split else UNIT
    if size > max(limits.error_move, limits.split_sigmas * sigma):
        gap = np.log(row[OPEN] / state[S_CLOSE]) + out[SPLIT]
        factor = nearest(move, SPLIT_RATIOS, max(SPLIT_TOLERANCE, 2.5 * sigma))
        overnight = factor > 0.0 and abs(gap - np.log(factor)) <= max(0.15, 2.0 * sigma)
        if overnight and not confirmed(row, state, out, factor, limits):
            out[FACTOR] = factor
            return SPLIT_LIKE
    large = size > max(limits.error_move, limits.error_sigmas * sigma)
    if large and not confirmed(row, state, out, 0.0, limits):
        return UNEXPLAINED
    unusual = size > max(limits.unusual_move, limits.unusual_sigmas * sigma)
    return UNUSUAL if unusual else NORMAL


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def reach_code(row: Floats, out: Floats, limits: Limits) -> float:
    """Return 1.0 for a high or low that neither volume nor the market's own range explains."""
    ratio = out[VOLUME_RATIO]
    # The quieter the bar, the sooner a far high or low is doubted.
    strict = 0.61 if ratio < 1.0 else (0.8 if ratio < 1.25 else 1.0)
    if out[REACH] <= max(limits.reach_move, strict * limits.reach_sigmas * out[SIGMA]):
        return 0.0
    # No volume explains a high or low at more than twice or less than half of open and close.
    far = out[REACH] > FAR_REACH or out[REACH] > FAR_REACH_SIGMAS * out[SIGMA]
    need = limits.confirming_volume if far else limits.reach_volume
    if ratio >= max(need, limits.reach_volume) and out[REACH] < NO_REACH:
        return 0.0
    span = np.log(row[INDEX_HIGH] / row[INDEX_LOW])
    if np.isfinite(span) and span >= INDEX_SPAN and out[REACH] <= INDEX_MULTIPLE * span:
        return 0.0
    return 1.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def unscaled(
    row: Floats, state: Floats, out: Floats, log_ratio: float, least: float, most: float
) -> bool:
    """Whether the volume is as before a split, and take it for that from here on.

    Vendors divide the volumes before a split, or leave those after it as they are counted. A busy
    day after a split may look like it: the volumes that follow take it back as they would a split.
    """
    split = out[SPLIT]
    if split == 0.0 and row[STEP_NO] - state[S_RESCALED_NO] <= RESCALED_FOR:
        split = state[S_RESCALED]
    if abs(split) < 0.15 or not least <= log_ratio + split <= most:
        return False
    state[S_LOG_VOLUME] -= split
    state[S_RESCALED] = -split
    state[S_RESCALED_NO] = row[STEP_NO]
    return True


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def volume_code(row: Floats, state: Floats, out: Floats, limits: Limits) -> float:
    """Return whether the volume is none, a fraction, or a multiple of what it can be."""
    usual = np.exp(state[S_LOG_VOLUME] + out[SPLIT])
    if usual < limits.liquid or state[S_SEEN] < 10.0:
        return 0.0
    if row[VOLUME] == 0.0:
        return UNTRADED if usual * row[CLOSE] >= LIQUID_USD else 0.0
    log_ratio = np.log(out[VOLUME_RATIO])
    settled = 1.0 if state[S_SEEN] >= 20.0 else 1.5
    thin = settled * min(limits.thin_volume, -5.5 * state[S_VOLUME_SPREAD])
    least = settled * max(limits.swollen_volume, 5.5 * state[S_VOLUME_SPREAD])
    if not thin <= log_ratio <= least and unscaled(row, state, out, log_ratio, thin, least):
        return 0.0
    if state[S_OTHER_VOLUME] > 0.0:  # the bar before was counted in other units: so is its like
        other = np.log(row[VOLUME]) - state[S_OTHER_VOLUME]
        if abs(other) < abs(log_ratio):
            return THIN if log_ratio < 0.0 else SWOLLEN
    if log_ratio < thin:
        return THIN
    busy = np.log(row[VOLUME] / max(state[S_BUSY] * np.exp(out[SPLIT]), usual))
    # How many times its usual the bar moved: the wilder, the more shares may have traded.
    span = np.log(row[HIGH] / row[LOW]) / max(state[S_RANGE], limits.least_sigma)
    wild = max(abs(out[ADJUSTED]) / out[SIGMA], span)
    swollen = (wild < 2.5 and busy > least) or (wild < 6.0 and busy > 1.6 * least)
    return SWOLLEN if swollen else 0.0
