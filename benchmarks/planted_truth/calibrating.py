"""The desk's map from log-odds to probability, for many windows of many markets.

The same as `quant.models.calibration.fit_calibration` makes (a test holds the two side by side);
its isotonic form is fitted without the library's checks of every argument, which take most of the
time of a study.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from quant.models.calibration import ISOTONIC_FROM, fit_calibration
from quant.typing import Float64Array, FloatArray

_ENDS = (0.05, 0.95)


def calibrated(
    asked: FloatArray, *, margin: FloatArray, won: FloatArray, weights: FloatArray
) -> Float64Array:
    """Probability of each of `asked`, as learnt from `margin` and what became of it."""
    low, high = np.quantile(margin, _ENDS)
    if weights.sum() < ISOTONIC_FROM or not low < high:
        return np.asarray(fit_calibration(margin, won, weights).probability(asked))
    knots, place = np.unique(np.clip(margin, low, high), return_inverse=True)
    weight = np.bincount(place, weights)
    share = np.bincount(place, weights * won) / weight
    floor = 0.5 / (weights.sum() + 1.0)
    levels = np.clip(isotonic_regression(share, weights=weight).x, floor, 1.0 - floor)
    return np.asarray(np.interp(asked, knots, levels))
