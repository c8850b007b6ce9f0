"""Trials of XGBoost on rows cut into bins once, beside a fresh DMatrix for every trial.

Both sides train the same folds with the same settings, stop early on the same rows, and forecast
the same tested rows, on one thread. The clock counts the process's CPU seconds: a machine that
others load lengthens the wall's alone. The ratio of the two minima of a group is what to look at.
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
from quant.splits import Fold, purged_k_fold
from quant.typing import Float64Array, Int64Array

N_SYMBOLS, N_SESSIONS, N_FEATURES, HORIZON, SEED = 20, 500, 86, 5, 7
SETTINGS = Hyperparameters()


@cache
def market() -> Dataset:
    """Rows with the faint signal of daily returns: early stopping ends growth, as it does there."""
    rng = np.random.default_rng(SEED)
    n = N_SYMBOLS * N_SESSIONS
    features = rng.standard_normal((n, N_FEATURES)).astype(np.float32)
    sessions = np.repeat(np.arange(N_SESSIONS), N_SYMBOLS)
    return Dataset(
        features=features,
        names=tuple(f"f{i}" for i in range(N_FEATURES)),
        sessions=sessions,
        symbols=np.tile(np.arange(N_SYMBOLS), N_SESSIONS),
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


def ours() -> CrossValidation:
    """Cut the rows into bins."""
    return CrossValidation(market(), folds(), max_bin=SETTINGS.max_bin, n_jobs=1)


def plainly() -> Float64Array:
    """Forecast each fold's tested rows with xgboost alone, as its documentation has it."""
    told, margins = market(), np.full(market().n_rows, np.nan)
    won = (told.labels > 0.0).astype(np.float64)

    def matrix(rows: Int64Array) -> xgb.DMatrix:
        return xgb.DMatrix(told.features[rows], won[rows], weight=told.weights[rows], nthread=1)

    for fold in folds():
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


@cache
def reference() -> Float64Array:
    """What the plain way forecasts."""
    return plainly()


def skill(margins: Float64Array) -> float:
    """Correlation with what the labels were made of."""
    return float(np.corrcoef(margins, market().features[:, :4].sum(axis=1))[0, 1])
