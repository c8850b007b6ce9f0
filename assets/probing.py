"""The probes for leakage that a training run puts itself to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from assets.desk_time import decision_time
from assets.features import computed_rows
from config.universe import Universe
from quant.backtest import backtest
from quant.features import CORE, DAILY
from quant.models import CrossValidation, Dataset, Hyperparameters
from quant.models.learners import Bench, prepare
from quant.probes import (
    Finding,
    Rows,
    future_features,
    lagged_features,
    last_bar_removed,
    matured_before_use,
    measurable,
    overlapping_labels,
    overnight_gain,
    served_difference,
    shuffled_label,
)
from quant.splits import combinatorial_purged, default_embargo, purged_k_fold, walk_forward
from quant.typing import FloatArray
from warehouse import Warehouse, features

# Each skill probe fits every fold twice or more: three folds tell a leak as well as ten do.
_FOLDS = 3


def findings(
    dataset: Dataset,
    settings: Hyperparameters,
    *,
    n_rounds: int,
    seed: int,
    device: str,
    bench: Bench | None = None,
) -> tuple[Finding, ...]:
    """What the probes say of a configuration; none where history is too short for all of them.

    `bench` holds the features of `dataset`, where they were prepared before.
    """
    rows = Rows(dataset.sessions, dataset.symbols, dataset.horizon)
    if not measurable(dataset.labels, rows):
        return ()
    grown = replace(settings, n_rounds=max(1, n_rounds))
    folds = tuple(
        purged_k_fold(
            dataset.sessions,
            dataset.label_start,
            dataset.label_end,
            n_folds=_FOLDS,
            embargo=default_embargo(dataset.sessions, dataset.label_start, dataset.label_end),
        )
    )

    prepared = bench or _prepared(dataset.features, grown, device)

    def forecast(values: FloatArray, labels: FloatArray) -> FloatArray:
        altered = replace(dataset, features=values, labels=labels, part=True)
        # Most probes alter labels alone.
        same = values is dataset.features
        rows = prepared if same else _prepared(values, grown, device)
        return CrossValidation(altered, folds, bench=rows).margins(grown, seed=seed)

    asked = (forecast, dataset.features, dataset.labels, rows)
    return (
        shuffled_label(*asked, rng=np.random.default_rng(seed)),
        lagged_features(*asked),
        future_features(*asked),
        last_bar_removed(*asked),
        *_of_splits(dataset),
        overnight_gain(_traded),
    )


def _prepared(values: FloatArray, settings: Hyperparameters, device: str) -> Bench:
    return prepare(settings.family, values, max_bin=settings.max_bin, device=device, n_jobs=2)


def train_and_serve(
    warehouse: Warehouse,
    universe: Universe,
    sessions: Sequence[date],
    *,
    trained_to: date,
    names: tuple[str, ...] = CORE.names,
) -> Finding | None:
    """Compare what the model learns from with what is served from data cut at each session.

    Of the features `names`. None where no features are stored for any of the sessions.
    """
    stored, served = [], []
    for session in sessions:
        with warehouse.reader() as conn:
            rows, values = features.matrix(
                conn, DAILY.version, universe.names, session, session,
                as_of=decision_time(trained_to),
            )  # fmt: skip
        if rows.is_empty():
            continue
        told = computed_rows(warehouse, universe, [session])
        stored.append(values)
        served.append(_in_order(told, rows))
    if not stored:
        return None
    columns = [DAILY.names.index(name) for name in names]
    return served_difference(
        np.concatenate(stored)[:, columns], np.concatenate(served)[:, columns], names
    )


def _in_order(told: pl.DataFrame, rows: pl.DataFrame) -> FloatArray:
    """Values of the symbols of `rows`; NaN for one that is not served."""
    by_symbol = dict(told.select("symbol", "values").iter_rows())
    absent = [float("nan")] * len(DAILY)
    return np.array([by_symbol.get(symbol, absent) for symbol in rows["symbol"]], dtype=np.float32)


def _of_splits(dataset: Dataset) -> tuple[Finding, Finding]:
    """Whether any fold is fitted to what it is tested on, and any window to its future."""
    start, end = dataset.label_start, dataset.label_end
    walked = tuple(walk_forward(dataset.sessions, horizon=dataset.horizon))
    folds = (
        *walked,
        *purged_k_fold(dataset.sessions, start, end, n_folds=5),
        *combinatorial_purged(dataset.sessions, start, end),
    )
    used = [(np.concatenate((fold.train, fold.validation)), fold.test) for fold in walked]
    return (
        overlapping_labels(folds, start, end),
        matured_before_use(used, dataset.sessions, end),
    )


def _traded(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    return backtest(opens, closes, np.full(opens.shape, 1e9), weights).returns
