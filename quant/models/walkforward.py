"""Predictions for the past that use, for each test window, earlier sessions only."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from quant.models.conformal import adapted_miss_rate, missed_by_session
from quant.models.dataset import (
    Dataset,
    Hyperparameters,
    UnusableDataError,
    candidates,
    require_trainable,
)
from quant.models.ensemble import parts_of, pooled, skill_weights
from quant.models.learners import Fit, lesson, prepare
from quant.models.outlook import Outlook, fit_outlook
from quant.splits import Fold, walk_forward
from quant.typing import FloatArray, Int32Array, Int64Array

# Until this many effective outcomes of earlier windows have matured, a window is calibrated on
# its own validation rows.
MIN_EFFECTIVE_HISTORY = 100.0

# Tried by the default search, on earlier rows only.
CANDIDATES = candidates("xgboost")

Chooser = Callable[[Dataset], Hyperparameters]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Windows:
    """Lengths of the walk-forward windows in sessions, and how often settings are re-chosen."""

    train: int = 252
    validation: int = 63
    test: int = 21
    step: int = 21
    anchored: bool = False
    rechoose_every: int = 12

    def of(self, dataset: Dataset) -> tuple[Fold, ...]:
        """Windows of a dataset, as `quant.splits.walk_forward` cuts them."""
        return tuple(
            walk_forward(
                dataset.sessions,
                dataset.label_end,
                train=self.train,
                validation=self.validation,
                test=self.test,
                step=self.step,
                anchored=self.anchored,
            )
        )


@dataclass(frozen=True)
class Predictions:
    """Walk-forward forecasts, one entry per row of the dataset; NaN where none was made.

    ``window`` counts the test windows from 0 and is -1 where no forecast was made;
    ``settings`` holds the hyper-parameters of each window (None where it could not train).
    ``parts`` are the margins of each member, of shape (n_members, n_rows); one of a single model.
    """

    probability: FloatArray
    expected_return: FloatArray
    low: FloatArray
    high: FloatArray
    margin: FloatArray
    window: Int32Array
    settings: tuple[Hyperparameters | None, ...]
    parts: FloatArray | None = None

    @property
    def rows(self) -> Int64Array:
        """Rows that have a forecast."""
        return np.flatnonzero(self.window >= 0).astype(np.int64)

    @property
    def configurations(self) -> tuple[dict[str, float], ...]:
        """The distinct settings used, for the ledger of trials."""
        return tuple(asdict(used) for used in dict.fromkeys(self.settings) if used is not None)


def walk_forward_predictions(
    dataset: Dataset,
    hyperparameters: Hyperparameters | Chooser | None = None,
    *,
    seed: int,
    device: str = "cpu",
    n_jobs: int = 2,
    windows: Windows | None = None,
    progress: Progress | None = None,
) -> Predictions:
    """Train, calibrate and forecast window by window.

    Parameters
    ----------
    dataset : Dataset
        Rows without a label are forecast but train nothing.
    hyperparameters : Hyperparameters or callable, optional
        One configuration for all windows, or a callable that is given the rows whose labels
        had matured before a window and returns one; by default `small_search`.
    seed : int
        Fixes sampling: equal data, settings and seed give equal forecasts whatever `n_jobs`.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Windows trained at the same time.
    windows : Windows, optional
        Lengths of the windows.
    progress : callable, optional
        Called with the windows done and their number, from the calling thread.

    Returns
    -------
    Predictions
        One entry per row of the dataset.

    Raises
    ------
    UnusableDataError
        If a column is empty, constant or infinite, or no window can train.
    ValueError
        If there are too few sessions for one window.
    """
    require_trainable(dataset)
    windows = windows or Windows()
    choose = hyperparameters or partial(small_search, seed=seed, device=device)
    folds = windows.of(dataset)
    n_choices = range(0, len(folds), windows.rechoose_every)
    trained: list[_Trained | None] = []
    with ThreadPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        if isinstance(choose, Hyperparameters):
            chosen = [choose for _ in n_choices]
        else:
            earlier = (_matured_before(dataset, folds[first]) for first in n_choices)
            chosen = list(pool.map(choose, earlier))
        settings = [chosen[i // windows.rechoose_every] for i in range(len(folds))]
        train = partial(_train, dataset, seed=seed, device=device)
        for one in pool.map(train, folds, settings):
            trained.append(one)
            if progress is not None:
                progress(len(trained), len(folds))
    if not any(trained):
        raise UnusableDataError(
            f"none of {len(folds)} walk-forward windows could train: every one has too few "
            "labelled rows or labels of one class only. Load more history."
        )
    return _forecasts(dataset, folds, trained)


def small_search(
    earlier: Dataset, *, seed: int, device: str = "cpu", family: str = "xgboost"
) -> Hyperparameters:
    """The candidate with the least log loss on the last quarter of earlier sessions.

    Parameters
    ----------
    earlier : Dataset
        Rows whose labels have matured.
    seed : int
        Fixes sampling.
    device : str
        "cpu" or "cuda".
    family : str
        Kind of model.

    Returns
    -------
    Hyperparameters
        One of its `candidates`; the first where the rows cannot tell.
    """
    choices = candidates(family)
    if earlier.n_rows == 0:
        return choices[0]
    days = np.unique(earlier.sessions)[-504:]
    border = days[int(0.75 * days.size)]
    train = np.flatnonzero((earlier.sessions >= days[0]) & (earlier.label_end <= border))
    checked = np.flatnonzero(earlier.sessions >= border)
    fit = window_fits(earlier, train, checked, choices[0], device=device)
    if fit is None:
        return choices[0]
    return choices[int(np.argmin([fit(choice, seed=seed).loss for choice in choices]))]


def window_fits(
    dataset: Dataset,
    train: Int64Array,
    checked: Int64Array,
    settings: Hyperparameters,
    *,
    device: str,
) -> Callable[..., Fit] | None:
    """Prepare the labelled rows of a training window and of the validation window that ends it.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    train, checked : int arrays
        Rows of the two windows. Nothing else is looked at, not even to cut bins.
    settings : Hyperparameters
        Kind of model and number of bins.
    device : str
        "cpu" or "cuda".

    Returns
    -------
    callable or None
        Fits settings of that kind, given them and a `seed`. None where either window is empty or
        the first holds one class only.
    """
    learnt = dataset.labelled(train)
    taught = lesson(dataset, train, checked)
    if taught is None or taught.checked is None:
        return None
    bench = prepare(
        settings.family, dataset.features[learnt], max_bin=settings.max_bin, device=device
    )
    return partial(bench.fit, taught.take(learnt))


@dataclass(frozen=True)
class _Trained:
    settings: Hyperparameters
    checked: Int64Array
    checked_parts: FloatArray  # (n_members, n_rows): one row for a single model
    tested_parts: FloatArray


def _matured_before(dataset: Dataset, fold: Fold) -> Dataset:
    first = dataset.sessions[fold.test].min()
    return dataset.take(
        dataset.labelled(np.flatnonzero(dataset.label_end <= first).astype(np.int64))
    )


def _train(
    dataset: Dataset, fold: Fold, settings: Hyperparameters, *, seed: int, device: str
) -> _Trained | None:
    fits = window_fits(dataset, fold.train, fold.validation, settings, device=device)
    if fits is None:
        return None
    fit = fits(settings, seed=seed)
    checked = dataset.labelled(fold.validation)
    return _Trained(
        settings=settings,
        checked=checked,
        checked_parts=parts_of(fit.model, dataset.features[checked]),
        tested_parts=parts_of(fit.model, dataset.features[fold.test]),
    )


def _forecasts(
    dataset: Dataset, folds: tuple[Fold, ...], trained: list[_Trained | None]
) -> Predictions:
    filled = {
        name: np.full(dataset.n_rows, np.nan)
        for name in ("probability", "expected_return", "low", "high", "margin")
    }
    window = np.full(dataset.n_rows, -1, dtype=np.int32)
    n_members = max(len(model.tested_parts) for model in trained if model is not None)
    parts = np.full((n_members, dataset.n_rows), np.nan)
    for index, (fold, model) in enumerate(zip(folds, trained, strict=True)):
        if model is None:
            continue
        matured = _matured(dataset, fold, filled["margin"])
        weights = matured_skill(dataset, parts, matured)
        outlook = _outlook(
            dataset, matured, pooled(weights, model.checked_parts), model.checked, filled
        )
        scale = None if dataset.scale is None else dataset.scale[fold.test]
        forecast = outlook.forecast(pooled(weights, model.tested_parts), scale=scale)
        parts[:, fold.test] = model.tested_parts
        for name, values in filled.items():
            values[fold.test] = getattr(forecast, name)
        window[fold.test] = index
    return Predictions(
        **filled,
        window=window,
        settings=tuple(None if model is None else model.settings for model in trained),
        parts=parts,
    )


def matured_skill(dataset: Dataset, parts: FloatArray, rows: Int64Array) -> FloatArray:
    """Weights of an ensemble's members from the outcomes of `rows`; 1 of a single model.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    parts : array of shape (n_members, n_rows)
        Margins walked forward.
    rows : int array
        Those with a forecast whose label had matured when the weights are used.
    """
    return skill_weights(parts[:, rows], dataset.labels[rows] > 0.0, dataset.weights[rows])


def _matured(dataset: Dataset, fold: Fold, margin: FloatArray) -> Int64Array:
    """Rows forecast in earlier windows whose labels were known at this one's start."""
    first = dataset.sessions[fold.test].min()
    rows = np.flatnonzero(np.isfinite(margin) & (dataset.label_end <= first))
    return dataset.labelled(rows.astype(np.int64))


def _outlook(
    dataset: Dataset,
    rows: Int64Array,
    checked_margin: FloatArray,
    checked: Int64Array,
    filled: Mapping[str, FloatArray],
) -> Outlook:
    """What margins meant in earlier windows, as far as it was known at this one's start."""
    miss = miss_rate(dataset, rows, filled["low"], filled["high"])
    margin = filled["margin"][rows]
    if dataset.weights[rows].sum() < MIN_EFFECTIVE_HISTORY:
        rows, margin = checked, checked_margin
    return fit_outlook(margin, dataset.labels[rows], dataset.weights[rows], miss=miss)


def miss_rate(dataset: Dataset, rows: Int64Array, low: FloatArray, high: FloatArray) -> float:
    """What the next range is built to miss, from how the ranges of matured rows did.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    rows : int array
        Those with a range whose label has matured.
    low, high : arrays of shape (n_rows,)
        The ranges stated, as returns.
    """
    unit = 1.0 if dataset.scale is None else dataset.scale[rows]
    outcome = dataset.labels[rows] * unit
    missed = missed_by_session(low[rows], high[rows], outcome, dataset.label_end[rows])
    return adapted_miss_rate(missed)
