"""Losses of drawn returns: Monte Carlo from a multivariate normal or Student's t."""

import numpy as np

from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_positive_int


def simulated_returns(
    mean: FloatArray,
    covariance: FloatArray,
    *,
    n_draws: int = 10_000,
    horizon: int = 1,
    degrees_of_freedom: float | None = None,
    rng: np.random.Generator,
) -> Float64Array:
    """Joint returns of assets over the horizon, drawn period by period and compounded.

    Parameters
    ----------
    mean : array of shape (n_assets,)
        Of returns per period, as fractions.
    covariance : array of shape (n_assets, n_assets)
        Of returns per period, positive semi-definite.
    n_draws : int
        Draws, at least 1.
    horizon : int
        Periods, at least 1.
    degrees_of_freedom : float, optional
        Of a multivariate Student's t with that mean and covariance, more than 2: one mixing
        variable for all assets, so that they fall together. A normal if not given.
    rng : numpy.random.Generator
        Of the draws; the same state gives the same returns.

    Returns
    -------
    array of shape (n_draws, n_assets)
        Simple returns, at least -1. The product with weights goes to `value_at_risk` and
        `expected_shortfall`.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, the covariance is not symmetric and
        positive semi-definite, or the degrees of freedom are not above 2.

    References
    ----------
    Glasserman (2003), "Monte Carlo methods in financial engineering", Springer, 65-72 and
    508-510.
    """
    factor = _factor(mean, covariance)
    require_positive_int(n_draws, name="n_draws")
    require_positive_int(horizon, name="horizon")
    if degrees_of_freedom is not None and not degrees_of_freedom > 2.0:
        raise ValueError(
            "`degrees_of_freedom` must exceed 2 for a covariance, was "
            f"{degrees_of_freedom}. Leave it out for a normal."
        )
    growth = np.ones((n_draws, mean.size))
    for _ in range(horizon):
        drawn = rng.standard_normal((n_draws, mean.size)) @ factor.T
        if degrees_of_freedom is not None:
            mixing = rng.chisquare(degrees_of_freedom, size=(n_draws, 1))
            drawn *= np.sqrt((degrees_of_freedom - 2.0) / mixing)
        growth *= np.maximum(1.0 + mean + drawn, 0.0)
    total: Float64Array = growth - 1.0
    return total


def _factor(mean: FloatArray, covariance: FloatArray) -> Float64Array:
    """A matrix L with L Lᵀ = covariance, also where that is singular."""
    if mean.ndim != 1 or covariance.shape != (mean.size, mean.size):
        raise ValueError(
            f"`covariance` must have shape ({mean.size}, {mean.size}) for {mean.size} means, had "
            f"{covariance.shape}."
        )
    require_finite(mean, name="mean")
    require_finite(covariance, name="covariance")
    if not np.allclose(covariance, covariance.T, rtol=1e-9, atol=0.0):
        raise ValueError("`covariance` must be symmetric.")
    values, vectors = np.linalg.eigh(covariance)
    if values.size and values.min() < -1e-10 * max(float(values.max()), 1e-300):
        raise ValueError(
            f"`covariance` must be positive semi-definite, has eigenvalue {values.min():.3g}. "
            "Estimate it from one set of sessions, or shrink it."
        )
    factor: Float64Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return factor
