"""Ranges that widen when too many outcomes fall outside them, and narrow when too few do."""

import numpy as np

from quant.typing import FloatArray, IntArray

# What a session's misses move the rate by: half of an error that lasts is gone in 35 sessions.
ADAPTATION = 0.02


def adapted_miss_rate(
    missed: FloatArray,
    *,
    target: float = 0.20,
    adaptation: float = ADAPTATION,
    start: float | None = None,
) -> float:
    """The share of outcomes the next range should be built to miss, so that `target` are missed.

    Parameters
    ----------
    missed : array of shape (n_sessions,)
        Share of the outcomes outside their range, by session in the order they matured: an
        outcome is used once it has happened, however long that took.
    target : float
        Share to be missed in the long run.
    adaptation : float
        Step for each session's error.
    start : float, optional
        The rate that earlier sessions have led to; `target` if there were none.

    Returns
    -------
    float
        Below 0 ranges should hold everything, above 1 nothing: whatever comes, the mean of what
        is missed is within ``(max(target, 1 - target) + adaptation) / (adaptation * n)`` of
        `target`.

    Raises
    ------
    ValueError
        If `target` is outside (0, 1) or `adaptation` not positive.

    References
    ----------
    Gibbs & Candès (2021), "Adaptive conformal inference under distribution shift", NeurIPS 34,
    equation 2 and proposition 4.1.
    """
    if not 0.0 < target < 1.0 or adaptation <= 0.0:
        raise ValueError(
            f"`target` must lie in (0, 1) and `adaptation` above 0, were {target} and {adaptation}."
        )
    before = target if start is None else start
    return float(before + adaptation * (target - missed).sum())


def missed_by_session(
    low: FloatArray, high: FloatArray, outcome: FloatArray, matured: IntArray
) -> FloatArray:
    """Share of outcomes outside their range, by the session they matured in, in order of time.

    Parameters
    ----------
    low, high, outcome : arrays of shape (n_obs,)
        Ends of the range stated, and what came.
    matured : int array of shape (n_obs,)
        Session ordinal at which the outcome was known.
    """
    outside = ((outcome < low) | (outcome > high)).astype(np.float64)
    days, place = np.unique(matured, return_inverse=True)
    share: FloatArray = np.bincount(place, outside, minlength=days.size) / np.bincount(
        place, minlength=days.size
    )
    return share
