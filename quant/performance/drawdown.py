"""How far below its highest value the curve was, and is, and what it earned for that."""

import numpy as np

from quant.performance.ratios import annualised_volatility
from quant.performance.returns import (
    SESSIONS_PER_YEAR,
    annualised_return,
    require_series,
    varies,
)
from quant.typing import FloatArray


def drawdowns(returns: FloatArray) -> FloatArray:
    """Loss from the highest value so far after each period; the start counts as a high.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    array of shape (n_obs,)
        Positive fractions; 0 at a new high.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    require_series(returns)
    value = np.cumprod(1.0 + returns)
    high = np.maximum(np.maximum.accumulate(value), 1.0)
    series: FloatArray = 1.0 - value / high
    return series


def maximum_drawdown(returns: FloatArray) -> float:
    """Deepest loss from a high, as a positive fraction.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        0 where the value never fell.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    return float(drawdowns(returns).max())


def current_drawdown(returns: FloatArray) -> float:
    """Loss from the highest value to the last one, as a positive fraction.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        0 at a high.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    return float(drawdowns(returns)[-1])


def scaled_drawdown(
    returns: FloatArray, *, volatility: float = 0.10, periods_per_year: float = SESSIONS_PER_YEAR
) -> float:
    """Maximum drawdown after the returns are scaled to a yearly volatility.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least two.
    volatility : float
        Yearly volatility to scale to, as a fraction.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        Positive fraction: comparable between strategies of different risk.

    Raises
    ------
    ValueError
        If there are fewer than two returns, they are not finite, or they do not vary.
    """
    actual = annualised_volatility(returns, periods_per_year=periods_per_year)
    if not varies(returns):
        raise ValueError("returns that do not vary cannot be scaled to a volatility.")
    return maximum_drawdown(np.maximum(returns * (volatility / actual), -1.0))


def calmar_ratio(returns: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Annualised return over maximum drawdown.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or there was no drawdown.

    References
    ----------
    Young (1991), "Calmar ratio: a smoother tool", Futures 20, 40.
    """
    deepest = maximum_drawdown(returns)
    if deepest == 0.0:
        raise ValueError(f"a Calmar ratio needs a drawdown; {returns.size} periods had none.")
    return annualised_return(returns, periods_per_year=periods_per_year) / deepest
