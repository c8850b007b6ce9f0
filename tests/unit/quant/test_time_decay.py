"""Rows a model learns from weigh less with age, and nothing else does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant.labels import average_uniqueness, forward_excess
from quant.models import Dataset, Hyperparameters, UnusableDataError, Windows
from quant.models.learners import lesson, taught_weights
from quant.models.walkforward import walk_forward_predictions
from quant.typing import FloatArray, IntArray

WINDOWS = Windows(train=120, validation=40, test=20, step=20)
LINEAR = Hyperparameters(family="linear", l2=100.0)


def rows_of(unique: FloatArray, sessions: IntArray, *, decay: float) -> Dataset:
    """Rows of which only age and uniqueness matter."""
    n_rows = len(unique)
    return Dataset(
        features=np.zeros((n_rows, 1), dtype=np.float32),
        names=("nothing",),
        sessions=sessions,
        symbols=np.zeros(n_rows, dtype=np.int64),
        labels=np.resize([1.0, -1.0], n_rows),
        weights=unique,
        label_start=sessions + 1,
        label_end=sessions + 2,
        time_decay=decay,
    )


def every(data: Dataset) -> np.ndarray:
    return np.arange(data.n_rows)


def market(*, decay: float = 1.0, n_sessions: int = 400) -> Dataset:
    """Random walks whose edge changes its sign halfway: what is old misleads."""
    rng = np.random.default_rng(11)
    n_rows, horizon = 2 * n_sessions, 3
    features = rng.normal(size=(n_rows, 3)).astype(np.float32)
    moves = 0.02 * rng.normal(size=(2, n_sessions))
    sign = np.where(np.arange(n_sessions - 2) < n_sessions // 2, 1.0, -1.0)
    moves[:, 2:] += 0.02 * sign * features[:, 0].reshape(2, -1)[:, :-2]
    offsets, sessions = np.arange(3) * n_sessions, np.tile(np.arange(n_sessions), 2)
    labels = forward_excess(
        100.0 * np.exp(np.cumsum(moves, axis=1)).ravel(), np.full(n_sessions, 100.0), offsets,
        sessions, horizon=horizon, volatility=np.full(n_rows, 0.02),
    )  # fmt: skip
    return Dataset(
        features=features,
        names=tuple("abc"),
        sessions=sessions,
        symbols=np.repeat(np.arange(2), n_sessions),
        labels=labels.value,
        weights=average_uniqueness(labels.start_session, labels.end_session, offsets),
        label_start=labels.start_session,
        label_end=labels.end_session,
        scale=labels.scale,
        time_decay=decay,
    )


def margins(data: Dataset) -> FloatArray:
    return walk_forward_predictions(data, LINEAR, seed=3, n_jobs=1, windows=WINDOWS).margin


def test_four_labels_by_hand() -> None:
    # Uniqueness adds up to 1, 3/2, 2 and 3: a line from 1/2 to 1 has the slope 1/6 and gives
    # 2/3, 3/4, 5/6 and 1. Times uniqueness that is 16, 9, 10 and 24 of 24, together 59/24; the
    # labels are worth 3, so that each is taken 72/59 times.
    data = rows_of(np.array([1.0, 0.5, 0.5, 1.0]), np.arange(4), decay=0.5)

    np.testing.assert_allclose(
        taught_weights(data, every(data)), np.array([48.0, 27.0, 30.0, 72.0]) / 59.0, rtol=1e-14
    )


def of_the_book(unique: FloatArray, oldest: float) -> FloatArray:
    """López de Prado (2018), snippet 4.11, line by line, of labels in order of time."""
    told = np.cumsum(unique)
    slope = (1.0 - oldest) / told[-1]
    weight: FloatArray = 1.0 - slope * told[-1] + slope * told
    return weight


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.9])
def test_labels_that_overlap_age_as_in_the_book(decay: float) -> None:
    rng = np.random.default_rng(5)
    start = np.cumsum(rng.integers(1, 4, 60))
    unique = average_uniqueness(start, start + rng.integers(0, 9, 60), np.array([0, 60]))
    data = rows_of(unique, start, decay=decay)

    expected = unique * of_the_book(unique, decay)

    np.testing.assert_allclose(
        taught_weights(data, every(data)), expected * unique.sum() / expected.sum(), rtol=1e-12
    )


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(0, 20)), min_size=1, max_size=40),
    st.floats(0.01, 0.99),
)
def test_newer_rows_weigh_more_of_their_worth_and_all_weigh_what_they_are_worth(
    rows: list[tuple[float, int]], decay: float
) -> None:
    unique, sessions = (np.array(column) for column in zip(*rows, strict=True))
    data = rows_of(unique, sessions, decay=decay)
    weights = taught_weights(data, every(data))
    share = (weights / unique)[np.argsort(sessions, kind="stable")]

    assert weights.sum() == pytest.approx(unique.sum())
    assert (weights > 0.0).all()
    assert (np.diff(share) >= -1e-9 * share[-1]).all()
    assert share[0] >= share[-1] * decay * (1.0 - 1e-9)
    # Rows of one session are of one age, in whatever order they come.
    turned = rows_of(unique[::-1], sessions[::-1], decay=decay)
    np.testing.assert_allclose(taught_weights(turned, every(turned))[::-1], weights, rtol=1e-9)


def test_without_decay_the_weights_are_the_uniqueness_to_the_bit() -> None:
    data = market()
    taught = lesson(data, np.arange(100, 220), np.arange(220, 260))

    assert taught is not None
    np.testing.assert_array_equal(taught.weights[100:220], data.weights[100:220])
    np.testing.assert_array_equal(margins(data), margins(replace(data, time_decay=1.0)))


def test_what_a_window_is_checked_on_does_not_age() -> None:
    data = market(decay=0.2)
    train, checked = np.arange(100, 220), np.arange(220, 260)
    taught = lesson(data, train, checked)

    assert taught is not None
    assert taught.checked is not None
    np.testing.assert_array_equal(taught.checked.weights, data.weights[checked])
    assert taught.weights[100] / data.weights[100] < taught.weights[219] / data.weights[219]
    np.testing.assert_array_equal(np.flatnonzero(taught.weights), train)


def test_age_is_counted_from_the_newest_row_of_the_window() -> None:
    # The same window alone, and within a record that goes on for years.
    data = market(decay=0.3)
    rows = np.flatnonzero(data.sessions < 150)

    alone = data.take(rows)

    np.testing.assert_array_equal(taught_weights(alone, every(alone)), taught_weights(data, rows))


def test_what_comes_after_a_window_changes_none_of_its_forecasts() -> None:
    data, cut = market(decay=0.3), 300
    known = np.flatnonzero(data.sessions < cut)
    later = (data.sessions >= cut) & (data.label_end >= cut)
    told = margins(data)

    none = margins(data.take(known))
    other = margins(
        replace(
            data,
            features=np.where(later[:, None], -data.features, data.features),
            labels=np.where(data.label_end >= cut, -data.labels, data.labels),
            weights=np.where(later, 0.1 * data.weights, data.weights),
        )
    )

    assert np.isfinite(none).sum() > 200
    np.testing.assert_array_equal(none, told[known])
    np.testing.assert_array_equal(other[known], told[known])


def test_forgetting_helps_where_the_market_has_changed() -> None:
    data = market()
    # 90 sessions after the change most training windows still begin before it.
    rows = np.flatnonzero((data.sessions >= 290) & (data.sessions < 340))
    rows = data.labelled(rows)
    won = data.labels[rows] > 0.0

    def loss(decay: float) -> float:
        said = margins(replace(data, time_decay=decay))[rows]
        return float(np.mean(np.log1p(np.exp(np.where(won, -said, said)))))

    assert loss(0.05) < loss(0.5) < loss(1.0)


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.5, np.nan])
def test_a_decay_that_is_none_is_refused(decay: float) -> None:
    with pytest.raises(UnusableDataError, match="`time_decay` must lie above 0 and not above 1"):
        market(decay=decay)
