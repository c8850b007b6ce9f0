"""Indicators of trend: averages, MACD, directional movement, Aroon, least-squares slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quant import scans, windows
from quant.indicators.recursions import exponential, series, wilder_total, windowed
from quant.indicators.volatility import true_range
from quant.typing import Float64Array, FloatArray, Int64Array
from quant.validate import require_positive_int


@dataclass(frozen=True)
class Macd:
    """MACD line, its signal and their difference; arrays of shape (n_obs,), in price units."""

    line: Float64Array
    signal: Float64Array
    histogram: Float64Array


@dataclass(frozen=True)
class DirectionalMovement:
    """Directional indicators and their average index; arrays of shape (n_obs,), 0 … 100."""

    plus: Float64Array
    minus: Float64Array
    adx: Float64Array


def simple_mean(values: FloatArray, *, periods: int) -> Float64Array:
    """Moving average with equal weights.

    Parameters
    ----------
    values : array of shape (n_obs,)
    periods : int
        Observations in the window.

    Returns
    -------
    array of shape (n_obs,)
        In the unit of `values`; the first ``periods - 1`` are NaN.

    Raises
    ------
    ValueError
        If `values` is not finite or `periods` is not a positive whole number.
    """
    (values,) = series(values=values)
    return windowed(windows.rolling_mean, values, periods)


def exponential_mean(values: FloatArray, *, periods: int) -> Float64Array:
    """Exponential moving average with alpha 2 / (periods + 1), begun with a simple average.

    Parameters
    ----------
    values : array of shape (n_obs,)
    periods : int
        Span in observations.

    Returns
    -------
    array of shape (n_obs,)
        In the unit of `values`; the first ``periods - 1`` are NaN.

    Raises
    ------
    ValueError
        If `values` is not finite or `periods` is not a positive whole number.
    """
    (values,) = series(values=values)
    require_positive_int(periods, name="periods")
    return exponential(values, alpha=2.0 / (periods + 1.0), periods=periods, start=0)


def macd(close: FloatArray, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Difference of two exponential averages, its signal line, and the distance between them.

    Parameters
    ----------
    close : array of shape (n_obs,)
        Prices on one basis.
    fast, slow, signal : int
        Spans in observations, ``fast < slow``. Both averages begin at the same observation.

    Returns
    -------
    Macd
        The line is NaN for ``slow - 1`` observations, the rest ``signal - 1`` longer.

    Raises
    ------
    ValueError
        If `close` is not finite or the spans are not ``1 ≤ fast < slow``.

    References
    ----------
    Appel (1979), The Moving Average Convergence-Divergence Trading Method.
    """
    (close,) = series(close=close)
    require_positive_int(signal, name="signal")
    require_positive_int(fast, name="fast")
    require_positive_int(slow, name="slow", at_least=fast + 1)
    quick = exponential(close, alpha=2.0 / (fast + 1.0), periods=fast, start=slow - fast)
    line = quick - exponential(close, alpha=2.0 / (slow + 1.0), periods=slow, start=0)
    smoothed = exponential(line, alpha=2.0 / (signal + 1.0), periods=signal, start=slow - 1)
    return Macd(line=line, signal=smoothed, histogram=line - smoothed)


def directional_movement(
    high: FloatArray, low: FloatArray, close: FloatArray, *, periods: int = 14
) -> DirectionalMovement:
    """Wilder's directional indicators and average directional index.

    Parameters
    ----------
    high, low, close : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Wilder's smoothing, at least 2 observations.

    Returns
    -------
    DirectionalMovement
        The indicators are NaN for `periods` observations, the index for ``2 * periods - 1``; as
        in TA-Lib they are 0 until prices have moved.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is below 2.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, 35-47.
    """
    high, low, close = series(high=high, low=low, close=close)
    require_positive_int(periods, name="periods", at_least=2)
    up, down = np.diff(high, prepend=np.nan), -np.diff(low, prepend=np.nan)
    ranges = wilder_total(true_range(high, low, close), periods=periods)
    rises = wilder_total(np.where((up > down) & (up > 0.0), up, 0.0), periods=periods)
    falls = wilder_total(np.where((down > up) & (down > 0.0), down, 0.0), periods=periods)
    ranges[:periods] = np.nan
    plus, minus = _percent(rises, ranges), _percent(falls, ranges)
    index = _percent(np.abs(plus - minus), plus + minus)
    adx = exponential(index, alpha=1.0 / periods, periods=periods, start=periods)
    return DirectionalMovement(plus=plus, minus=minus, adx=adx)


def _percent(part: Float64Array, whole: Float64Array) -> Float64Array:
    """Return the part in percent of the whole; 0 of nothing."""
    return np.divide(100.0 * part, whole, out=np.zeros_like(whole), where=whole != 0.0)


def aroon_oscillator(high: FloatArray, low: FloatArray, *, periods: int = 25) -> Float64Array:
    """How much more recent the highest high is than the lowest low.

    Parameters
    ----------
    high, low : arrays of shape (n_obs,)
        Prices on one basis.
    periods : int
        Observations to look back, beside the current one.

    Returns
    -------
    array of shape (n_obs,)
        −100 … 100; the first `periods` are NaN. Of equal extremes the latest counts.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is not positive.

    References
    ----------
    Chande (1995), Stocks & Commodities 13, 369-374.
    """
    high, low = series(high=high, low=low)
    require_positive_int(periods, name="periods")
    since_high, since_low = np.empty_like(high), np.empty_like(low)
    scans.rolling_extreme(high, periods + 1, 1.0, True, since_high)
    scans.rolling_extreme(low, periods + 1, -1.0, True, since_low)
    return 100.0 * (since_low - since_high) / periods


def linear_slope(values: FloatArray, *, periods: int) -> Float64Array:
    """Slope of the least-squares line through the last `periods` values.

    Parameters
    ----------
    values : array of shape (n_obs,)
    periods : int
        Observations in the window, at least 2.

    Returns
    -------
    array of shape (n_obs,)
        Units of `values` per observation; the first ``periods - 1`` are NaN.

    Raises
    ------
    ValueError
        If `values` is not finite or `periods` is below 2.
    """
    (values,) = series(values=values)

    def over(a: Float64Array, window: int, anchors: Int64Array, out: Float64Array) -> None:
        windows.rolling_slope(a, window, False, anchors, out)

    return windowed(over, values, periods, at_least=2)
