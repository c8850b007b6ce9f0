"""Trials walked forward know nothing of later sessions, and share one calendar."""

from dataclasses import replace

import numpy as np
import pytest

from quant.labels import average_uniqueness, forward_excess
from quant.models import Dataset, Hyperparameters, UnusableDataError, Windows
from quant.models.trials import WalkedTrials

WINDOWS = Windows(train=120, validation=40, test=60, step=60)
FIRST = 160  # the first session a window can test
SETTINGS = tuple(Hyperparameters(n_rounds=20, max_depth=depth) for depth in (1, 2))


def dataset(n_sessions: int = 400, n_symbols: int = 3) -> Dataset:
    """Random walks whose return after next depends on the first feature."""
    rng = np.random.default_rng(5)
    n_rows = n_sessions * n_symbols
    features = rng.normal(size=(n_rows, 4)).astype(np.float32)
    moves = rng.normal(size=(n_symbols, n_sessions)) * 0.02
    moves[:, 2:] += 0.016 * features[:, 0].reshape(n_symbols, -1)[:, :-2]
    offsets, sessions = np.arange(n_symbols + 1) * n_sessions, np.tile(np.arange(n_sessions), 3)
    labels = forward_excess(
        100 * np.exp(np.cumsum(moves, axis=1)).ravel(), np.full(n_sessions, 100.0), offsets,
        sessions, horizon=1, volatility=np.full(n_rows, 0.02),
    )  # fmt: skip
    return Dataset(
        features=features,
        names=tuple("abcd"),
        sessions=sessions,
        symbols=np.repeat(np.arange(n_symbols), n_sessions),
        labels=labels.value,
        weights=average_uniqueness(labels.start_session, labels.end_session, offsets),
        label_start=labels.start_session,
        label_end=labels.end_session,
        scale=labels.scale,
    )


def walked(data: Dataset, *, n_jobs: int = 2) -> WalkedTrials:
    return WalkedTrials(data, SETTINGS[0], n_jobs=n_jobs, windows=WINDOWS)


def test_every_trial_is_forecast_in_the_same_rows_and_finds_the_edge() -> None:
    data = dataset()
    trials = walked(data)
    margins = [trials.margins(one, seed=3) for one in SETTINGS]

    for margin in margins:
        np.testing.assert_array_equal(np.isfinite(margin), data.sessions >= FIRST)
        rows = data.labelled(np.flatnonzero(np.isfinite(margin)))
        # right at best with 1/2 + atan(0.8)/pi = 0.715
        assert 0.62 < np.mean((margin[rows] > 0) == (data.labels[rows] > 0)) < 0.78
    assert not np.array_equal(margins[0], margins[1], equal_nan=True)


def test_what_comes_later_changes_no_forecast() -> None:
    data, cut = dataset(), 280
    changed = replace(
        data,
        labels=np.where(data.label_end > cut, -data.labels, data.labels),
        features=np.where((data.sessions > cut)[:, None], -3 * data.features, data.features),
    )

    before, after = (walked(each).margins(SETTINGS[1], seed=3) for each in (data, changed))

    known = (data.sessions >= FIRST) & (data.sessions <= cut)
    np.testing.assert_array_equal(before[known], after[known])
    assert not np.array_equal(before, after, equal_nan=True)


def test_forecasts_do_not_depend_on_the_jobs() -> None:
    one, two = (walked(dataset(), n_jobs=n).margins(SETTINGS[1], seed=3) for n in (1, 2))

    np.testing.assert_array_equal(one, two)


def test_labels_of_one_class_are_refused_by_name() -> None:
    data = dataset()

    with pytest.raises(UnusableDataError, match="no walk-forward window can train"):
        walked(replace(data, labels=np.abs(data.labels) + 1.0))


def test_a_history_shorter_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="sessions"):
        walked(dataset(n_sessions=150))
