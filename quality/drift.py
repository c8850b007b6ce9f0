"""How far a distribution has moved from the one a model was trained on.

Two figures, each for one column: the population stability index, which says how much moved, and
the two-sample test of Kolmogorov and Smirnov, which says whether chance could have done it. Both
reckon with the number of *independent* observations: the rows of one symbol in one month repeat
one another, and counted one by one they would make every calm month a drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri as chi_squared_quantile

Floats = npt.NDArray[np.float64]

BINS: Final = 10
LARGE: Final = 0.25
"""Below 0.10 is no change, above 0.25 a large one: Siddiqi (2006), *Credit Risk Scorecards*."""
SURE: Final = 0.999
"""Of the index that chance alone stays below."""
DOUBTED: Final = 0.01
"""Chance of any false alarm of the two-sample test over all columns together."""
FEWEST: Final = 20
"""Finite values that either side must have."""


@dataclass(frozen=True)
class Drift:
    """What became of one column.

    Attributes
    ----------
    name : str
        The column.
    stability : float
        Population stability index, 0 for equal distributions.
    limit : float
        What the index must exceed: 0.25, or what chance does with so few observations.
    distance : float
        Largest difference of the two distribution functions, 0 to 1.
    chance : float
        Probability of such a distance between samples of one distribution.
    reference_mean, recent_mean : float
        In the column's own unit.
    is_drift : bool
        Whether both figures say so.
    """

    name: str
    stability: float
    limit: float
    distance: float
    chance: float
    reference_mean: float
    recent_mean: float
    is_drift: bool


def stability_index(reference: Floats, recent: Floats, *, bins: int = BINS) -> float:
    """Population stability index: sum over bins of (q - p) * ln(q / p).

    Bins are the quantiles of `reference`; equal quantiles of a lumpy column are one bin. A bin
    that is empty on one side counts as half an observation there, so that the index is finite.

    Parameters
    ----------
    reference, recent : array of shape (n_obs,)
        Finite values; p are the shares of the first in each bin, q those of the second.
    bins : int
        Quantiles, 2 at least.

    Returns
    -------
    float
        0 for equal shares; symmetric in the two sides' shares.

    Raises
    ------
    ValueError
        If a side is empty or `bins` is below 2.

    References
    ----------
    Siddiqi (2006), *Credit Risk Scorecards*, Wiley, pp. 178-181.
    """
    if bins < 2 or not reference.size or not recent.size:
        raise ValueError(
            f"The index needs at least 2 bins and a value on either side, was given {bins} bins, "
            f"{reference.size} and {recent.size} values."
        )
    edges = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    p, q = (_shares(values, edges) for values in (reference, recent))
    return float(np.sum((q - p) * np.log(q / p)))


def _shares(values: Floats, edges: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)
    return np.maximum(counts, 0.5) / values.size


def stability_limit(n_reference: float, n_recent: float, *, bins: int = BINS) -> float:
    """Return what the index must exceed to tell of a large change and not of chance.

    With equal distributions it is about chi-square with `bins` - 1 degrees of freedom, times
    1 / n_reference + 1 / n_recent.

    Parameters
    ----------
    n_reference, n_recent : float
        Independent observations.
    bins : int
        As for `stability_index`.

    References
    ----------
    Yurdakul (2018), "Statistical properties of the population stability index", Western Michigan
    University, ch. 3.
    """
    chance = float(chi_squared_quantile(bins - 1, 1.0 - SURE)) * (
        1.0 / n_reference + 1.0 / n_recent
    )
    return max(LARGE, chance)


def two_sample(
    reference: Floats, recent: Floats, *, n_reference: float, n_recent: float
) -> tuple[float, float]:
    """Kolmogorov and Smirnov's distance, and the probability of one as large by chance.

    Parameters
    ----------
    reference, recent : array of shape (n_obs,)
        Finite values.
    n_reference, n_recent : float
        Independent observations among them; with the sizes of the arrays the result is that of
        `scipy.stats.ks_2samp(..., method="asymp")`.

    References
    ----------
    Hodges (1958), "The significance probability of the Smirnov two-sample test", Arkiv för
    Matematik 3, 469-486.
    """
    from scipy.stats import ks_2samp, kstwo  # noqa: PLC0415  costs more than a second

    distance = float(ks_2samp(reference, recent, method="asymp").statistic)
    n = max(round(n_reference * n_recent / (n_reference + n_recent)), 1)
    return distance, float(kstwo.sf(distance, n))


def drifts(
    names: Sequence[str],
    reference: Floats,
    recent: Floats,
    *,
    n_reference: float,
    n_recent: float,
) -> tuple[Drift, ...]:
    """Return what became of each column, the furthest from its reference first.

    Parameters
    ----------
    names : sequence of str
        One for each column.
    reference, recent : array of shape (n_obs, n_columns)
        Values that are not finite are left out; a column with fewer than 20 on either side is.
    n_reference, n_recent : float
        Independent observations (rows).
    """
    found = []
    for at, name in enumerate(names):
        left, right = (side[np.isfinite(side[:, at]), at] for side in (reference, recent))
        if min(left.size, right.size) < FEWEST:
            continue
        stability = stability_index(left, right)
        limit = stability_limit(n_reference, n_recent)
        distance, chance = two_sample(left, right, n_reference=n_reference, n_recent=n_recent)
        found.append(
            Drift(
                name, stability, limit, distance, chance, float(left.mean()), float(right.mean()),
                is_drift=stability > limit and chance < DOUBTED / len(names),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (not one.is_drift, -one.stability)))
