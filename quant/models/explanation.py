"""What each group of features is worth to a model: shuffled away, and never given."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from quant.models.calibration import logistic
from quant.models.crossval import CrossValidation
from quant.models.dataset import Dataset, Hyperparameters
from quant.models.learners import Bench, lesson, log_loss, prepare
from quant.splits import Fold
from quant.typing import FloatArray, Int64Array


@dataclass(frozen=True)
class GroupEffect:
    """What log loss on unseen rows rises by without a group; below 0 it only misled.

    ``shuffled`` is the rise where the fitted model is given the group's values of other sessions,
    ``left_out`` the rise where the model is fitted without the group: what no other can replace.
    """

    group: str
    n_features: int
    shuffled: float
    left_out: float


def group_effects(
    dataset: Dataset,
    groups: Mapping[str, str],
    settings: Hyperparameters,
    folds: Sequence[Fold],
    *,
    seed: int,
    bench: Bench,
    device: str = "cpu",
    n_jobs: int = 2,
) -> tuple[GroupEffect, ...]:
    """Measure every group of features on purged folds.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    groups : mapping of str to str
        Group of each feature's name.
    settings : Hyperparameters
        The configuration; all its rounds are grown.
    folds : sequence of Fold
        Purged, from `quant.splits`.
    seed : int
        Fixes sampling and shuffling.
    bench : Bench
        The features of `dataset`, prepared.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Groups left out at the same time; effects do not depend on it.

    Returns
    -------
    tuple of GroupEffect
        The one that is missed most comes first. A group that is all there is has no `left_out`
        but NaN.

    References
    ----------
    Breiman (2001), "Random forests", Machine Learning 45, 5-32, section 10.
    """
    named = np.array([groups[name] for name in dataset.names])
    shuffled = _shuffled(dataset, named, settings, folds, seed=seed, bench=bench)
    whole = _loss(dataset, folds, settings, seed=seed, bench=bench)

    def left_out(group: str) -> float:
        others = named != group
        if not others.any():
            return float("nan")
        rows = np.ascontiguousarray(dataset.features[:, others])
        names = tuple(np.array(dataset.names)[others].tolist())
        fewer = replace(dataset, features=rows, names=names, part=True)
        left = prepare(settings.family, rows, max_bin=settings.max_bin, device=device)
        return _loss(fewer, folds, settings, seed=seed, bench=left) - whole

    # Groups at the same time and not folds: rows are then prepared once for each, not twice.
    with ThreadPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        lost = pool.map(left_out, shuffled)
        effects = [
            GroupEffect(group, int((named == group).sum()), rise, without)
            for (group, rise), without in zip(shuffled.items(), lost, strict=True)
        ]
    return tuple(sorted(effects, key=lambda effect: -effect.shuffled))


def feature_effects(
    dataset: Dataset,
    settings: Hyperparameters,
    folds: Sequence[Fold],
    *,
    seed: int,
    bench: Bench,
) -> tuple[tuple[str, float], ...]:
    """Permutation importance of every single feature on purged folds.

    Parameters
    ----------
    dataset, settings, folds, seed, bench
        As in `group_effects`.

    Returns
    -------
    tuple of (str, float)
        Name, and what log loss on unseen rows rises by where the fitted model is given the
        feature's values of other rows; the one that is missed most comes first. Features that
        tell the same share their worth: each is hardly missed alone.

    References
    ----------
    Breiman (2001), "Random forests", Machine Learning 45, 5-32, section 10.
    """
    rises = _shuffled(dataset, np.array(dataset.names), settings, folds, seed=seed, bench=bench)
    return tuple(sorted(rises.items(), key=lambda told: -told[1]))


def _loss(
    dataset: Dataset, folds: Sequence[Fold], settings: Hyperparameters, *, seed: int, bench: Bench
) -> float:
    margins = CrossValidation(dataset, folds, bench=bench).margins(settings, seed=seed)
    rows = dataset.labelled(np.flatnonzero(np.isfinite(margins)).astype(np.int64))
    return _of(dataset, rows, margins[rows])


def _shuffled(
    dataset: Dataset,
    named: np.ndarray[tuple[int], np.dtype[np.str_]],
    settings: Hyperparameters,
    folds: Sequence[Fold],
    *,
    seed: int,
    bench: Bench,
) -> dict[str, float]:
    """Mean rise over folds, each group's values taken together from another tested row."""
    rng = np.random.default_rng(seed)
    rises: dict[str, list[float]] = {group: [] for group in dict.fromkeys(named.tolist())}
    for fold in folds:
        taught = lesson(dataset, fold.train, fold.validation)
        tested = dataset.labelled(fold.test)
        if taught is None or tested.size == 0:
            continue
        model = bench.fit(taught, settings, seed=seed).model
        values = dataset.features[tested]
        before = _of(dataset, tested, model.margins(values))
        for group, rise in rises.items():
            moved, columns = values.copy(), named == group
            moved[:, columns] = values[rng.permutation(tested.size)][:, columns]
            rise.append(_of(dataset, tested, model.margins(moved)) - before)
    return {group: float(np.mean(rise)) for group, rise in rises.items() if rise}


def _of(dataset: Dataset, rows: Int64Array, margins: FloatArray) -> float:
    won = (dataset.labels[rows] > 0.0).astype(np.float64)
    return log_loss(logistic(margins), won, dataset.weights[rows])
