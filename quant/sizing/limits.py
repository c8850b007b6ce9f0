"""Bounds of target weights, and how weights shrink into them."""

from dataclasses import dataclass

import numpy as np

from quant.typing import FloatArray
from quant.validate import require_finite


@dataclass(frozen=True)
class WeightLimits:
    """Bounds of target weights, as fractions of equity; `net` bounds the absolute sum."""

    position: float = 0.05
    gross: float = 1.0
    net: float = 1.0


def within_limits(weights: FloatArray, *, limits: WeightLimits) -> FloatArray:
    """Shrink all weights by the one factor that brings every limit in.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Signed fractions of equity.
    limits : WeightLimits
        Bounds on the largest absolute weight, the gross and the net.

    Returns
    -------
    array of shape (n_assets,)
        The same proportions, within the limits.

    Raises
    ------
    ValueError
        If a weight is not finite or a limit is negative.
    """
    require_finite(weights, name="weights")
    size = np.abs(weights)
    figures = (
        ("position", float(size.max(initial=0.0)), limits.position),
        ("gross", float(size.sum()), limits.gross),
        ("net", abs(float(weights.sum())), limits.net),
    )
    factor = 1.0
    for name, figure, limit in figures:
        if not limit >= 0.0:
            raise ValueError(f"the {name} limit must not be negative, was {limit}.")
        factor = min(factor, limit / figure) if figure > limit else factor
    shrunk: FloatArray = weights * factor
    return shrunk
