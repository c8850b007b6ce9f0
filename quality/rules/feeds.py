"""A volume that drops at once and stays: one thin feed passed off as the whole market."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from quality.rules.jumps import (
    CODE,
    LOG_SPLIT,
    STEP_NO,
    SWOLLEN,
    THIN,
    UNIT,
    VOLUME,
    VOLUME_CODE,
    VOLUME_RATIO,
)
from quality.rules.thresholds import Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROWS: Final = 10  # rows on each side whose median tells the usual volume
_LEAST: Final = 4
_DROP: Final = 2.5  # a log: a twelfth, which no share's trade falls to overnight and keeps to
_STEP: Final = 1.8  # a log, of the one step
_BACK: Final = 0.6  # of the drop, taken back within the one step that ends it


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def mark_thin(rows: Floats, usable: Bools, limits: Limits, out: Floats) -> None:
    """With hindsight: mark the rows of one symbol from such a drop until its volume is back.

    A single row must lie far beyond the spread of its volumes to be called thin; of a level that
    stays the medians tell, whose spread is small.
    """
    # Volumes in other units are no measure: after them the usual ones would look thin.
    counted = (rows[:, VOLUME] > 0.0) & (out[:, VOLUME_CODE] != SWOLLEN)
    sound = np.flatnonzero(usable & counted)
    if sound.size < 2 * _LEAST:
        return
    volume = np.log(rows[sound, VOLUME]) - rows[sound, LOG_SPLIT]
    n = _LEAST
    while n <= volume.size - _LEAST:
        usual = _falls(volume, n) if _goes_on(rows, out, sound[n - 1], sound[n], limits) else np.nan
        if not np.exp(usual + rows[sound[n], LOG_SPLIT]) >= limits.liquid:
            n += 1
            continue
        end = n
        while end < volume.size and not _returns(volume, end, n, usual):
            at = sound[end]
            out[at, VOLUME_CODE] = THIN
            out[at, VOLUME_RATIO] = np.exp(volume[end] - usual)
            end += 1
        n = end + 1


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _goes_on(rows: Floats, out: Floats, before: int, at: int, limits: Limits) -> bool:
    """Whether a row is of the same shares as the one before: no absence, split or leap."""
    near = rows[at, STEP_NO] - rows[before, STEP_NO] <= limits.gap_identity
    same = rows[at, LOG_SPLIT] == rows[before, LOG_SPLIT]
    return bool(near and same and out[at, CODE] < UNIT)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _falls(volume: Floats, n: int) -> float:
    """Return the usual volume (a log) that row `n` falls from for good; NaN where it does not."""
    if volume[n - 1] - volume[n] < _STEP:
        return np.nan
    before, after = volume[max(0, n - _ROWS) : n], volume[n : n + _ROWS]
    high, low = np.median(before), np.median(after)
    parting = 0.5 * (high + low)
    apart = np.min(before[-_LEAST:]) > parting and np.max(after[: 2 * _LEAST]) < parting
    return high if high - low >= _DROP and apart else np.nan


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _returns(volume: Floats, at: int, since: int, usual: float) -> bool:
    """Whether the volume from a row on is nearer to the usual one than to the thin one."""
    after = volume[at : at + _LEAST]
    low = np.median(volume[since : since + _ROWS])
    return bool(volume[at] > low + _BACK * (usual - low) and np.median(after) > 0.5 * (usual + low))
