"""Score a configuration on purged folds; one set of matrices serves every trial."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from quant.models.dataset import (
    Dataset,
    Hyperparameters,
    UnusableDataError,
    require_trainable,
)
from quant.models.learners import Bench, Lesson, lesson, prepare
from quant.splits import Fold
from quant.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Score:
    """How a configuration did on rows it was not trained on.

    Attributes
    ----------
    log_loss, auc : float
        Weighted, over all tested rows; 0.693 and 0.5 are a coin's.
    sessions : int array of shape (n_sessions,)
        Session ordinals with a tested row.
    daily_returns : float64 array of shape (n_sessions,)
        Net excess return of the trial for the ledger of trials.
    n_rows : int
        Rows scored.
    """

    log_loss: float
    auc: float
    sessions: IntArray
    daily_returns: FloatArray
    n_rows: int


class CrossValidation:
    """Folds over rows prepared once per (features, kind of model, max_bin), used by each trial.

    Bins are cut from the features of all rows, those a fold tests among them; labels are not
    looked at. What is forecast so serves selection and probes: walk-forward windows prepare
    their own rows.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    folds : iterable of Fold
        From `quant.splits`; where `validation` is empty all rounds are grown.
    family : str
        Kind of model.
    max_bin : int
        Must equal that of the configurations scored.
    n_jobs : int
        Folds trained at the same time.
    device : str
        "cpu" or "cuda".
    bench : Bench, optional
        The same features, prepared before.
    """

    def __init__(
        self,
        dataset: Dataset,
        folds: Iterable[Fold],
        *,
        family: str = "xgboost",
        max_bin: int = 64,
        n_jobs: int = 2,
        device: str = "cpu",
        bench: Bench | None = None,
    ) -> None:
        require_trainable(dataset)
        self._dataset = dataset
        self._n_jobs = n_jobs
        told = ((fold, lesson(dataset, fold.train, fold.validation)) for fold in folds)
        self._lessons = [(fold, taught) for fold, taught in told if taught is not None]
        if not self._lessons:
            raise UnusableDataError("no fold has labelled rows of both classes to train on.")
        self._bench = bench or prepare(
            family, dataset.features, max_bin=max_bin, device=device, n_jobs=n_jobs
        )

    def score(
        self,
        hyperparameters: Hyperparameters,
        *,
        seed: int,
        cost_bps: float = 5.0,
    ) -> Score:
        """Train on every fold and score its tested rows.

        Parameters
        ----------
        hyperparameters : Hyperparameters
            The trial.
        seed : int
            Fixes sampling.
        cost_bps : float
            Cost of trading, in basis points of the value traded.

        Returns
        -------
        Score
            Rows tested more than once are scored by their mean margin.
        """
        margin = self.margins(hyperparameters, seed=seed)
        return score_of(self._dataset, margin, cost_bps=cost_bps)

    def margins(self, hyperparameters: Hyperparameters, *, seed: int) -> FloatArray:
        """Train on every fold and forecast its tested rows.

        Parameters
        ----------
        hyperparameters : Hyperparameters
            The trial.
        seed : int
            Fixes sampling: equal data, settings and seed give equal margins whatever `n_jobs`.

        Returns
        -------
        array of shape (n_rows,)
            Log-odds, the mean where a row was tested more than once; NaN where it never was.
        """
        total = np.zeros(self._dataset.n_rows)
        times = np.zeros(self._dataset.n_rows)
        fitted = partial(self._fitted, hyperparameters, seed)
        with ThreadPoolExecutor(max_workers=max(1, self._n_jobs)) as pool:
            for fold, given in pool.map(fitted, self._lessons):
                total[fold.test] += given
                times[fold.test] += 1.0
        margin: FloatArray = np.divide(
            total, times, out=np.full(total.size, np.nan), where=times > 0
        )
        return margin

    def _fitted(
        self, settings: Hyperparameters, seed: int, told: tuple[Fold, Lesson]
    ) -> tuple[Fold, FloatArray]:
        fold, taught = told
        model = self._bench.fit(taught, settings, seed=seed).model
        return fold, model.margins(self._dataset.features[fold.test])


def cross_validate(
    dataset: Dataset,
    hyperparameters: Hyperparameters,
    folds: Iterable[Fold],
    *,
    seed: int,
    device: str = "cpu",
    n_jobs: int = 2,
    cost_bps: float = 5.0,
) -> Score:
    """Score one configuration; use `CrossValidation` to score several on the same folds.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    hyperparameters : Hyperparameters
        The configuration.
    folds : iterable of Fold
        From `quant.splits`.
    seed : int
        Fixes sampling.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Threads.
    cost_bps : float
        Cost of trading, in basis points of the value traded.

    Returns
    -------
    Score
        Over all tested rows.

    Raises
    ------
    UnusableDataError
        If the data cannot train a model.
    """
    validation = CrossValidation(
        dataset,
        folds,
        family=hyperparameters.family,
        max_bin=hyperparameters.max_bin,
        n_jobs=n_jobs,
        device=device,
    )
    return validation.score(hyperparameters, seed=seed, cost_bps=cost_bps)


def score_of(dataset: Dataset, margin: FloatArray, *, cost_bps: float = 5.0) -> Score:
    """Score forecasts of rows they were not trained on.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    margin : array of shape (n_rows,)
        Log-odds; NaN where none was forecast.
    cost_bps : float
        Cost of trading, in basis points of the value traded.

    Returns
    -------
    Score
        Over the rows that have a forecast and a label.

    Raises
    ------
    UnusableDataError
        If these hold no two classes.
    """
    from sklearn.metrics import log_loss, roc_auc_score  # noqa: PLC0415  costs seconds

    rows = np.flatnonzero(np.isfinite(margin) & np.isfinite(dataset.labels))
    won = dataset.labels[rows] > 0.0
    if rows.size == 0 or won.all() or not won.any():
        raise UnusableDataError(f"{rows.size} tested rows hold no two classes to score.")
    weights = dataset.weights[rows]
    probability = 1.0 / (1.0 + np.exp(-margin[rows]))
    sessions, returns = _daily_returns(dataset, margin, cost_bps)
    return Score(
        log_loss=float(log_loss(won, probability, sample_weight=weights, labels=[False, True])),
        auc=float(roc_auc_score(won, margin[rows], sample_weight=weights)),
        sessions=sessions,
        daily_returns=returns,
        n_rows=int(rows.size),
    )


def _daily_returns(
    dataset: Dataset, margin: FloatArray, cost_bps: float
) -> tuple[IntArray, FloatArray]:
    """Excess return of holding, each session, the symbols favoured above the session's middle."""
    earned = dataset.daily_excess
    if earned is None:
        unit = 1.0 if dataset.scale is None else dataset.scale
        earned = dataset.labels * unit / dataset.horizon
    rows = np.flatnonzero(np.isfinite(margin) & np.isfinite(earned))
    sessions, place = np.unique(dataset.sessions[rows], return_inverse=True)
    symbols, column = np.unique(dataset.symbols[rows], return_inverse=True)
    side = np.zeros((sessions.size, symbols.size))
    side[place, column] = np.sign(margin[rows])
    held = side / np.maximum(np.abs(side).sum(axis=1, keepdims=True), 1.0)
    gain = np.zeros_like(held)
    gain[place, column] = earned[rows]
    traded = np.abs(np.diff(held, axis=0, prepend=0.0)).sum(axis=1)
    return sessions, (held * gain).sum(axis=1) - traded * cost_bps / 10_000.0
