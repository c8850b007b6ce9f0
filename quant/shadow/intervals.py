"""How sure one can be of a mean over cases that overlap in time."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from quant.typing import FloatArray, Int64Array, IntArray
from quant.validate import require_finite, require_level, require_positive_int, require_same_length

# Below this the percentiles of a bootstrap are those of a handful of days.
FEWEST: Final = 30
_FEWEST_BLOCKS: Final = 3


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie."""

    mean: float
    low: float
    high: float
    cases: int


def mean_interval(
    values: FloatArray,
    sessions: IntArray,
    *,
    block: int,
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 2_000,
) -> Interval | None:
    """Mean of cases, with the interval of a circular block bootstrap over sessions.

    Cases that are held at the same time see the same market: whole stretches of sessions are
    drawn, with all their cases, not cases one by one.

    Parameters
    ----------
    values : array of shape (n_cases,)
        One figure per case.
    sessions : integer array of shape (n_cases,)
        Number of the session each was decided in; those without a case count in the length of
        the record.
    block : int
        Sessions drawn together: as long as a case is held.
    rng : numpy.random.Generator
        Seeded, so that the same cases give the same interval.
    level : float
        Of the interval, strictly between 0 and 1.
    draws : int
        How often the record is drawn anew.

    Returns
    -------
    Interval or None
        None below 30 cases, or where the record has fewer than three blocks: too few to say.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or the level is outside (0, 1).

    References
    ----------
    Politis & Romano (1992), "A circular block-resampling procedure for stationary data", in
    LePage & Billard (eds.), Exploring the Limits of Bootstrap, Wiley, 263-270.
    """
    require_same_length(values=values, sessions=sessions)
    require_finite(values, name="values")
    require_level(level)
    require_positive_int(block, name="block")
    if values.size < FEWEST:
        return None
    places = np.asarray(sessions - sessions.min(), dtype=np.int64)
    length = int(places.max()) + 1
    if length < _FEWEST_BLOCKS * block:
        return None
    sums = np.bincount(places, weights=values, minlength=length)
    counts = np.bincount(places, minlength=length).astype(np.float64)
    drawn = _drawn(length, block, draws, rng)
    total, cases = sums[drawn].sum(axis=1), counts[drawn].sum(axis=1)
    means = total[cases > 0] / cases[cases > 0]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(values.mean()), float(low), float(high), int(values.size))


def _drawn(length: int, block: int, draws: int, rng: np.random.Generator) -> Int64Array:
    """Sessions of each draw, as long as the record: its end is followed by its beginning."""
    blocks = -(-length // block)
    starts = rng.integers(0, length, size=(draws, blocks))
    every = (starts[:, :, None] + np.arange(block)) % length
    chosen: Int64Array = every.reshape(draws, -1)[:, :length]
    return chosen
