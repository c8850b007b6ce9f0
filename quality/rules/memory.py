"""What is remembered of a symbol from bar to bar: its last trusted bar, and what is usual of it."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from quality.rules.jumps import (
    ADJUSTED,
    CLOSE,
    DIVIDENDS,
    FACTOR,
    HIGH,
    INDEX,
    LOG_SPLIT,
    LOW,
    OPEN,
    S_BUSY,
    S_CLOSE,
    S_DIVIDENDS,
    S_DOUBT,
    S_HIGH,
    S_INDEX,
    S_LOG_VOLUME,
    S_LOW,
    S_NO,
    S_OPEN,
    S_OTHER_VOLUME,
    S_PENDING,
    S_RANGE,
    S_RESCALED,
    S_RESCALED_NO,
    S_SCALE,
    S_SEEN,
    S_SPLIT,
    S_UNREST,
    S_VOLUME,
    S_VOLUME_SPREAD,
    SPLIT,
    STEP_NO,
    VOLUME,
    VOLUME_CODE,
)
from quality.rules.thresholds import MEDIAN_TO_MEAN, UNREST_FADES, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SEED: Final = 40  # rows that tell how a symbol usually moves and trades
_LASTING: Final = 10  # rows that tell the volume after a long absence


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def begin(row: Floats, state: Floats, limits: Limits) -> None:
    """Let `row` be the first that is known of its symbol."""
    state[S_SCALE] = limits.first_scale
    state[S_LOG_VOLUME] = np.log(max(row[VOLUME], 1.0))
    state[S_VOLUME_SPREAD] = 0.35
    state[S_RANGE] = np.log(row[HIGH] / row[LOW]) if row[LOW] > 0.0 else limits.first_scale
    state[S_BUSY] = row[VOLUME]
    state[S_UNREST] = 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def seed(rows: Floats, usable: Bools, at: int, state: Floats, limits: Limits) -> None:
    """With hindsight: let the rows from `at` on tell what is usual."""
    moves, ranges, volumes = np.empty(_SEED), np.empty(_SEED), np.empty(_SEED)
    seen, before = 0, np.nan
    for i in range(at, rows.shape[0]):
        if not usable[i]:
            continue
        level = np.log(rows[i, CLOSE]) + rows[i, LOG_SPLIT]
        moves[seen] = abs(level - before)
        ranges[seen] = np.log(rows[i, HIGH] / rows[i, LOW])
        volumes[seen] = np.log(max(rows[i, VOLUME], 1.0)) - rows[i, LOG_SPLIT]
        before = level
        seen += 1
        if seen == _SEED:
            break
    if seen < 8:
        return
    state[S_SCALE] = max(MEDIAN_TO_MEAN * np.median(moves[1:seen]), 0.1 * limits.first_scale)
    state[S_RANGE] = np.median(ranges[:seen])
    middle = np.median(volumes[:seen])
    state[S_LOG_VOLUME] = middle + rows[at, LOG_SPLIT]
    state[S_VOLUME_SPREAD] = MEDIAN_TO_MEAN * np.median(np.abs(volumes[:seen] - middle))
    state[S_BUSY] = max(state[S_BUSY], np.exp(state[S_LOG_VOLUME]))
    state[S_SEEN] = max(state[S_SEEN], float(seen))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def learn(row: Floats, state: Floats, out: Floats, limits: Limits) -> None:
    """Let an accepted row move what is usual of its symbol."""
    weight = max(limits.memory, 1.0 / (state[S_SEEN] + 3.0))
    scale = state[S_SCALE]
    size = abs(out[ADJUSTED])
    state[S_SCALE] += weight * (min(size, 4.0 * scale) - scale)
    state[S_UNREST] = max(size, UNREST_FADES * state[S_UNREST])
    span = np.log(row[HIGH] / row[LOW])
    state[S_RANGE] += weight * (min(span, 4.0 * state[S_RANGE] + 1e-4) - state[S_RANGE])
    state[S_LOG_VOLUME] += out[SPLIT]
    if out[SPLIT] != 0.0 and state[S_RESCALED_NO] != row[STEP_NO]:
        state[S_RESCALED] = out[SPLIT]
        state[S_RESCALED_NO] = row[STEP_NO]
    if out[VOLUME_CODE] != 0.0:
        if row[VOLUME] > 0.0:
            other = np.log(row[VOLUME])
            if state[S_OTHER_VOLUME] > 0.0:  # slowly, so that one busy day does not carry it off
                other = 0.8 * (state[S_OTHER_VOLUME] + out[SPLIT]) + 0.2 * other
            state[S_OTHER_VOLUME] = other
            state[S_DOUBT] = 0.0
        return
    if state[S_OTHER_VOLUME] > 0.0 and state[S_DOUBT] < 2.0:
        state[S_DOUBT] += 1.0  # one busy day is no return to the old units
        return
    surprise = np.log(max(row[VOLUME], 1.0)) - state[S_LOG_VOLUME]
    state[S_LOG_VOLUME] += weight * min(max(surprise, -1.0), 1.0)
    spread = state[S_VOLUME_SPREAD]
    state[S_VOLUME_SPREAD] += weight * (min(abs(surprise), 4.0 * spread) - spread)
    state[S_BUSY] = max(row[VOLUME], UNREST_FADES * state[S_BUSY])
    state[S_OTHER_VOLUME] = 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def accept(row: Floats, state: Floats, out: Floats, limits: Limits) -> None:
    """Make `row` the measure of what follows."""
    if state[S_SEEN] > 0.0:
        learn(row, state, out, limits)
    else:
        begin(row, state, limits)
    state[S_CLOSE] = row[CLOSE]
    state[S_OPEN] = row[OPEN]
    state[S_HIGH] = row[HIGH]
    state[S_LOW] = row[LOW]
    state[S_VOLUME] = row[VOLUME]
    state[S_NO] = row[STEP_NO]
    state[S_SPLIT] = row[LOG_SPLIT]
    state[S_DIVIDENDS] = row[DIVIDENDS]
    if np.isfinite(row[INDEX]):
        state[S_INDEX] = row[INDEX]
    state[S_SEEN] += 1.0
    state[S_PENDING] = 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def correct(row: Floats, state: Floats, out: Floats) -> None:
    """Follow a price in the wrong unit by its corrected value, so that a drift is no jump."""
    state[S_CLOSE] = row[CLOSE] / out[FACTOR]
    state[S_NO] = row[STEP_NO]
    state[S_SPLIT] = row[LOG_SPLIT]
    state[S_DIVIDENDS] = row[DIVIDENDS]
    if np.isfinite(row[INDEX]):
        state[S_INDEX] = row[INDEX]


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def volume_after(rows: Floats, usable: Bools, at: int) -> float:
    """Return the median volume soon after the row, splits taken out; 0.0 if too few follow."""
    volumes, seen = np.empty(_LASTING), 0
    for i in range(at + 2, min(at + 2 + 2 * _LASTING, rows.shape[0])):
        if usable[i] and seen < _LASTING:
            volumes[seen] = rows[i, VOLUME] * np.exp(rows[at, LOG_SPLIT] - rows[i, LOG_SPLIT])
            seen += 1
    return float(np.median(volumes[:seen])) if seen >= 5 else 0.0
