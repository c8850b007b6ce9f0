"""Combinatorial paths: every session forecast on each of them, by models that never saw it."""

from dataclasses import replace

import numpy as np
import pytest

from quant.labels import average_uniqueness, forward_excess
from quant.models import Dataset, Hyperparameters
from quant.models.paths import path_margins
from quant.typing import FloatArray

N_SESSIONS, N_SYMBOLS = 200, 2
SMALL = Hyperparameters(n_rounds=15, max_depth=2, min_child_weight=1.0)
GROUP = N_SESSIONS // 4  # four groups of 50 sessions: six folds, three paths


def foretold(edge: float) -> Dataset:
    """Walks whose return after next depends on the first feature by `edge`."""
    rng = np.random.default_rng(11)
    n_rows = N_SESSIONS * N_SYMBOLS
    features = rng.normal(size=(n_rows, 3)).astype(np.float32)
    moves = 0.02 * rng.normal(size=(N_SYMBOLS, N_SESSIONS))
    moves[:, 2:] += edge * 0.02 * features[:, 0].reshape(N_SYMBOLS, -1)[:, :-2]
    offsets = np.arange(N_SYMBOLS + 1) * N_SESSIONS
    sessions = np.tile(np.arange(N_SESSIONS), N_SYMBOLS)
    labels = forward_excess(
        100.0 * np.exp(np.cumsum(moves, axis=1)).ravel(),
        np.full(N_SESSIONS, 100.0),
        offsets,
        sessions,
        horizon=1,
    )
    return Dataset(
        features=features,
        names=("foretelling", "noise_1", "noise_2"),
        sessions=sessions,
        symbols=np.repeat(np.arange(N_SYMBOLS), N_SESSIONS),
        labels=labels.value,
        weights=average_uniqueness(labels.start_session, labels.end_session, offsets),
        label_start=labels.start_session,
        label_end=labels.end_session,
    )


def along(dataset: Dataset, *, n_jobs: int = 1) -> FloatArray:
    return path_margins(dataset, SMALL, seed=3, n_groups=4, n_test_groups=2, n_jobs=n_jobs)


def test_each_of_three_paths_forecasts_every_row() -> None:
    margins = along(foretold(1.0))

    assert margins.shape == (3, N_SESSIONS * N_SYMBOLS)
    assert np.isfinite(margins).all()
    assert len(np.unique(margins, axis=0)) == 3


@pytest.mark.parametrize("group", range(4))
def test_the_labels_of_a_group_never_enter_its_own_forecasts(group: int) -> None:
    dataset = foretold(1.0)
    tested = (dataset.sessions // GROUP) == group
    reversed_there = replace(dataset, labels=np.where(tested, -dataset.labels, dataset.labels))

    before, after = along(dataset), along(reversed_there)

    np.testing.assert_array_equal(before[:, tested], after[:, tested])
    assert (before[:, ~tested] != after[:, ~tested]).any()


def test_a_planted_edge_is_found_on_every_path() -> None:
    dataset = foretold(1.0)
    known = np.isfinite(dataset.labels)

    for margins in along(dataset):
        assert np.corrcoef(margins[known], dataset.labels[known])[0, 1] > 0.3


def test_the_same_data_gives_the_same_margins_however_many_work_on_it() -> None:
    np.testing.assert_array_equal(along(foretold(0.5)), along(foretold(0.5), n_jobs=2))
