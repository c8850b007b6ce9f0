"""Indicators of how far prices move: true range and its average, deviation, Bollinger bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quant import windows
from quant.indicators.recursions import exponential, series, windowed
from quant.typing import Float64Array, FloatArray, Int64Array
from quant.validate import require_positive_int


@dataclass(frozen=True)
class Bands:
    """Three lines around a price; arrays of shape (n_obs,), in price units."""

    upper: Float64Array
    middle: Float64Array
    lower: Float64Array


def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> Float64Array:
    """Range of a bar, the previous close included.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.

    Returns
    -------
    array of shape (n_obs,)
        In price units; the first is NaN.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, 21-23.
    """
    high, low, close = series(high=high, low=low, close=close)
    before = np.concatenate([[np.nan], close[:-1]])[: close.size]
    ranges: Float64Array = np.maximum(high, before) - np.minimum(low, before)
    return ranges


def average_true_range(
    high: FloatArray, low: FloatArray, close: FloatArray, *, periods: int = 14
) -> Float64Array:
    """Wilder's average of the true range, begun with a simple average.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Wilder's smoothing, in observations.

    Returns
    -------
    array of shape (n_obs,)
        In price units; the first `periods` are NaN.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is not positive.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, 21-23.
    """
    require_positive_int(periods, name="periods")
    ranges = true_range(high, low, close)
    return exponential(ranges, alpha=1.0 / periods, periods=periods, start=1)


def moving_deviation(values: FloatArray, *, periods: int, ddof: int = 0) -> Float64Array:
    """Standard deviation of the last `periods` values.

    Parameters
    ----------
    values : array of shape (n_obs,)
    periods : int
        Observations in the window, more than `ddof`.
    ddof : int
        What is taken off the number of observations in the divisor.

    Returns
    -------
    array of shape (n_obs,)
        In the unit of `values`; the first ``periods - 1`` are NaN.

    Raises
    ------
    ValueError
        If `values` is not finite or `periods` is not above `ddof`.
    """
    (values,) = series(values=values)

    def over(a: Float64Array, window: int, anchors: Int64Array, out: Float64Array) -> None:
        windows.rolling_std(a, window, float(ddof), anchors, out)

    return windowed(over, values, periods, at_least=ddof + 1)


def bollinger_bands(close: FloatArray, *, periods: int = 20, width: float = 2.0) -> Bands:
    """Moving average and lines some standard deviations above and below it.

    Parameters
    ----------
    close : array of shape (n_obs,)
        Prices on one basis.
    periods : int
        Observations in the window.
    width : float
        Distance of the outer lines, in (population) standard deviations.

    Returns
    -------
    Bands
        The first ``periods - 1`` of each line are NaN.

    Raises
    ------
    ValueError
        If `close` is not finite or `periods` is not positive.

    References
    ----------
    Bollinger (2001), Bollinger on Bollinger Bands, 50-59.
    """
    (close,) = series(close=close)
    middle = windowed(windows.rolling_mean, close, periods)
    distance = width * moving_deviation(close, periods=periods)
    return Bands(upper=middle + distance, middle=middle, lower=middle - distance)
