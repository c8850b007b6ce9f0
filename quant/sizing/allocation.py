"""Weights without forecasts: equal, at a volatility, and with equal contributions to risk."""

import numpy as np

from quant.sizing.limits import WeightLimits, within_limits
from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite

_MOST_SWEEPS = 10_000
_EQUAL = 1e-10  # largest difference of a share of risk from 1 / n


def equal_weights(sides: FloatArray, *, limits: WeightLimits) -> FloatArray:
    """Positions of equal size, as large as the limits allow.

    Parameters
    ----------
    sides : array of shape (n_assets,)
        1 for long, -1 for short, 0 for none.
    limits : WeightLimits
        Bounds on each position, the gross and the net.

    Returns
    -------
    array of shape (n_assets,)
        Signed fractions of equity of one absolute size; zeros where no side is given.

    Raises
    ------
    ValueError
        If a side is not -1, 0 or 1, or a limit is negative.
    """
    if not np.isin(sides, (-1.0, 0.0, 1.0)).all():
        raise ValueError(f"`sides` must be -1, 0 or 1, were {np.unique(sides).tolist()}.")
    return within_limits(np.asarray(sides, dtype=np.float64) * limits.gross, limits=limits)


def volatility_target_weights(
    weights: FloatArray,
    covariance: FloatArray,
    *,
    target: float,
    limits: WeightLimits,
    periods_per_year: float = 252,
) -> FloatArray:
    """Scale weights to a volatility a year, as far as the limits allow.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Signed; their proportions stay.
    covariance : array of shape (n_assets, n_assets)
        Of returns per period.
    target : float
        Volatility a year, as a fraction, not negative.
    limits : WeightLimits
        Bounds; they win over the target.
    periods_per_year : float
        Periods of `covariance` in a year.

    Returns
    -------
    array of shape (n_assets,)
        Signed fractions of equity; their volatility is `target` unless a limit is in the way.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, the target is negative, or the weights
        have no volatility to scale.

    References
    ----------
    Harvey, Hoyle, Korgaonkar, Rattray, Sargaison & Van Hemert (2018), "The impact of
    volatility targeting", Journal of Portfolio Management 45, 14-33.
    """
    _require_fit(weights.size, covariance)
    require_finite(weights, name="weights")
    if not target >= 0.0:
        raise ValueError(f"`target` must not be negative, was {target}.")
    variance = float(weights @ covariance @ weights) * periods_per_year
    if not variance > 0.0:
        raise ValueError("the weights have no volatility, so they cannot be scaled to one.")
    return within_limits(weights * (target / np.sqrt(variance)), limits=limits)


def risk_contributions(weights: FloatArray, covariance: FloatArray) -> Float64Array:
    """Share of each position in the variance of the whole; they add up to one.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Signed.
    covariance : array of shape (n_assets, n_assets)
        Of returns per period.

    Returns
    -------
    array of shape (n_assets,)
        Fractions; negative for a position that hedges the others.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, or the weights have no variance.

    References
    ----------
    Maillard, Roncalli & Teiletche (2010), "The properties of equally weighted risk
    contribution portfolios", Journal of Portfolio Management 36, 60-70.
    """
    _require_fit(weights.size, covariance)
    require_finite(weights, name="weights")
    slopes = covariance @ weights
    variance = float(weights @ slopes)
    if not variance > 0.0:
        raise ValueError("the weights have no variance to share out.")
    shares: Float64Array = weights * slopes / variance
    return shares


def equal_risk_contribution_weights(
    covariance: FloatArray, *, limits: WeightLimits, invested: float = 1.0
) -> FloatArray:
    """Long weights to whose variance every position contributes the same.

    Parameters
    ----------
    covariance : array of shape (n_assets, n_assets)
        Of returns per period, positive definite.
    limits : WeightLimits
        Bounds; all weights shrink by one factor, so that the contributions stay equal.
    invested : float
        Sum of the weights before the limits.

    Returns
    -------
    array of shape (n_assets,)
        Positive fractions of equity.

    Raises
    ------
    ValueError
        If the covariance is not square, finite and positive definite.

    References
    ----------
    Maillard, Roncalli & Teiletche (2010), Journal of Portfolio Management 36, 60-70.
    Griveau-Billion, Richard & Roncalli (2013), "A fast algorithm for computing
    high-dimensional risk parity portfolios", for the cyclical descent.
    """
    _require_fit(covariance.shape[0], covariance)
    if not covariance.size or float(np.linalg.eigvalsh(covariance).min()) <= 0.0:
        raise ValueError(
            "`covariance` must be positive definite: shrink it, or drop an asset that others "
            "reproduce or that does not vary."
        )
    deviations = np.sqrt(np.diag(covariance))
    # In units of risk the problem is that of the correlations, whatever the volatilities.
    raw = _equal_shares(covariance / np.outer(deviations, deviations)) / deviations
    return within_limits(invested * raw / raw.sum(), limits=limits)


def _equal_shares(correlation: Float64Array) -> Float64Array:
    """Minimise ½ x·Cx - Σ ln x / n one coordinate at a time; its optimum has equal shares."""
    n_assets = correlation.shape[0]
    budget = 1.0 / n_assets
    x = np.full(n_assets, 1.0 / np.sqrt(correlation.sum()))
    for _ in range(_MOST_SWEEPS):
        for i in range(n_assets):
            others = float(correlation[i] @ x) - x[i]
            x[i] = 0.5 * (np.sqrt(others**2 + 4.0 * budget) - others)
        shares = x * (correlation @ x)
        if float(np.abs(shares / shares.sum() - budget).max()) < _EQUAL:
            return x
    raise ValueError(
        f"no equal contributions were found in {_MOST_SWEEPS} sweeps: assets nearly reproduce "
        "each other. Shrink the covariance."
    )


def _require_fit(n_assets: int, covariance: FloatArray) -> None:
    if covariance.shape != (n_assets, n_assets):
        raise ValueError(
            f"`covariance` must have shape ({n_assets}, {n_assets}), had {covariance.shape}."
        )
    require_finite(covariance, name="covariance")
