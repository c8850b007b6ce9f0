"""Losses that observed returns show: value at risk, expected shortfall, and longer horizons."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_level, require_positive_int


def value_at_risk(returns: FloatArray, *, level: float = 0.99) -> float:
    """Loss that historical returns exceeded in at most ``1 - level`` of periods.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions (0.01 is 1 %).
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Loss over one period as a positive fraction of value; negative if even the quantile
        gains. It is an observed loss: the smallest whose exceedances are few enough.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or `level` is outside (0, 1).

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 262-265.
    """
    require_returns(returns, level)
    # A share such as 5 % of 100 must count 5 observations, not 4 by rounding.
    n_tail = int(np.floor(returns.size * (1.0 - level) + 1e-9))
    return float(-np.partition(returns, n_tail)[n_tail])


def expected_shortfall(returns: FloatArray, *, level: float = 0.975) -> float:
    """Mean loss in the worst ``1 - level`` share of observations.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions (0.01 is 1 %).
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Loss over one period as a positive fraction of value; negative if
        even the tail gains.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or `level` is outside (0, 1).

    References
    ----------
    Acerbi & Tasche (2002), "On the coherence of expected shortfall",
    Journal of Banking & Finance 26, 1487-1503.
    """
    require_returns(returns, level)
    n_tail = returns.size * (1.0 - level)
    # The observation that straddles the quantile counts in part, so that the
    # measure is continuous in `level`.
    weights = np.clip(n_tail - np.arange(returns.size), 0.0, 1.0)
    return float(-(weights @ np.sort(returns)) / n_tail)


def horizon_returns(returns: FloatArray, *, horizon: int) -> Float64Array:
    """Compounded returns over `horizon` successive periods, one ending with each period.

    The stretches overlap: their number is large, but their information is that of
    ``n_obs / horizon`` returns.

    Parameters
    ----------
    returns : array of shape (n_obs,) or (n_obs, n_assets)
        Simple returns per period, as fractions.
    horizon : int
        Periods, at least 1.

    Returns
    -------
    array of shape (n_obs - horizon + 1,) or (n_obs - horizon + 1, n_assets)
        Simple returns over the horizon.

    Raises
    ------
    ValueError
        If `returns` is not finite or shorter than the horizon.
    """
    require_positive_int(horizon, name="horizon")
    if returns.shape[0] < horizon:
        raise ValueError(
            f"`returns` must span the horizon of {horizon} periods, held {returns.shape[0]}."
        )
    require_finite(returns, name="returns")
    windows = sliding_window_view(1.0 + returns, horizon, axis=0)
    compounded: Float64Array = windows.prod(axis=-1) - 1.0
    return compounded


def require_returns(returns: FloatArray, level: float, *, at_least: int = 1) -> None:
    """Refuse returns that are too few, not finite or several series, or a level outside (0, 1).

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period.
    level : float
        Confidence level.
    at_least : int
        Observations needed.

    Raises
    ------
    ValueError
        Saying which of them is wrong.
    """
    require_level(level)
    if np.ndim(returns) != 1:
        raise ValueError(
            f"`returns` must be one series of shape (n_obs,), had shape {np.shape(returns)}. Weigh "
            "its columns into one, or give one at a time."
        )
    if returns.size < at_least:
        raise ValueError(
            f"`returns` must hold at least {at_least} observation"
            f"{'s' if at_least > 1 else ''}, was {'empty' if not returns.size else returns.size}."
        )
    require_finite(returns, name="returns")
