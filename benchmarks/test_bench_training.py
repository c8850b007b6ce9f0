"""Trials of XGBoost on rows cut into bins once, beside a fresh DMatrix for every trial.

Both sides train the same folds with the same settings, stop early on the same rows, and forecast
the same tested rows, on one thread. Purged folds share one set of rows, as probes do; a desk's
search walks each trial forward through windows of four symbols, every one with rows of its own.
The clock counts the process's CPU seconds: a machine that others load lengthens the wall's alone.
The ratio of the two minima of a group is what to look at.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
import xgboost as xgb
from pytest_benchmark.fixture import BenchmarkFixture

from quant.models.crossval import CrossValidation
from quant.models.dataset import Dataset, Hyperparameters
from quant.models.trials import TRIAL_WINDOWS, WalkedTrials
from quant.splits import Fold, purged_k_fold, walk_forward
from quant.typing import Float64Array, Int64Array

N_FEATURES, HORIZON, SEED = 86, 5, 7
FOLDED, WALKED = (20, 500), (4, 2_500)  # symbols and sessions, 10,000 rows each
SETTINGS = Hyperparameters()


@cache
def market(n_symbols: int = FOLDED[0], n_sessions: int = FOLDED[1]) -> Dataset:
    """Rows with the faint signal of daily returns: early stopping ends growth, as it does there."""
    rng = np.random.default_rng(SEED)
    n = n_symbols * n_sessions
    features = rng.standard_normal((n, N_FEATURES)).astype(np.float32)
    sessions = np.repeat(np.arange(n_sessions), n_symbols)
    return Dataset(
        features=features,
        names=tuple(f"f{i}" for i in range(N_FEATURES)),
        sessions=sessions,
        symbols=np.tile(np.arange(n_symbols), n_sessions),
        labels=0.03 * features[:, :4].sum(axis=1) + rng.standard_normal(n),
        weights=np.ones(n),
        label_start=sessions + 1,
        label_end=sessions + 1 + HORIZON,
    )


@cache
def folds() -> tuple[Fold, ...]:
    """Five purged folds; a fifth of what each trains on says when to stop."""
    told = market()
    found = []
    for fold in purged_k_fold(told.sessions, told.label_start, told.label_end, n_folds=5):
        cut = fold.train.size - fold.train.size // 5
        found.append(Fold(fold.train[:cut], fold.train[cut:], fold.test))
    return tuple(found)


@cache
def windows() -> tuple[Fold, ...]:
    """The windows a trial of the search is walked forward through."""
    told = TRIAL_WINDOWS
    return tuple(
        walk_forward(
            market(*WALKED).sessions, train=told.train, validation=told.validation,
            test=told.test, step=told.step, horizon=HORIZON,
        )
    )  # fmt: skip


def ours() -> CrossValidation:
    """Cut the rows into bins."""
    return CrossValidation(market(), folds(), max_bin=SETTINGS.max_bin, n_jobs=1)


def walked() -> WalkedTrials:
    """Cut the rows of every window into bins."""
    return WalkedTrials(market(*WALKED), SETTINGS, n_jobs=1)


def plainly() -> Float64Array:
    """Forecast each fold's tested rows with xgboost alone, as its documentation has it."""
    return plainly_on(market(), folds())


def plainly_on(told: Dataset, folds: tuple[Fold, ...]) -> Float64Array:
    """Forecast the tested rows of any folds so."""
    margins = np.full(told.n_rows, np.nan)
    won = (told.labels > 0.0).astype(np.float64)

    def matrix(rows: Int64Array) -> xgb.DMatrix:
        return xgb.DMatrix(told.features[rows], won[rows], weight=told.weights[rows], nthread=1)

    for fold in folds:
        train = matrix(fold.train)
        booster = xgb.train(
            {
                "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist",
                "nthread": 1, "seed": SEED, "max_bin": SETTINGS.max_bin,
                "max_depth": SETTINGS.max_depth, "learning_rate": SETTINGS.learning_rate,
                "min_child_weight": SETTINGS.min_child_weight, "subsample": SETTINGS.subsample,
                "colsample_bynode": SETTINGS.feature_share, "reg_alpha": SETTINGS.l1,
                "reg_lambda": SETTINGS.l2,
            },
            train,
            num_boost_round=SETTINGS.n_rounds,
            evals=[(matrix(fold.validation), "checked")],
            early_stopping_rounds=SETTINGS.early_stopping_rounds,
            verbose_eval=False,
        )  # fmt: skip
        best = (0, booster.best_iteration + 1)
        margins[fold.test] = booster.predict(
            matrix(fold.test), output_margin=True, iteration_range=best
        )
    return margins


@pytest.mark.benchmark(group="first model", timer=time.process_time, min_rounds=2)
def test_bench_first_trial(benchmark: BenchmarkFixture) -> None:
    margins = benchmark(lambda: ours().margins(SETTINGS, seed=SEED))

    assert skill(margins) == pytest.approx(skill(reference()), abs=0.1)


@pytest.mark.benchmark(group="first model", timer=time.process_time, min_rounds=2)
def test_bench_first_trial_plainly(benchmark: BenchmarkFixture) -> None:
    assert skill(benchmark(plainly)) > 0.05


@pytest.mark.benchmark(group="later trial", timer=time.process_time, min_rounds=2)
def test_bench_later_trial(benchmark: BenchmarkFixture) -> None:
    validation = ours()
    validation.margins(SETTINGS, seed=SEED)

    margins = benchmark(lambda: validation.margins(SETTINGS, seed=SEED))

    assert skill(margins) == pytest.approx(skill(reference()), abs=0.1)


@pytest.mark.benchmark(group="later trial", timer=time.process_time, min_rounds=2)
def test_bench_later_trial_plainly(benchmark: BenchmarkFixture) -> None:
    assert skill(benchmark(plainly)) > 0.05


@pytest.mark.benchmark(group="first walked trial", timer=time.process_time, min_rounds=2)
def test_bench_first_walked_trial(benchmark: BenchmarkFixture) -> None:
    margins = benchmark(lambda: walked().margins(SETTINGS, seed=SEED))

    assert walked_skill(margins) == pytest.approx(walked_skill(walked_reference()), abs=0.1)


@pytest.mark.benchmark(group="first walked trial", timer=time.process_time, min_rounds=2)
def test_bench_first_walked_trial_plainly(benchmark: BenchmarkFixture) -> None:
    assert np.isfinite(benchmark(lambda: plainly_on(market(*WALKED), windows()))).any()


@pytest.mark.benchmark(group="later walked trial", timer=time.process_time, min_rounds=2)
def test_bench_later_walked_trial(benchmark: BenchmarkFixture) -> None:
    trials = walked()
    trials.margins(SETTINGS, seed=SEED)

    margins = benchmark(lambda: trials.margins(SETTINGS, seed=SEED))

    assert walked_skill(margins) == pytest.approx(walked_skill(walked_reference()), abs=0.1)


@pytest.mark.benchmark(group="later walked trial", timer=time.process_time, min_rounds=2)
def test_bench_later_walked_trial_plainly(benchmark: BenchmarkFixture) -> None:
    assert np.isfinite(benchmark(lambda: plainly_on(market(*WALKED), windows()))).any()


@cache
def reference() -> Float64Array:
    """What the plain way forecasts."""
    return plainly()


def skill(margins: Float64Array) -> float:
    """Correlation with what the labels were made of."""
    return float(np.corrcoef(margins, market().features[:, :4].sum(axis=1))[0, 1])


@cache
def walked_reference() -> Float64Array:
    """What the plain way forecasts of the windows."""
    return plainly_on(market(*WALKED), windows())


def walked_skill(margins: Float64Array) -> float:
    """As `skill`, of the rows a window tested."""
    tested = np.isfinite(margins)
    drawn = market(*WALKED).features[tested, :4].sum(axis=1)
    return float(np.corrcoef(margins[tested], drawn)[0, 1])
