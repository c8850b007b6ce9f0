"""Growth-optimal sizes: Kelly's fraction, and half of it over many assets."""

import numpy as np

from quant.sizing.limits import WeightLimits, within_limits
from quant.typing import FloatArray
from quant.validate import require_finite


def kelly_fraction(win_probability: float, *, win: float, loss: float) -> float:
    """Share of wealth that maximises expected log growth in a bet with two outcomes.

    Parameters
    ----------
    win_probability : float
        In [0, 1].
    win, loss : float
        Gain and loss per unit staked, both positive fractions.

    Returns
    -------
    float
        ``p / loss - (1 - p) / win``, unclipped: above 1 it asks for leverage, below 0 for the
        other side of the bet.

    Raises
    ------
    ValueError
        If `win_probability` is outside [0, 1] or a pay-off is not positive and finite.

    References
    ----------
    Kelly (1956), "A new interpretation of information rate", Bell System Technical Journal 35,
    917-926. Thorp (2006), "The Kelly criterion in blackjack, sports betting and the stock
    market", Handbook of Asset and Liability Management 1, 385-428.
    """
    if not 0.0 <= win_probability <= 1.0:
        raise ValueError(f"`win_probability` must lie in [0, 1], was {win_probability}.")
    for name, value in (("win", win), ("loss", loss)):
        if not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"`{name}` must be a positive fraction, was {value}.")
    return win_probability / loss - (1.0 - win_probability) / win


def shrunk_probability(probability: float, *, standard_error: float) -> float:
    """Move a probability towards one half by its standard error, never past it.

    Parameters
    ----------
    probability : float
        In [0, 1].
    standard_error : float
        Of the calibration at that probability, not negative.

    Returns
    -------
    float
        One half where the distance is within the error.

    Raises
    ------
    ValueError
        If `probability` is outside [0, 1] or the error is negative.
    """
    if not 0.0 <= probability <= 1.0 or not standard_error >= 0.0:
        raise ValueError(
            "`probability` must lie in [0, 1] and `standard_error` not be negative, were "
            f"{probability} and {standard_error}."
        )
    distance = max(0.0, abs(probability - 0.5) - standard_error)
    return 0.5 + float(np.copysign(distance, probability - 0.5))


def half_kelly_weights(
    expected_returns: FloatArray,
    covariance: FloatArray,
    *,
    limits: WeightLimits,
    long_only: bool = True,
) -> FloatArray:
    """Half of the growth-optimal weights, scaled proportionally into the limits.

    Parameters
    ----------
    expected_returns : array of shape (n_assets,)
        Over the horizon, net of costs, as fractions.
    covariance : array of shape (n_assets, n_assets)
        Of returns over the same horizon, positive definite.
    limits : WeightLimits
        Bounds; all weights shrink by one factor, so that their proportions stay.
    long_only : bool
        Solve for the assets that deserve a positive weight; the others get 0.

    Returns
    -------
    array of shape (n_assets,)
        Target weights as signed fractions of equity.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, a limit is negative or the covariance is
        not positive definite.

    References
    ----------
    MacLean, Thorp & Ziemba (2011), "The Kelly capital growth investment criterion", World
    Scientific, 563-574.
    """
    n_assets = expected_returns.size
    if covariance.shape != (n_assets, n_assets):
        raise ValueError(
            f"`covariance` must have shape ({n_assets}, {n_assets}), had {covariance.shape}."
        )
    require_finite(expected_returns, name="expected_returns")
    require_finite(covariance, name="covariance")
    if n_assets and float(np.linalg.eigvalsh(covariance).min()) <= 0.0:
        raise ValueError(
            "`covariance` must be positive definite: shrink it, or drop an asset that others "
            "reproduce."
        )
    solved = _long_only(expected_returns, covariance) if long_only else None
    weights = np.linalg.solve(covariance, expected_returns) if solved is None else solved
    return within_limits(0.5 * weights, limits=limits)


def _long_only(expected_returns: FloatArray, covariance: FloatArray) -> FloatArray:
    """Maximise w·μ - ½ w·Σw over w >= 0: the growth problem without short sales."""
    from scipy.optimize import nnls  # noqa: PLC0415  costs a third of a second

    # With Σ = L Lᵀ the problem is the least squares of Lᵀ w against L⁻¹ μ.
    factor = np.linalg.cholesky(covariance)
    weights: FloatArray = nnls(factor.T, np.linalg.solve(factor, expected_returns))[0]
    return weights
