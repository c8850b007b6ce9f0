"""When a session's volume is traded, as earlier sessions had it."""

import numpy as np

from quant.typing import FloatArray
from quant.validate import require_finite


def volume_curve(volumes: FloatArray, *, slices: int) -> FloatArray:
    """Share of the volume that was traded by the end of each slice of a session.

    Each session counts alike, however much was traded in it.

    Parameters
    ----------
    volumes : array of shape (n_sessions, n_minutes)
        Shares traded in each minute of earlier sessions, not negative.
    slices : int
        Even slices of time, at most one a minute.

    Returns
    -------
    array of shape (slices,)
        Cumulative fractions; never falls and ends at 1.

    Raises
    ------
    ValueError
        If there is no session with volume, a figure is negative or not finite, or there are
        more slices than minutes.

    References
    ----------
    Bialkowski, Darolles & Le Fol (2008), "Improving VWAP strategies: a dynamic volume approach",
    Journal of Banking & Finance 32, 1709-1722; the classical approach is their benchmark.
    """
    if volumes.ndim != 2 or not 1 <= slices <= volumes.shape[1]:
        raise ValueError(
            f"`volumes` must have shape (n_sessions, n_minutes >= {slices} slices >= 1), had "
            f"{volumes.shape}."
        )
    require_finite(volumes, name="volumes")
    if (volumes < 0.0).any():
        raise ValueError("`volumes` must not be negative. Drop the wrong minutes before calling.")
    totals = volumes.sum(axis=1)
    traded = totals > 0.0
    if not traded.any():
        raise ValueError("`volumes` holds no session in which anything was traded.")
    profile = (volumes[traded] / totals[traded, None]).mean(axis=0)
    ends = np.arange(1, slices + 1) * volumes.shape[1] // slices
    curve: FloatArray = np.minimum(np.cumsum(profile)[ends - 1], 1.0)
    curve[-1] = 1.0
    return curve
