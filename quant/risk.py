"""What a portfolio can lose, what it is exposed to, and whether past figures held.

Returns are simple, per period, as fractions. Losses, VaR and shortfall are positive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import kurtosis, norm, skew

from quant.coverage import (
    ChristoffersenTest,
    KupiecTest,
    LikelihoodRatio,
    basel_zone,
    christoffersen_test,
    kupiec_test,
)
from quant.typing import FloatArray
from quant.validate import require_finite, require_level, require_same_length

__all__ = [
    "ChristoffersenTest",
    "Exposures",
    "KupiecTest",
    "LikelihoodRatio",
    "basel_zone",
    "beta",
    "christoffersen_test",
    "component_value_at_risk",
    "cornish_fisher_value_at_risk",
    "ewma_volatility",
    "expected_shortfall",
    "exposures",
    "kupiec_test",
    "parametric_value_at_risk",
    "stress_loss",
    "value_at_risk",
]


@dataclass(frozen=True)
class Exposures:
    """Exposures as fractions of equity; `concentration` is the sum of squared shares of gross.

    ``short`` is positive; ``largest`` is the largest absolute weight. ``concentration`` is 1
    for a single position, 1/n for n equal ones and 0 without any.
    """

    gross: float
    net: float
    long: float
    short: float
    largest: float
    concentration: float


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
    _require(returns, level)
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
    _require(returns, level)
    n_tail = returns.size * (1.0 - level)
    # The observation that straddles the quantile counts in part, so that the
    # measure is continuous in `level`.
    weights = np.clip(n_tail - np.arange(returns.size), 0.0, 1.0)
    return float(-(weights @ np.sort(returns)) / n_tail)


def parametric_value_at_risk(
    mean: float, volatility: float, *, level: float = 0.99, periods: float = 1.0
) -> float:
    """Loss that a normal return exceeds with probability ``1 - level``.

    Parameters
    ----------
    mean, volatility : float
        Of the return per period, as fractions.
    level : float
        Confidence level, strictly between 0 and 1.
    periods : float
        Horizon; mean grows with it, volatility with its root.

    Returns
    -------
    float
        Loss over the horizon as a positive fraction of value.

    Raises
    ------
    ValueError
        If `volatility` is negative, `periods` is not positive or `level` is outside (0, 1).

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 110-113.
    """
    require_level(level)
    if volatility < 0.0 or periods <= 0.0:
        raise ValueError(
            "`volatility` must not be negative and `periods` positive, were "
            f"{volatility} and {periods}."
        )
    return float(norm.ppf(level) * volatility * sqrt(periods) - mean * periods)


def cornish_fisher_value_at_risk(returns: FloatArray, *, level: float = 0.99) -> float:
    """Value at risk of a normal corrected for the returns' skew and excess kurtosis.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least four that vary.
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Loss over one period as a positive fraction of value.

    Raises
    ------
    ValueError
        If there are too few returns, they are not finite or do not vary, or `level` is
        outside (0, 1).

    References
    ----------
    Favre & Galeano (2002), "Mean-modified value-at-risk optimization with hedge funds",
    Journal of Alternative Investments 5, 21-25.
    """
    _require(returns, level, at_least=4)
    if float(np.ptp(returns)) == 0.0:
        raise ValueError("`returns` must vary: their skew is not defined.")
    z = float(norm.ppf(1.0 - level))
    s, k = float(skew(returns)), float(kurtosis(returns))
    corrected = (
        z
        + (z**2 - 1.0) * s / 6.0
        + (z**3 - 3.0 * z) * k / 24.0
        - (2.0 * z**3 - 5.0 * z) * s**2 / 36.0
    )
    return float(-(np.mean(returns) + corrected * np.std(returns, ddof=1)))


def exposures(weights: FloatArray) -> Exposures:
    """Gross, net, long, short, largest and concentration of signed weights.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.

    Returns
    -------
    Exposures
        All zero without a position.

    Raises
    ------
    ValueError
        If a weight is not finite.
    """
    require_finite(weights, name="weights")
    size = np.abs(weights)
    gross = float(size.sum())
    return Exposures(
        gross=gross,
        net=float(weights.sum()),
        long=float(weights[weights > 0.0].sum()),
        short=float(-weights[weights < 0.0].sum()),
        largest=float(size.max(initial=0.0)),
        concentration=float(((size / gross) ** 2).sum()) if gross > 0.0 else 0.0,
    )


def beta(returns: FloatArray, benchmark: FloatArray) -> float:
    """Slope of returns on the benchmark's.

    Parameters
    ----------
    returns, benchmark : arrays of shape (n_obs,)
        Simple returns of the same periods, as fractions; at least two.

    Returns
    -------
    float
        Covariance over the benchmark's variance.

    Raises
    ------
    ValueError
        If the arrays differ in length, are not finite, or the benchmark does not vary.
    """
    require_same_length(returns=returns, benchmark=benchmark)
    require_finite(returns, name="returns")
    require_finite(benchmark, name="benchmark")
    if returns.size < 2 or float(np.ptp(benchmark)) == 0.0:
        raise ValueError(f"a beta needs a benchmark that varies over {returns.size} >= 2 periods.")
    centred = benchmark - benchmark.mean()
    return float(centred @ returns / (centred @ centred))


def ewma_volatility(returns: FloatArray, *, decay: float = 0.94) -> FloatArray:
    """Volatility known after each period: exponentially weighted squares of returns.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    decay : float
        Weight of the past, strictly between 0 and 1.

    Returns
    -------
    array of shape (n_obs,)
        Per period, as a fraction; the weights are normalised, so that the start is unbiased.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or `decay` is outside (0, 1).

    References
    ----------
    J.P. Morgan/Reuters (1996), "RiskMetrics technical document", 4th ed., 77-83.
    """
    _require(returns, decay)
    variance, weight = 0.0, 0.0
    known = np.empty(returns.size)
    for now, value in enumerate(returns):
        variance = decay * variance + (1.0 - decay) * float(value) ** 2
        weight = decay * weight + (1.0 - decay)
        known[now] = sqrt(variance / weight)
    return known


def component_value_at_risk(
    weights: FloatArray, covariance: FloatArray, *, level: float = 0.99
) -> FloatArray:
    """Share of each position in the portfolio's normal value at risk; they add up to it.

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
    array of shape (n_assets,)
        Fractions of equity; negative for a position that hedges the others.

    Raises
    ------
    ValueError
        If the shapes do not fit, a figure is not finite, or `level` is outside (0, 1).

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 167-172.
    """
    require_level(level)
    if covariance.shape != (weights.size, weights.size):
        raise ValueError(
            f"`covariance` must have shape ({weights.size}, {weights.size}), had "
            f"{covariance.shape}."
        )
    require_finite(weights, name="weights")
    require_finite(covariance, name="covariance")
    marginal = covariance @ weights
    variance = float(weights @ marginal)
    if variance <= 0.0:
        return np.zeros(weights.size)
    shares: FloatArray = float(norm.ppf(level)) * weights * marginal / sqrt(variance)
    return shares


def stress_loss(
    weights: FloatArray,
    shocks: Mapping[int, float],
    *,
    betas: FloatArray | None = None,
    market: float = 0.0,
) -> float:
    """Loss when the market moves by `market` and single assets gap.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    shocks : mapping of int to float
        Return of single assets by their index; it replaces their share in the market's move.
    betas : array of shape (n_assets,), optional
        Betas to the market; 1 for all if not given.
    market : float
        Return of the market, as a fraction (-0.2 is a fall of 20 %).

    Returns
    -------
    float
        Loss as a positive fraction of equity; negative for a gain. A price cannot fall below
        zero, so that no asset moves by less than -1.

    Raises
    ------
    ValueError
        If a figure is not finite or a shock names no asset.
    """
    require_finite(weights, name="weights")
    moves = np.full(weights.size, market) if betas is None else np.asarray(betas) * market
    for index, shock in shocks.items():
        if not 0 <= index < weights.size:
            raise ValueError(f"a shock names asset {index}; there are {weights.size}.")
        moves[index] = shock
    require_finite(moves, name="moves")
    return float(-(weights @ np.maximum(moves, -1.0)))


def _require(returns: FloatArray, level: float, *, at_least: int = 1) -> None:
    require_level(level)
    if returns.size < at_least:
        raise ValueError(
            f"`returns` must hold at least {at_least} observation"
            f"{'s' if at_least > 1 else ''}, was {'empty' if not returns.size else returns.size}."
        )
    require_finite(returns, name="returns")
