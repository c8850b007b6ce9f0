"""Indicators of volume: on-balance volume, money flow, accumulation."""

from __future__ import annotations

import numpy as np

from quant import windows
from quant.indicators.recursions import series, windowed
from quant.typing import Float64Array, FloatArray

_TIE = 1e-12


def on_balance_volume(close: FloatArray, volume: FloatArray) -> Float64Array:
    """Running sum of volume, signed by the direction of the close.

    Parameters
    ----------
    close, volume : arrays of shape (n_obs,)
        Prices and shares on one basis.

    Returns
    -------
    array of shape (n_obs,)
        In shares, begun with the first bar's volume.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite.

    References
    ----------
    Granville (1963), New Key to Stock Market Profits.
    """
    close, volume = series(close=close, volume=volume)
    signs = np.sign(np.diff(close, prepend=-np.inf))
    return np.cumsum(signs * volume)


def money_flow_index(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, *, periods: int = 14
) -> Float64Array:
    """Share of the money flow that came with a rising typical price.

    Parameters
    ----------
    high, low, close, volume : arrays of shape (n_obs,)
        Prices and shares on one basis.
    periods : int
        Observations in the window.

    Returns
    -------
    array of shape (n_obs,)
        0 … 100; the first `periods` are NaN, and so is a value without flow. Bars whose typical
        price did not move count for neither side.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite, or `periods` is not positive.

    References
    ----------
    Quong & Soudack (1989), Stocks & Commodities 7, 76-77.
    """
    high, low, close, volume = series(high=high, low=low, close=close, volume=volume)
    typical = (high + low + close) / 3.0
    move = np.diff(typical, prepend=np.nan)
    # Equal sums of three quotes can differ in their last digit: such a move is none.
    move[np.abs(move) <= _TIE * typical] = 0.0
    flow = np.where(np.isnan(move), np.nan, typical * volume)
    inflow = windowed(windows.rolling_sum, np.where(move > 0.0, flow, 0.0 * flow), periods)
    outflow = windowed(windows.rolling_sum, np.where(move < 0.0, flow, 0.0 * flow), periods)
    with np.errstate(invalid="ignore"):
        return 100.0 * inflow / (inflow + outflow)


def accumulation_line(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray
) -> Float64Array:
    """Running sum of volume, weighted by where the close lies in the bar's range.

    Parameters
    ----------
    high, low, close, volume : arrays of shape (n_obs,)
        Prices and shares on one basis.

    Returns
    -------
    array of shape (n_obs,)
        In shares; a bar without range adds nothing.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite.

    References
    ----------
    Chaikin (1982), in Bookstaber, The Complete Investment Book.
    """
    high, low, close, volume = series(high=high, low=low, close=close, volume=volume)
    span = high - low
    place = (close - low) - (high - close)
    share = np.divide(place, span, out=np.zeros_like(span), where=span > 0.0)
    return np.cumsum(share * volume)
