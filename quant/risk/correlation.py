"""How assets move together, whether that changed, and what it would cost if it did."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc as chi_squared_tail
from scipy.special import ndtr as normal_cdf

from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite


@dataclass(frozen=True)
class CorrelationBreak:
    """Two correlation matrices compared.

    Attributes
    ----------
    statistic, p_value : float
        Jennrich's test that all correlations are equal.
    degrees_of_freedom : int
        Number of pairs.
    pair : tuple of int
        The two assets whose correlation changed most, by Fisher's z.
    before, after : float
        Their correlations.
    pair_p_value : float
        Of that pair's change, times the number of pairs (Bonferroni), at most 1.
    """

    statistic: float
    p_value: float
    degrees_of_freedom: int
    pair: tuple[int, int]
    before: float
    after: float
    pair_p_value: float


def correlations(returns: FloatArray) -> Float64Array:
    """Pearson correlations of assets.

    Parameters
    ----------
    returns : array of shape (n_obs, n_assets)
        Simple returns per period; at least three periods in which every asset varies.

    Returns
    -------
    array of shape (n_assets, n_assets)
        Ones on the diagonal.

    Raises
    ------
    ValueError
        If there are too few returns, one is not finite, or an asset does not vary.
    """
    if returns.ndim != 2 or returns.shape[0] < 3:
        raise ValueError(f"`returns` must have shape (n_obs >= 3, n_assets), had {returns.shape}.")
    require_finite(returns, name="returns")
    flat = np.flatnonzero(np.ptp(returns, axis=0) == 0.0)
    if flat.size:
        raise ValueError(
            f"assets at positions {flat.tolist()} do not vary: they have no correlation. Leave "
            "them out."
        )
    matrix: Float64Array = np.atleast_2d(np.corrcoef(returns, rowvar=False))
    return matrix


def with_correlation(covariance: FloatArray, *, toward: float, strength: float) -> Float64Array:
    """Covariance whose correlations are moved towards one value; volatilities stay.

    Parameters
    ----------
    covariance : array of shape (n_assets, n_assets)
        Of returns per period, with positive variances.
    toward : float
        Correlation of every pair at full strength, in [0, 1], where the result stays a
        covariance.
    strength : float
        From 0 (unchanged) to 1 (every correlation is `toward`).

    Returns
    -------
    array of shape (n_assets, n_assets)
        Positive semi-definite where `covariance` is: a mean of two such matrices.

    Raises
    ------
    ValueError
        If a figure is not finite, a variance is not positive, or `toward` or `strength` is
        outside [0, 1].
    """
    require_finite(covariance, name="covariance")
    if not (0.0 <= toward <= 1.0 and 0.0 <= strength <= 1.0):
        raise ValueError(
            f"`toward` and `strength` must lie in [0, 1], were {toward} and {strength}."
        )
    variances = np.diag(covariance)
    if variances.size and float(variances.min()) <= 0.0:
        raise ValueError(f"variances must be positive, the lowest was {variances.min()}.")
    deviations = np.sqrt(variances)
    wanted = np.outer(deviations, deviations) * toward
    np.fill_diagonal(wanted, variances)
    moved: Float64Array = (1.0 - strength) * covariance + strength * wanted
    return moved


def correlation_break(earlier: FloatArray, later: FloatArray) -> CorrelationBreak:
    """Test whether correlations changed from one stretch of time to another.

    Parameters
    ----------
    earlier, later : arrays of shape (n_obs, n_assets)
        Simple returns of the same assets, at least two, in stretches that do not overlap; each
        longer than the number of assets plus three.

    Returns
    -------
    CorrelationBreak
        Chi-squared with as many degrees of freedom as pairs. Fat tails make it reject too
        often: returns divided by their volatility are nearer to what it assumes.

    Raises
    ------
    ValueError
        If the stretches hold different assets or too few returns, one is not finite, an asset
        does not vary, or assets reproduce each other.

    References
    ----------
    Jennrich (1970), "An asymptotic χ² test for the equality of two correlation matrices",
    Journal of the American Statistical Association 65, 904-912.
    """
    first, second = correlations(earlier), correlations(later)
    n_assets = first.shape[0]
    sizes = earlier.shape[0], later.shape[0]
    if second.shape != first.shape or n_assets < 2 or min(sizes) <= n_assets + 3:
        raise ValueError(
            "both stretches must hold the same two or more assets over more periods than assets "
            f"plus three, had shapes {earlier.shape} and {later.shape}."
        )
    statistic = _jennrich(first, second, sizes)
    n_pairs = n_assets * (n_assets - 1) // 2
    rows, columns = np.triu_indices(n_assets, 1)
    moved = np.arctanh(_inside(second[rows, columns])) - np.arctanh(_inside(first[rows, columns]))
    most = int(np.abs(moved).argmax())
    deviation = np.sqrt(1.0 / (sizes[0] - 3) + 1.0 / (sizes[1] - 3))
    alone = 2.0 * float(normal_cdf(-abs(moved[most]) / deviation))
    pair = int(rows[most]), int(columns[most])
    return CorrelationBreak(
        statistic=statistic,
        p_value=float(chi_squared_tail(n_pairs, statistic)),
        degrees_of_freedom=n_pairs,
        pair=pair,
        before=float(first[pair]),
        after=float(second[pair]),
        pair_p_value=min(1.0, alone * n_pairs),
    )


def _jennrich(first: Float64Array, second: Float64Array, sizes: tuple[int, int]) -> float:
    pooled = (sizes[0] * first + sizes[1] * second) / sum(sizes)
    if np.linalg.cond(pooled) > 1e12:
        raise ValueError("an asset is reproduced by the others: leave it out.")
    inverse = np.linalg.inv(pooled)
    change = np.sqrt(sizes[0] * sizes[1] / sum(sizes)) * inverse @ (first - second)
    diagonal = np.diag(change)
    weight = np.eye(pooled.shape[0]) + pooled * inverse
    trace = float(np.trace(change @ change))
    return max(0.0, 0.5 * trace - float(diagonal @ np.linalg.solve(weight, diagonal)))


def _inside(values: Float64Array) -> Float64Array:
    """Correlations just inside ±1, where Fisher's transform is finite."""
    kept: Float64Array = np.clip(values, -1.0 + 1e-15, 1.0 - 1e-15)
    return kept
