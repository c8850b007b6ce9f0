"""Whose risk it is: marginal, component, incremental and undiversified figures.

Euler's rule splits a risk that doubles with the position: the components add up to the whole.
"""

import numpy as np
from scipy.special import ndtri as normal_quantile

from quant.risk.historical import require_returns
from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_level


def normal_value_at_risk(
    weights: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> float:
    """Value at risk of weighted assets whose returns are jointly normal with mean zero.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    covariance : array of shape (n_assets, n_assets)
        Of returns per period.
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Loss over one period as a positive fraction of equity.

    Raises
    ------
    ValueError
        If the shapes do not fit, a figure is not finite, or `level` is outside (0, 1).

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 162-163.
    """
    _require(weights, covariance, level)
    return float(normal_quantile(level)) * _volatility(weights, covariance)


def undiversified_value_at_risk(
    weights: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> float:
    """Sum of the positions' own values at risk: what is lost when every one loses together.

    Parameters
    ----------
    weights, covariance, level
        As for `normal_value_at_risk`.

    Returns
    -------
    float
        Loss over one period as a positive fraction of equity; never below the diversified one.

    Raises
    ------
    ValueError
        As `normal_value_at_risk`.

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 163-165.
    """
    _require(weights, covariance, level)
    own = np.abs(weights) * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return float(normal_quantile(level)) * float(own.sum())


def marginal_value_at_risk(
    weights: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> Float64Array:
    """Change of the normal value at risk per unit added to each weight.

    Parameters
    ----------
    weights, covariance, level
        As for `normal_value_at_risk`.

    Returns
    -------
    array of shape (n_assets,)
        Loss per unit of equity; zero for a portfolio without risk, which has no derivative.

    Raises
    ------
    ValueError
        As `normal_value_at_risk`.

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 166-168.
    """
    _require(weights, covariance, level)
    volatility = _volatility(weights, covariance)
    if volatility == 0.0:
        return np.zeros(weights.size)
    slopes: Float64Array = float(normal_quantile(level)) * (covariance @ weights) / volatility
    return slopes


def component_value_at_risk(
    weights: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> Float64Array:
    """Share of each position in the portfolio's normal value at risk; they add up to it.

    Parameters
    ----------
    weights, covariance, level
        As for `normal_value_at_risk`.

    Returns
    -------
    array of shape (n_assets,)
        Fractions of equity; negative for a position that hedges the others.

    Raises
    ------
    ValueError
        As `normal_value_at_risk`.

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 171-174.
    """
    shares: Float64Array = weights * marginal_value_at_risk(weights, covariance, level=level)
    return shares


def incremental_value_at_risk(
    weights: FloatArray, added: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> float:
    """Normal value at risk with a trade less that without it.

    Parameters
    ----------
    weights, added : arrays of shape (n_assets,)
        What is held and what the trade adds, as signed fractions of equity.
    covariance, level
        As for `normal_value_at_risk`.

    Returns
    -------
    float
        Fraction of equity; negative for a trade that takes risk away.

    Raises
    ------
    ValueError
        As `normal_value_at_risk`.

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 168-171.
    """
    before = normal_value_at_risk(weights, covariance, level=level)
    return normal_value_at_risk(weights + added, covariance, level=level) - before


def component_expected_shortfall(
    weights: FloatArray, returns: FloatArray, *, level: float = 0.975
) -> Float64Array:
    """Share of each position in the historical expected shortfall; they add up to it.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    returns : array of shape (n_obs, n_assets)
        Simple returns per period.
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    array of shape (n_assets,)
        Mean loss of each position in the portfolio's worst periods, as a fraction of equity.

    Raises
    ------
    ValueError
        If the shapes do not fit, a figure is not finite, or `level` is outside (0, 1).

    References
    ----------
    Tasche (2002), "Expected shortfall and beyond", Journal of Banking & Finance 26, 1519-1533.
    """
    if returns.ndim != 2 or returns.shape[1] != weights.size:
        raise ValueError(f"`returns` must have shape (n_obs, {weights.size}), had {returns.shape}.")
    require_finite(weights, name="weights")
    require_finite(returns, name="returns")
    portfolio = returns @ weights
    require_returns(portfolio, level)
    n_tail = returns.shape[0] * (1.0 - level)
    # The same periods with the same parts as in `expected_shortfall`.
    order = np.argsort(portfolio, kind="stable")
    parts = np.clip(n_tail - np.arange(order.size), 0.0, 1.0)
    shares: Float64Array = -(parts @ (returns[order] * weights)) / n_tail
    return shares


def _volatility(weights: FloatArray, covariance: FloatArray) -> float:
    return float(np.sqrt(max(float(weights @ covariance @ weights), 0.0)))


def _require(weights: FloatArray, covariance: FloatArray, level: float) -> None:
    require_level(level)
    if covariance.shape != (weights.size, weights.size):
        raise ValueError(
            f"`covariance` must have shape ({weights.size}, {weights.size}), had "
            f"{covariance.shape}."
        )
    require_finite(weights, name="weights")
    require_finite(covariance, name="covariance")
