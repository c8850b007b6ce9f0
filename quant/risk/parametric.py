"""Losses of a distribution with given moments: normal, Student's t, Cornish-Fisher.

Mean and volatility are of the return per period. Over `periods` the mean grows with their
number and the volatility with its root, as if returns were independent.
"""

from dataclasses import dataclass
from math import exp, isfinite, lgamma, log1p, pi, sqrt
from statistics import NormalDist

import numpy as np
from scipy.special import ndtri as normal_quantile
from scipy.special import stdtrit as student_quantile

from quant.risk.historical import require_returns
from quant.typing import FloatArray
from quant.validate import require_level


@dataclass(frozen=True)
class _Moments:
    """Of returns over a horizon; `kurtosis` is the excess over a normal's."""

    mean: float
    volatility: float
    skew: float
    kurtosis: float


def parametric_value_at_risk(
    mean: float,
    volatility: float,
    *,
    level: float = 0.99,
    periods: float = 1.0,
    degrees_of_freedom: float | None = None,
) -> float:
    """Loss that a normal or Student return exceeds with probability ``1 - level``.

    Parameters
    ----------
    mean, volatility : float
        Of the return per period, as fractions.
    level : float
        Confidence level, strictly between 0 and 1.
    periods : float
        Horizon; mean grows with it, volatility with its root.
    degrees_of_freedom : float, optional
        Of Student's t with that mean and volatility, more than 2; a normal if not given.

    Returns
    -------
    float
        Loss over the horizon as a positive fraction of value.

    Raises
    ------
    ValueError
        If `volatility` is negative, `periods` is not positive, the degrees of freedom are not
        above 2 or `level` is outside (0, 1).

    References
    ----------
    Jorion (2007), "Value at Risk", 3rd ed., McGraw-Hill, 110-113. McNeil, Frey & Embrechts
    (2015), "Quantitative Risk Management", 2nd ed., Princeton, 65-66.
    """
    _require(mean, volatility, level, periods, degrees_of_freedom)
    if degrees_of_freedom is None:
        quantile = float(normal_quantile(level))
    else:
        quantile = float(student_quantile(degrees_of_freedom, level)) * _scale(degrees_of_freedom)
    return quantile * volatility * sqrt(periods) - mean * periods


def parametric_expected_shortfall(
    mean: float,
    volatility: float,
    *,
    level: float = 0.975,
    periods: float = 1.0,
    degrees_of_freedom: float | None = None,
) -> float:
    """Mean loss of a normal or Student return in its worst ``1 - level`` of cases.

    Parameters
    ----------
    mean, volatility, level, periods, degrees_of_freedom
        As for `parametric_value_at_risk`.

    Returns
    -------
    float
        Loss over the horizon as a positive fraction of value.

    Raises
    ------
    ValueError
        As `parametric_value_at_risk`.

    References
    ----------
    McNeil, Frey & Embrechts (2015), "Quantitative Risk Management", 2nd ed., Princeton, 70-71.
    """
    _require(mean, volatility, level, periods, degrees_of_freedom)
    if degrees_of_freedom is None:
        tail = NormalDist().pdf(normal_quantile(level)) / (1.0 - level)
    else:
        nu = degrees_of_freedom
        quantile = float(student_quantile(nu, level))
        density = _student_density(quantile, nu) / (1.0 - level)
        tail = density * (nu + quantile**2) / (nu - 1.0) * _scale(nu)
    return tail * volatility * sqrt(periods) - mean * periods


def cornish_fisher_value_at_risk(
    returns: FloatArray, *, level: float = 0.99, periods: float = 1.0
) -> float:
    """Value at risk of a normal corrected for the returns' skew and excess kurtosis.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least four that vary.
    level : float
        Confidence level, strictly between 0 and 1.
    periods : float
        Horizon; skew falls with its root and excess kurtosis with itself.

    Returns
    -------
    float
        Loss over the horizon as a positive fraction of value.

    Raises
    ------
    ValueError
        If there are too few returns, they are not finite or do not vary, `periods` is not
        positive, `level` is outside (0, 1), or the expansion is no distribution there: its
        quantiles must rise throughout the tail.

    References
    ----------
    Favre & Galeano (2002), "Mean-modified value-at-risk optimization with hedge funds",
    Journal of Alternative Investments 5, 21-25. Maillard (2012), "A user's guide to the
    Cornish Fisher expansion", for where it holds.
    """
    m = _corrected(returns, level, periods)
    z = float(normal_quantile(1.0 - level))
    corrected = (
        z
        + (z**2 - 1.0) * m.skew / 6.0
        + (z**3 - 3.0 * z) * m.kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * m.skew**2 / 36.0
    )
    return -(m.mean + corrected * m.volatility)


def cornish_fisher_expected_shortfall(
    returns: FloatArray, *, level: float = 0.975, periods: float = 1.0
) -> float:
    """Mean of the Cornish-Fisher quantiles in the worst ``1 - level`` of cases.

    Parameters
    ----------
    returns, level, periods
        As for `cornish_fisher_value_at_risk`.

    Returns
    -------
    float
        Loss over the horizon as a positive fraction of value.

    Raises
    ------
    ValueError
        As `cornish_fisher_value_at_risk`.

    References
    ----------
    Maillard (2012), "A user's guide to the Cornish Fisher expansion". Boudt, Peterson & Croux
    (2008), "Estimation and decomposition of downside risk for portfolios with non-normal
    returns", Journal of Risk 11, 79-103.
    """
    m = _corrected(returns, level, periods)
    z = float(normal_quantile(1.0 - level))
    factor = (
        1.0
        + z * m.skew / 6.0
        + (z**2 - 1.0) * m.kurtosis / 24.0
        - (2.0 * z**2 - 1.0) * m.skew**2 / 36.0
    )
    return NormalDist().pdf(z) / (1.0 - level) * factor * m.volatility - m.mean


def _corrected(returns: FloatArray, level: float, periods: float) -> _Moments:
    require_returns(returns, level, at_least=4)
    if not periods > 0.0:
        raise ValueError(f"`periods` must be positive, was {periods}.")
    if float(np.ptp(returns)) == 0.0:
        raise ValueError("`returns` must vary: their skew is not defined.")
    from scipy.stats import kurtosis, skew  # noqa: PLC0415  costs more than a second

    moments = _Moments(
        mean=float(np.mean(returns)) * periods,
        volatility=float(np.std(returns, ddof=1)) * sqrt(periods),
        skew=float(skew(returns)) / sqrt(periods),
        kurtosis=float(kurtosis(returns)) / periods,
    )
    if not _rises_in_tail(moments, level):
        raise ValueError(
            f"the Cornish-Fisher expansion is no distribution at level {level} for skew "
            f"{moments.skew:.2f} and excess kurtosis {moments.kurtosis:.2f}: its quantiles do not "
            "rise throughout the tail. Use historical figures."
        )
    return moments


def _student_density(x: float, nu: float) -> float:
    at_zero = exp(lgamma((nu + 1.0) / 2.0) - lgamma(nu / 2.0)) / sqrt(nu * pi)
    return at_zero * exp(-(nu + 1.0) / 2.0 * log1p(x**2 / nu))


def _rises_in_tail(moments: _Moments, level: float) -> bool:
    """Whether the quantiles rise from the tail's last hundredth to its edge.

    Their slope is a parabola: its ends and, if it lies between them, its lowest point decide.
    """
    s, k = moments.skew, moments.kurtosis
    curve, line, flat = k / 8.0 - s**2 / 6.0, s / 3.0, 1.0 - k / 8.0 + 5.0 * s**2 / 36.0
    low, edge = (float(normal_quantile(share)) for share in ((1.0 - level) / 100.0, 1.0 - level))
    turn = -line / (2.0 * curve) if curve else edge
    return all(curve * z**2 + line * z + flat > 0.0 for z in (low, min(max(turn, low), edge), edge))


def _scale(degrees_of_freedom: float) -> float:
    """What makes the standard deviation of Student's t one."""
    return sqrt((degrees_of_freedom - 2.0) / degrees_of_freedom)


def _require(
    mean: float, volatility: float, level: float, periods: float, nu: float | None
) -> None:
    require_level(level)
    if not (isfinite(mean) and isfinite(volatility)):
        raise ValueError(f"`mean` and `volatility` must be finite, were {mean} and {volatility}.")
    if volatility < 0.0 or not periods > 0.0:
        raise ValueError(
            "`volatility` must not be negative and `periods` positive, were "
            f"{volatility} and {periods}."
        )
    if nu is not None and not nu > 2.0:
        raise ValueError(f"`degrees_of_freedom` must exceed 2 for a volatility, was {nu}.")
