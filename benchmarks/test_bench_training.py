"""Trials of XGBoost on rows cut into bins once, beside a fresh DMatrix for every trial.

Both sides train the same folds with the same settings, stop early on the same rows, and forecast
the same tested rows. Purged folds share one set of rows, as probes do; a desk's search walks each
trial forward through windows, every one with rows of its own: of the embedded sample, of four
symbols, or of five hundred.

With one thread the clock counts the process's CPU seconds, which a machine that others load
lengthens less than the wall's. With two, both sides use two cores as they come: xgboost each fit,
the desk two fits of one thread each; CPU seconds and those on the wall are told. The ratio of two
medians of a group is what to look at.

"Plainly" cuts features into as many bins as the desk does, so that nothing differs but the work;
"as it comes" leaves their number to xgboost, as one who writes a trial from its documentation does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Protocol

import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from pytest_benchmark.fixture import BenchmarkFixture

from adapters.market_data import sample
from quant.features import CORE, DAILY, DailyPanel, daily_features
from quant.models.crossval import CrossValidation
from quant.models.dataset import Dataset, Hyperparameters
from quant.models.trials import TRIAL_WINDOWS, WalkedTrials
from quant.samples import samples
from quant.splits import Fold, purged_k_fold
from quant.typing import Float64Array, FloatArray, Int64Array

N_FEATURES, HORIZON, SEED = 86, 5, 7
SETTINGS = Hyperparameters()
ITS_OWN_BINS = 256  # xgboost's default
SAMPLE_ENDS = date(2012, 7, 2)  # the session before the embedded desk's first
CLOCKS = [
    pytest.param(
        threads,
        id=told,
        marks=pytest.mark.benchmark(timer=timer, min_rounds=7, warmup=True, warmup_iterations=1),
    )
    for threads, timer, told in (
        (1, time.process_time, "one thread, CPU"),
        (2, time.process_time, "two cores, CPU"),
        (2, time.perf_counter, "two cores, wall"),
    )
]


class Trials(Protocol):
    """Folds prepared for many trials."""

    def margins(self, settings: Hyperparameters, *, seed: int) -> FloatArray: ...


@dataclass(frozen=True)
class Case:
    """Rows, how folds are cut of them, and whether their first four features tell of the labels."""

    market: Callable[[], Dataset]
    walked: bool = True
    planted: bool = True

    def folds(self) -> tuple[Fold, ...]:
        """Windows a trial of the search is walked forward through, or purged folds."""
        return _folds(self)

    def ours(self, n_jobs: int) -> Trials:
        """Cut the rows into bins."""
        if self.walked:
            return WalkedTrials(self.market(), SETTINGS, n_jobs=n_jobs)
        folds = self.folds()
        return CrossValidation(self.market(), folds, max_bin=SETTINGS.max_bin, n_jobs=n_jobs)


@cache
def _made_up(n_symbols: int, n_sessions: int, signal: float) -> Dataset:
    """Rows of four features that tell, each by so many standard deviations of the label's noise."""
    rng = np.random.default_rng(SEED)
    n = n_symbols * n_sessions
    features = rng.standard_normal((n, N_FEATURES)).astype(np.float32)
    sessions = np.repeat(np.arange(n_sessions), n_symbols)
    return Dataset(
        features=features,
        names=tuple(f"f{i}" for i in range(N_FEATURES)),
        sessions=sessions,
        symbols=np.tile(np.arange(n_symbols), n_sessions),
        labels=signal * features[:, :4].sum(axis=1) + rng.standard_normal(n),
        weights=np.ones(n),
        label_start=sessions + 1,
        label_end=sessions + 1 + HORIZON,
    )


@cache
def _sample() -> Dataset:
    """What the embedded desk learns from on its first day."""
    bars = sample.stocks().filter(pl.col("session") <= SAMPLE_ENDS)
    ratios = sample.actions(bars).filter(kind="split").select("symbol", "session", "ratio")
    rows = bars.join(ratios, on=["symbol", "session"], how="left").with_columns(
        split=pl.col("ratio").fill_null(1.0).cum_prod().over("symbol"),
        total=pl.col("sample_adjusted") / pl.col("close"),
    ).with_columns(pl.col("total") / pl.col("total").first().over("symbol"))  # fmt: skip
    index = sample.index_bars().filter(pl.col("session") <= SAMPLE_ENDS)
    counts = rows.group_by("symbol", maintain_order=True).len()
    panel = DailyPanel(
        symbols=tuple(counts["symbol"]),
        offsets=np.concatenate([[0], np.cumsum(counts["len"].to_numpy())]).astype(np.int64),
        sessions=rows["session"].to_physical().to_numpy(),
        split_factor=rows["split"].to_numpy(),
        return_factor=rows["total"].to_numpy(),
        index_sessions=index["session"].to_physical().to_numpy(),
        index_close=index["close"].to_numpy(),
        **{
            name: rows[name].cast(pl.Float64).to_numpy()
            for name in ("open", "high", "low", "close", "volume")
        },
    )
    features = daily_features(panel)[:, [DAILY.names.index(name) for name in CORE.names]]
    return samples(
        panel, np.ascontiguousarray(features), CORE.names, index["open"].to_numpy(),
        horizon=HORIZON, minimum_history=252,
    )  # fmt: skip


# The faint signal of daily returns: early stopping ends growth, as it does there. Of 500 symbols
# that signal is plain, and its trees are worth growing for sixty rounds; a fainter one is not.
CASES = {
    "purged folds of 20 symbols": Case(partial(_made_up, 20, 500, 0.03), walked=False),
    "windows of the sample": Case(_sample, planted=False),
    "windows of 4 symbols": Case(partial(_made_up, 4, 2_500, 0.03)),
    "windows of 500 symbols": Case(partial(_made_up, 500, 567, 0.03)),
    "windows of 500 symbols, fainter": Case(partial(_made_up, 500, 567, 0.01)),
}


@cache
def _folds(case: Case) -> tuple[Fold, ...]:
    return _windows(case.market()) if case.walked else _purged(case.market())


def _windows(told: Dataset) -> tuple[Fold, ...]:
    """The labelled rows of each window that has some."""
    cut = (
        Fold(told.labelled(one.train), told.labelled(one.validation), one.test)
        for one in TRIAL_WINDOWS.of(told)
    )
    return tuple(one for one in cut if one.train.size and one.validation.size)


def _purged(told: Dataset) -> tuple[Fold, ...]:
    """Five purged folds; a fifth of what each trains on says when to stop."""
    found = []
    for fold in purged_k_fold(told.sessions, told.label_start, told.label_end, n_folds=5):
        cut = fold.train.size - fold.train.size // 5
        found.append(Fold(fold.train[:cut], fold.train[cut:], fold.test))
    return tuple(found)


def plainly(case: Case, threads: int, max_bin: int = SETTINGS.max_bin) -> Float64Array:
    """Forecast each fold's tested rows with xgboost alone, as its documentation has it."""
    told = case.market()
    margins = np.full(told.n_rows, np.nan)
    won = (told.labels > 0.0).astype(np.float64)

    def matrix(rows: Int64Array) -> xgb.DMatrix:
        return xgb.DMatrix(
            told.features[rows], won[rows], weight=told.weights[rows], nthread=threads
        )

    for fold in case.folds():
        train = matrix(fold.train)
        booster = xgb.train(
            {
                "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist",
                "nthread": threads, "seed": SEED, "max_bin": max_bin,
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


def first(case: Case, threads: int) -> FloatArray:
    """Cut bins and score one trial."""
    return case.ours(threads).margins(SETTINGS, seed=SEED)


def later(case: Case, threads: int) -> Callable[[], FloatArray]:
    """Score a trial on bins cut before."""
    trials = case.ours(threads)
    trials.margins(SETTINGS, seed=SEED)
    return lambda: trials.margins(SETTINGS, seed=SEED)


@pytest.mark.parametrize("side", ["first trial", "later trial", "plainly", "as it comes"])
@pytest.mark.parametrize("threads", CLOCKS)
@pytest.mark.parametrize("name", CASES)
def test_bench_trials(
    benchmark: BenchmarkFixture, request: pytest.FixtureRequest, name: str, threads: int, side: str
) -> None:
    case = CASES[name]
    benchmark.group = request.node.callspec.id.removesuffix(f"-{side}")
    sides: dict[str, Callable[[], Callable[[], FloatArray]]] = {
        "first trial": lambda: lambda: first(case, threads),
        "later trial": lambda: later(case, threads),
        "plainly": lambda: lambda: plainly(case, threads),
        "as it comes": lambda: lambda: plainly(case, threads, ITS_OWN_BINS),
    }

    margins = benchmark(sides[side]())

    assert skill(case, margins) == pytest.approx(skill(case, _reference(case)), abs=0.1)


@cache
def _reference(case: Case) -> Float64Array:
    return plainly(case, 1)


def skill(case: Case, margins: FloatArray) -> float:
    """Correlation with what the labels were made of, or with them, over the rows tested."""
    told = case.market()
    truth = told.features[:, :4].sum(axis=1) if case.planted else told.labels
    tested = np.isfinite(margins) & np.isfinite(truth)
    return float(np.corrcoef(margins[tested], truth[tested])[0, 1])
