"""How long it takes to be out: sessions to exit without being more than a share of the volume."""

import numpy as np

from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_same_length


def days_to_exit(
    quantities: FloatArray, volumes: FloatArray, *, participation: float = 0.10
) -> Float64Array:
    """Sessions to sell or buy back each position at a share of its usual volume.

    Parameters
    ----------
    quantities : array of shape (n_assets,)
        Shares held, signed.
    volumes : array of shape (n_assets,)
        Average shares traded per session.
    participation : float
        Share of the volume that the desk's own orders may be, in (0, 1].

    Returns
    -------
    array of shape (n_assets,)
        Sessions, not rounded; 0 without a position, infinite where nothing is traded.

    Raises
    ------
    ValueError
        If the arrays differ in length, a figure is not finite, a volume is negative or the
        participation is outside (0, 1].

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 334-339.
    """
    require_same_length(quantities=quantities, volumes=volumes)
    require_finite(quantities, name="quantities")
    require_finite(volumes, name="volumes")
    if not 0.0 < participation <= 1.0:
        raise ValueError(f"`participation` must lie in (0, 1], was {participation}.")
    if volumes.size and float(volumes.min()) < 0.0:
        raise ValueError(f"`volumes` must not be negative, the lowest was {volumes.min()}.")
    size = np.abs(quantities)
    never = np.where(size > 0.0, np.inf, 0.0)
    days: Float64Array = np.divide(size, participation * volumes, out=never, where=volumes > 0.0)
    return days


def share_exited(values: FloatArray, days: FloatArray, *, after: float) -> float:
    """Share of the gross book that can be out after some sessions, all positions at once.

    Parameters
    ----------
    values : array of shape (n_assets,)
        Position values, signed, in one unit.
    days : array of shape (n_assets,)
        From `days_to_exit`.
    after : float
        Sessions, not negative.

    Returns
    -------
    float
        In [0, 1]; 1 for an empty book.

    Raises
    ------
    ValueError
        If the arrays differ in length, a value is not finite, a day count is negative or NaN,
        or `after` is negative.
    """
    require_same_length(values=values, days=days)
    require_finite(values, name="values")
    if not after >= 0.0 or not bool(np.all(days >= 0.0)):
        raise ValueError(
            f"`after` and `days` must not be negative or NaN; `after` was {after}, `days` {days}."
        )
    gross = float(np.abs(values).sum())
    if gross == 0.0:
        return 1.0
    parts = np.divide(after, days, out=np.ones(days.size), where=days > after)
    return float(np.abs(values) @ parts / gross)
