"""How many different ideas a programme's trials are: those that earned alike count once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quant.typing import FloatArray

ALIKE = 0.5  # mean correlation from which clusters are one idea
MIN_SHARED = 63  # sessions two trials must share before their correlation is believed


@dataclass(frozen=True)
class TrialReturns:
    """Returns of a trial, session by session from `first`, which counts sessions of a calendar."""

    first: int
    returns: FloatArray


def clustered_count(
    trials: Sequence[TrialReturns], *, alike: float = ALIKE, without_returns: int = 0
) -> int:
    """Clusters of trials by the correlation of their returns.

    It is shown beside the raw count and gates nothing: whoever is judged by it could make trials
    alike until they count as one.

    Parameters
    ----------
    trials : sequence of TrialReturns
        One entry for each configuration.
    alike : float
        Two clusters are one while the mean distance of their trials is that of this correlation
        or less; in (-1, 1).
    without_returns : int
        Configurations that left no returns: each counts as an idea of its own.

    Returns
    -------
    int
        Clusters; 0 without any trial. Trials that share fewer than 63 sessions, or do not vary,
        are taken for uncorrelated.

    Raises
    ------
    ValueError
        If `alike` lies outside (-1, 1) or a return is not finite.

    References
    ----------
    López de Prado & Lewis (2019), "Detection of false investment strategies using unsupervised
    learning methods", Quantitative Finance 19, 1555-1565, for counting clusters of trials;
    Mantegna (1999), "Hierarchical structure in financial markets", European Physical Journal B
    11, 193-197, for the distance; Sokal & Michener (1958) for average linkage.
    """
    if not -1.0 < alike < 1.0:
        raise ValueError(f"`alike` must lie strictly between -1 and 1, was {alike}.")
    if len(trials) < 2:
        return len(trials) + without_returns
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415  costs a third of a second
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    distance = np.sqrt(0.5 * (1.0 - _correlations(trials)))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    clusters = fcluster(tree, t=np.sqrt(0.5 * (1.0 - alike)), criterion="distance")
    return int(np.unique(clusters).size) + without_returns


def _correlations(trials: Sequence[TrialReturns]) -> FloatArray:
    """Of each pair over the sessions both have; 0 where they share too few."""
    start = min(trial.first for trial in trials)
    end = max(trial.first + trial.returns.size for trial in trials)
    table, known = np.zeros((2, len(trials), end - start))
    for row, trial in enumerate(trials):
        if not np.isfinite(trial.returns).all():
            raise ValueError(f"returns must be finite; those of trial {row} are not.")
        span = slice(trial.first - start, trial.first - start + trial.returns.size)
        table[row, span], known[row, span] = trial.returns, 1.0
    shared = known @ known.T
    safe = np.maximum(shared, 1.0)
    mean = table @ known.T / safe  # of the row's returns over what it shares with the column's
    square = (table * table) @ known.T / safe - mean * mean
    together = table @ table.T / safe - mean * mean.T
    spread = np.sqrt(np.maximum(square, 0.0) * np.maximum(square.T, 0.0))
    believed = (shared >= MIN_SHARED) & (spread > 1e-18)
    found = np.divide(together, spread, out=np.zeros_like(spread), where=believed)
    held: FloatArray = np.clip(found, -1.0, 1.0)
    return held
