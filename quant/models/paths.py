"""Forecasts along the paths of combinatorial purged cross-validation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from quant.models.dataset import Dataset, Hyperparameters, require_trainable
from quant.models.learners import Bench, lesson, prepare
from quant.splits import Fold, backtest_paths, combinatorial_purged, default_embargo
from quant.typing import FloatArray, Int64Array


def path_margins(
    dataset: Dataset,
    hyperparameters: Hyperparameters,
    *,
    seed: int,
    device: str = "cpu",
    n_jobs: int = 2,
    n_groups: int = 10,
    n_test_groups: int = 2,
    progress: Callable[[int, int], None] | None = None,
    bench: Bench | None = None,
) -> FloatArray:
    """Out-of-fold margins of one configuration along every combinatorial path.

    Parameters
    ----------
    dataset : Dataset
        Rows without a label are forecast but train nothing.
    hyperparameters : Hyperparameters
        The configuration; all its rounds are grown, as no fold has validation rows.
    seed : int
        Fixes sampling: equal data, settings and seed give equal margins whatever `n_jobs`.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Folds trained at the same time.
    n_groups, n_test_groups : int
        Blocks of successive sessions, and how many of them a fold tests.
    progress : callable, optional
        Called with the folds done and their number, from the calling thread.
    bench : Bench, optional
        The features of `dataset`, prepared before for this kind of model.

    Returns
    -------
    array of shape (n_paths, n_rows)
        Log-odds; NaN where the fold that supplies the row held one class only. They serve
        selection: models of a path learn from sessions after those they forecast.

    Raises
    ------
    UnusableDataError
        If a column is empty, constant or infinite, or too few rows have a label.
    ValueError
        If there are fewer sessions than groups.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 163-167.
    """
    require_trainable(dataset)
    folds = tuple(
        combinatorial_purged(
            dataset.sessions,
            dataset.label_start,
            dataset.label_end,
            n_groups=n_groups,
            n_test_groups=n_test_groups,
            embargo=default_embargo(dataset.sessions, dataset.label_start, dataset.label_end),
        )
    )
    supplied = backtest_paths(n_groups=n_groups, n_test_groups=n_test_groups)
    group = _groups(dataset, n_groups)
    along = np.full((supplied.shape[1], dataset.n_rows), np.nan)
    prepared = bench or prepare(
        hyperparameters.family,
        dataset.features,
        max_bin=hyperparameters.max_bin,
        device=device,
        n_jobs=n_jobs,
    )
    forecast = partial(_forecast, dataset, prepared, hyperparameters, seed=seed)
    with ThreadPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        for number, (fold, given) in enumerate(zip(folds, pool.map(forecast, folds), strict=True)):
            for tested, path in np.argwhere(supplied == number):
                chosen = group[fold.test] == tested
                along[path, fold.test[chosen]] = given[chosen]
            if progress is not None:
                progress(number + 1, len(folds))
    return along


def _groups(dataset: Dataset, n_groups: int) -> Int64Array:
    """Block of sessions each row belongs to, counted as `combinatorial_purged` does."""
    days = np.unique(dataset.sessions)
    first = np.array([block[0] for block in np.array_split(days, n_groups)])
    return (np.searchsorted(first, dataset.sessions, side="right") - 1).astype(np.int64)


def _forecast(
    dataset: Dataset, bench: Bench, settings: Hyperparameters, fold: Fold, *, seed: int
) -> FloatArray:
    taught = lesson(dataset, fold.train, fold.validation)
    if taught is None:
        return np.full(fold.test.size, np.nan)
    return bench.fit(taught, settings, seed=seed).model.margins(dataset.features[fold.test])
