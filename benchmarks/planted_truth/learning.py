"""A search over ideas and its walk-forward, on the desk's own folds and calibration."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import optuna

from benchmarks.planted_truth.calibrating import calibrated
from benchmarks.planted_truth.lines import Lines, Sums, fitted, lines_of, products
from benchmarks.planted_truth.samples import NAMES
from benchmarks.planted_truth.trading import Trading
from quant.models import Dataset
from quant.models.trials import TRIAL_WINDOWS
from quant.models.walkforward import MIN_EFFECTIVE_HISTORY, Windows
from quant.splits import (
    Fold,
    backtest_paths,
    combinatorial_purged,
    default_embargo,
    purged_k_fold,
)
from quant.typing import Float64Array, FloatArray

# As a training run of the desk has them.
_FOLDS, _PROBED_FOLDS, _GROUPS, _TESTED, _COST_BPS = 5, 3, 10, 2, 5.0
_WINDOWS = Windows()


@dataclass(frozen=True)
class Trials:
    """What a search scored; one column for each configuration."""

    scores: Float64Array  # (n_trials,) log loss
    gross: Float64Array  # (n_days, n_trials) active returns before costs
    net: Float64Array


class Learner:
    """Everything learnt from one dataset."""

    def __init__(self, dataset: Dataset, trading: Trading) -> None:
        self.dataset = dataset
        self._trading = trading
        self._sums = Sums.of(dataset)
        self._labelled = np.isfinite(dataset.labels)
        self._won = (dataset.labels > 0.0).astype(np.float64)
        self._features = dataset.features.astype(np.float64)

    def ideas(self) -> Trials:
        """Every feature by itself, walked forward in the windows of a search."""
        return self._trials(self._margins(self._searched))

    def folded_ideas(self) -> tuple[Float64Array, Float64Array]:
        """Returns of every feature by purged folds, before costs and net, by the sign alone."""
        margins = self._margins(tuple(folds_of(self.dataset, _FOLDS)))
        told = [daily_returns(self.dataset, margin) for margin in margins.T]
        gross, net = (np.column_stack(column) for column in zip(*told, strict=True))
        return gross, net

    def settings(self, *, seed: int, n_trials: int) -> Trials:
        """One line through all features, its penalties tuned as the desk tunes a model."""
        sums = [products(self.dataset, fold) for fold in self._searched]
        told = np.array([name == "signal" or name.startswith("decoy") for name in NAMES])
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True, n_startup_trials=6
            )
        )
        margins = []
        for _ in range(n_trials):
            trial = study.ask()
            drawn = [trial.suggest_float(n, 1.0, 10_000.0, log=True) for n in ("prices", "told")]
            penalties = np.where(told, drawn[1], drawn[0])
            margin = np.full(self.dataset.n_rows, np.nan)
            for fold, of_fold in zip(self._searched, sums, strict=True):
                weights, level = fitted(of_fold, penalties)
                margin[fold.test] = self._features[fold.test] @ weights + level
            margins.append(margin)
            study.tell(trial, self._losses(margin[:, None])[0])
        return self._trials(np.column_stack(margins))

    def walked(self) -> tuple[Float64Array, Float64Array]:
        """Calibrated probability and log-odds of each row by earlier sessions only."""
        probability, margin = (np.full(self.dataset.n_rows, np.nan) for _ in range(2))
        idea = 0
        for number, (fold, line) in enumerate(self._walked_lines):
            if number % _WINDOWS.rechoose_every == 0:
                idea = self._chosen(int(self.dataset.sessions[fold.test[0]]))
            margin[fold.test] = line.margin(self._features[fold.test], idea)
            checked = line.margin(self._features[fold.validation], idea)
            probability[fold.test] = self._calibrated(fold, margin, checked)
        return probability, margin

    def paths(self, idea: int) -> Float64Array:
        """Log-odds (n_paths, n_rows) along the combinatorial paths."""
        data = self.dataset
        supplied = backtest_paths(n_groups=_GROUPS, n_test_groups=_TESTED)
        days = np.unique(data.sessions)
        first = np.array([block[0] for block in np.array_split(days, _GROUPS)])
        group = np.searchsorted(first, data.sessions, side="right") - 1
        along = np.full((supplied.shape[1], data.n_rows), np.nan)
        for number, fold in enumerate(combinatorial(data)):
            given = self._lines(fold).margin(self._features[fold.test], idea)
            for tested, path in np.argwhere(supplied == number):
                chosen = group[fold.test] == tested
                along[path, fold.test[chosen]] = given[chosen]
        return along

    @cached_property
    def _searched(self) -> tuple[Fold, ...]:
        return tuple(windows(self.dataset, TRIAL_WINDOWS))

    @cached_property
    def _walked_lines(self) -> list[tuple[Fold, Lines]]:
        return [(fold, self._lines(fold)) for fold in windows(self.dataset)]

    def _lines(self, fold: Fold) -> Lines:
        return self._sums.lines(np.unique(self.dataset.sessions[fold.train]))

    def _margins(self, folds: tuple[Fold, ...]) -> Float64Array:
        margins = np.full(self._features.shape, np.nan)
        for fold in folds:
            margins[fold.test] = self._lines(fold).margins(self._features[fold.test])
        return margins

    def _losses(self, margins: Float64Array) -> Float64Array:
        """Weighted log loss of each column over the rows forecast that have an outcome."""
        known = np.flatnonzero(self._labelled & np.isfinite(margins[:, 0]))
        given = margins[known]
        lost = np.logaddexp(0.0, given) - self._won[known, None] * given
        weights = self.dataset.weights[known]
        losses: Float64Array = weights @ lost / weights.sum()
        return losses

    def _trials(self, margins: Float64Array) -> Trials:
        told = [self._trading.traded(margin) for margin in margins.T]
        gross, net = (np.column_stack(column) for column in zip(*told, strict=True))
        return Trials(self._losses(margins), gross, net)

    def _chosen(self, first: int) -> int:
        """The idea with the least log loss on purged folds of what had matured before."""
        data = self.dataset
        matured = np.flatnonzero(self._labelled & (data.label_end <= first)).astype(np.int64)
        margins = np.full((matured.size, self._features.shape[1]), np.nan)
        for fold in folds_of(data.take(matured), _FOLDS):
            line = self._sums.lines(np.unique(data.sessions[matured[fold.train]]))
            margins[fold.test] = line.margins(self._features[matured[fold.test]])
        lost = np.logaddexp(0.0, margins) - self._won[matured, None] * margins
        return int(np.argmin(data.weights[matured] @ lost))

    def _calibrated(self, fold: Fold, said: Float64Array, checked: Float64Array) -> Float64Array:
        """What margins meant in earlier windows, as far as known at this one's start."""
        data = self.dataset
        first = int(data.sessions[fold.test].min())
        rows = np.flatnonzero(np.isfinite(said) & self._labelled & (data.label_end <= first))
        margin = said[rows]
        if data.weights[rows].sum() < MIN_EFFECTIVE_HISTORY:
            known = self._labelled[fold.validation]
            rows, margin = fold.validation[known], checked[known]
        return calibrated(
            said[fold.test], margin=margin, won=self._won[rows], weights=data.weights[rows]
        )


@dataclass(frozen=True)
class Procedure:
    """The whole procedure as the probes ask for it: the mean of all lines, fitted fold by fold."""

    dataset: Dataset
    folds: tuple[Fold, ...]

    def __call__(self, features: FloatArray, labels: FloatArray) -> FloatArray:
        altered = replace(self.dataset, features=features, labels=labels)
        given = np.full(labels.shape, np.nan)
        for fold, lines in zip(self.folds, lines_of(altered, self.folds), strict=True):
            given[fold.test] = features[fold.test] @ lines.slopes
        return given


def probed_folds(dataset: Dataset) -> tuple[Fold, ...]:
    """Folds the skill probes fit."""
    return tuple(folds_of(dataset, _PROBED_FOLDS))


def folds_of(dataset: Dataset, n_folds: int) -> Iterable[Fold]:
    """Purged folds with the desk's embargo."""
    start, end = dataset.label_start, dataset.label_end
    embargo = default_embargo(dataset.sessions, start, end)
    return purged_k_fold(dataset.sessions, start, end, n_folds=n_folds, embargo=embargo)


def windows(dataset: Dataset, lengths: Windows = _WINDOWS) -> Iterable[Fold]:
    """The desk's walk-forward windows: those of the record judged, unless told otherwise."""
    return lengths.of(dataset)


def combinatorial(dataset: Dataset) -> Iterable[Fold]:
    """The desk's combinatorial folds."""
    start, end = dataset.label_start, dataset.label_end
    embargo = default_embargo(dataset.sessions, start, end)
    return combinatorial_purged(
        dataset.sessions, start, end, n_groups=_GROUPS, n_test_groups=_TESTED, embargo=embargo
    )


def daily_returns(dataset: Dataset, margin: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Return per session, gross and net, as the desk's cross-validation reckons it.

    Equal stakes on every symbol favoured above the middle and against every other.
    """
    excess = dataset.daily_excess
    if excess is None:
        raise ValueError("a trial's daily returns need the excess return of each day.")
    known = np.isfinite(margin) & np.isfinite(excess)
    days, place = np.unique(dataset.sessions[known], return_inverse=True)
    side = np.zeros((days.size, int(dataset.symbols.max()) + 1))
    gain = np.zeros_like(side)
    where = (place, dataset.symbols[known])
    side[where], gain[where] = np.sign(margin[known]), excess[known]
    held = side / np.maximum(np.abs(side).sum(axis=1, keepdims=True), 1.0)
    gross: Float64Array = (held * gain).sum(axis=1)
    traded = np.abs(np.diff(held, axis=0, prepend=0.0)).sum(axis=1)
    return gross, gross - traded * _COST_BPS / 10_000.0
