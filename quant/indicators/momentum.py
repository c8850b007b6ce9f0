"""Indicators of momentum: RSI, stochastic, Williams %R, commodity channel, rate of change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quant import scans, windows
from quant.indicators.recursions import exponential, series, windowed
from quant.typing import Float64Array, FloatArray
from quant.validate import require_positive_int


@dataclass(frozen=True)
class Stochastic:
    """%K and its average %D; arrays of shape (n_obs,), 0 … 100."""

    k: Float64Array
    d: Float64Array


def relative_strength(close: FloatArray, *, periods: int = 14) -> Float64Array:
    """Wilder's relative strength index.

    Parameters
    ----------
    close : array of shape (n_obs,)
        Prices on one basis.
    periods : int
        Wilder's smoothing, in observations.

    Returns
    -------
    array of shape (n_obs,)
        0 … 100; the first `periods` are NaN, and so is a value before which prices never moved.

    Raises
    ------
    ValueError
        If `close` is not finite or `periods` is not positive.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, 63-70.
    """
    (close,) = series(close=close)
    require_positive_int(periods, name="periods")
    moves = np.diff(close, prepend=np.nan)
    alpha = 1.0 / periods
    gain = exponential(np.maximum(moves, 0.0), alpha=alpha, periods=periods, start=1)
    loss = exponential(np.maximum(-moves, 0.0), alpha=alpha, periods=periods, start=1)
    with np.errstate(invalid="ignore"):
        return 100.0 * gain / (gain + loss)


def stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, *, periods: int = 14, smoothing: int = 3
) -> Stochastic:
    """Where the close lies in the range of the last bars (fast %K), and its average.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Observations in the range.
    smoothing : int
        Observations in %D's average.

    Returns
    -------
    Stochastic
        %K is NaN for ``periods - 1`` observations and where the range is nothing, %D for
        ``smoothing - 1`` more.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or a length is not positive.

    References
    ----------
    Lane (1984), Stocks & Commodities 2, 87-90.
    """
    high, low, close = series(high=high, low=low, close=close)
    top, bottom = _range(high, low, periods)
    with np.errstate(invalid="ignore"):
        k = 100.0 * (close - bottom) / (top - bottom)
    return Stochastic(k=k, d=windowed(windows.rolling_mean, k, smoothing))


def williams_r(
    high: FloatArray, low: FloatArray, close: FloatArray, *, periods: int = 14
) -> Float64Array:
    """How far the close lies below the highest high, in percent of the range.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Observations in the range.

    Returns
    -------
    array of shape (n_obs,)
        −100 … 0; the first ``periods - 1`` are NaN, and so is a value without range.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is not positive.

    References
    ----------
    Williams (1973), How I Made One Million Dollars Last Year Trading Commodities.
    """
    high, low, close = series(high=high, low=low, close=close)
    top, bottom = _range(high, low, periods)
    with np.errstate(invalid="ignore"):
        return -100.0 * (top - close) / (top - bottom)


def commodity_channel_index(
    high: FloatArray, low: FloatArray, close: FloatArray, *, periods: int = 20
) -> Float64Array:
    """Distance of the typical price from its mean, in 0.015 mean absolute deviations.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Observations in the window, at least 2.

    Returns
    -------
    array of shape (n_obs,)
        A plain number; the first ``periods - 1`` are NaN, and so is a value without deviation.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is below 2.

    References
    ----------
    Lambert (1980), Commodities, October, 40-41.
    """
    high, low, close = series(high=high, low=low, close=close)
    typical = (high + low + close) / 3.0
    mean = windowed(windows.rolling_mean, typical, periods, at_least=2)
    deviation = np.empty_like(typical)
    scans.rolling_mean_deviation(typical, periods, deviation)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(deviation > 0.0, (typical - mean) / (0.015 * deviation), np.nan)


def rate_of_change(values: FloatArray, *, periods: int = 10) -> Float64Array:
    """Relative change over `periods` observations.

    Parameters
    ----------
    values : array of shape (n_obs,)
        Positive figures, such as prices on one basis.
    periods : int
        Observations to look back.

    Returns
    -------
    array of shape (n_obs,)
        As a fraction (0.01 is 1 %); the first `periods` are NaN.

    Raises
    ------
    ValueError
        If `values` is not finite and positive, or `periods` is not positive.
    """
    (values,) = series(values=values)
    require_positive_int(periods, name="periods")
    if bool((values <= 0.0).any()):
        raise ValueError(f"`values` must be positive, the smallest was {values.min()}.")
    before = np.empty_like(values)
    scans.lag(values, periods, before)
    return values / before - 1.0


def _range(
    high: Float64Array, low: Float64Array, periods: int
) -> tuple[Float64Array, Float64Array]:
    require_positive_int(periods, name="periods")
    top, bottom = np.empty_like(high), np.empty_like(low)
    scans.rolling_extreme(high, periods, 1.0, False, top)
    scans.rolling_extreme(low, periods, -1.0, False, bottom)
    return top, bottom
