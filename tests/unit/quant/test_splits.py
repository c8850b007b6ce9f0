"""Folds never let a training label touch a tested one."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skfolio.model_selection import CombinatorialPurgedCV

from quant.splits import (
    Fold,
    backtest_paths,
    combinatorial_purged,
    purged_k_fold,
    walk_forward,
)


def _rows(n_sessions: int, n_symbols: int, seed: int) -> np.ndarray:
    """Sessions of a ragged panel, in symbol-major order."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n_sessions // 3, size=n_symbols)
    starts[0] = 0
    return np.concatenate([np.arange(start, n_sessions) for start in starts])


def _disjoint(sessions: np.ndarray, horizon: int, train: np.ndarray, test: np.ndarray) -> bool:
    """No closed interval [t + 1, t + 1 + horizon] of `train` meets one of `test`."""
    gap = np.abs(sessions[train][:, None] - sessions[test][None, :])
    return bool((gap > horizon).all())


@settings(max_examples=40, deadline=None)
@given(st.integers(40, 90), st.integers(1, 4), st.integers(1, 6), st.booleans(), st.integers(0, 99))
def test_walk_forward_trains_on_matured_labels_of_the_past_only(
    n_sessions: int, n_symbols: int, horizon: int, anchored: bool, seed: int
) -> None:
    sessions = _rows(n_sessions, n_symbols, seed)

    folds = list(
        walk_forward(
            sessions,
            sessions + 1 + horizon,
            train=20,
            validation=10,
            test=4,
            step=4,
            anchored=anchored,
        )
    )

    for fold in folds:
        first = sessions[fold.test].min()
        # the exit, at the open of t + 1 + horizon, was known at the close of the first test
        assert (sessions[fold.train] + 1 + horizon <= first).all()
        assert (sessions[fold.validation] + 1 + horizon <= first).all()
        assert _disjoint(sessions, horizon, fold.train, fold.validation)
        assert _disjoint(sessions, horizon, fold.validation, fold.test)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == np.flatnonzero(sessions >= 30).tolist()


def test_walk_forward_windows_by_hand() -> None:
    sessions = np.arange(12)
    first, second = list(
        walk_forward(sessions, sessions + 2, train=4, validation=3, test=3, step=3)
    )

    # train 0-3 loses 3 (its label 4-5 meets 5-6 of session 4), validation 4-6 loses 6
    assert first.train.tolist() == [0, 1, 2]
    assert first.validation.tolist() == [4, 5]
    assert first.test.tolist() == [7, 8, 9]
    assert second.test.tolist() == [10, 11]


def test_walk_forward_says_how_much_history_is_missing() -> None:
    with pytest.raises(ValueError, match=r"more than 315 sessions .* there are 30"):
        list(walk_forward(np.arange(30), np.arange(30) + 6))


def test_walk_forward_drops_a_long_label_alone_and_only_where_it_reaches() -> None:
    sessions = np.arange(60)
    usual = sessions + 3
    ends = usual.copy()
    ends[25] = 45  # halted for twenty sessions
    plain, changed = (
        list(walk_forward(sessions, end, train=20, validation=10, test=10, step=10))
        for end in (usual, ends)
    )

    for before, after in zip(plain, changed, strict=True):
        for name in ("train", "validation", "test"):
            kept, left = getattr(before, name).tolist(), getattr(after, name).tolist()
            assert set(kept) - set(left) <= {25}
            assert set(left) <= set(kept)
    # Session 25 is validated on before session 30, and learnt from before sessions 40 and 50.
    assert [25 in fold.validation for fold in plain] == [True, False, False]
    assert [25 in fold.train for fold in plain] == [False, True, True]
    assert not any(25 in fold.validation or 25 in fold.train for fold in changed)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(30, 80),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(2, 6),
    st.integers(0, 6),
    st.integers(0, 99),
)
def test_purged_k_fold_tests_each_row_once_and_keeps_the_embargo(
    n_sessions: int, n_symbols: int, horizon: int, n_folds: int, embargo: int, seed: int
) -> None:
    sessions = _rows(n_sessions, n_symbols, seed)
    start, end = sessions + 1, sessions + 1 + horizon

    folds = list(purged_k_fold(sessions, start, end, n_folds=n_folds, embargo=embargo))

    assert len(folds) == n_folds
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(sessions.size))
    for fold in folds:
        _check_fold(fold, sessions, horizon, embargo)


def _check_fold(fold: Fold, sessions: np.ndarray, horizon: int, embargo: int) -> None:
    assert set(np.unique(sessions[fold.test])).isdisjoint(sessions[fold.train])
    assert _disjoint(sessions, horizon, fold.train, fold.test)
    last = sessions[fold.test].max() + 1 + horizon
    later = sessions[fold.train][sessions[fold.train] > sessions[fold.test].max()]
    assert (later >= last + embargo).all()


def test_default_embargo_is_the_longer_of_horizon_and_one_per_cent() -> None:
    sessions = np.arange(1000)
    fold = next(iter(purged_k_fold(sessions, sessions + 1, sessions + 6, n_folds=10)))

    # tests 0-99, the last label ends at 105, 1 % of 1,000 is 10 > 5
    assert fold.train[0] == 115


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 6), st.integers(1, 2), st.integers(1, 4), st.integers(0, 99))
def test_combinatorial_folds_are_purged_and_paths_cover_each_group_once(
    n_groups: int, n_test_groups: int, horizon: int, seed: int
) -> None:
    sessions = _rows(60, 3, seed)

    folds = list(
        combinatorial_purged(
            sessions,
            sessions + 1,
            sessions + 1 + horizon,
            n_groups=n_groups,
            n_test_groups=n_test_groups,
        )
    )
    paths = backtest_paths(n_groups=n_groups, n_test_groups=n_test_groups)

    assert len(folds) == comb(n_groups, n_test_groups)
    assert all(_disjoint(sessions, horizon, fold.train, fold.test) for fold in folds)
    blocks = np.array_split(np.unique(sessions), n_groups)
    for group, supplied in enumerate(paths):
        assert len(set(supplied)) == supplied.size  # no fold serves two paths of a group
        for fold in supplied:
            assert set(blocks[group]) <= set(sessions[folds[fold].test])


def test_six_groups_two_tested_give_fifteen_splits_and_five_paths() -> None:
    # López de Prado (2018), section 12.4.1, figure 12.1
    sessions = np.arange(60)
    folds = combinatorial_purged(sessions, sessions + 1, sessions + 2, n_groups=6, n_test_groups=2)

    assert len(list(folds)) == 15
    assert backtest_paths(n_groups=6, n_test_groups=2).shape == (6, 5)


def test_paths_of_the_book() -> None:
    # López de Prado (2018), figure 12.2: the splits S1 ... S15 that each group's five test sets
    # come from, in the order of the paths
    published = [
        [1, 2, 3, 4, 5],
        [1, 6, 7, 8, 9],
        [2, 6, 10, 11, 12],
        [3, 7, 10, 13, 14],
        [4, 8, 11, 13, 15],
        [5, 9, 12, 14, 15],
    ]

    assert (backtest_paths(n_groups=6, n_test_groups=2) + 1).tolist() == published


@pytest.mark.parametrize(
    ("n_groups", "n_tested", "splits", "paths"),
    [(6, 2, 15, 5), (10, 2, 45, 9), (6, 1, 6, 1), (16, 8, 12_870, 6_435)],
)
def test_splits_and_paths_are_those_of_the_formula(
    n_groups: int, n_tested: int, splits: int, paths: int
) -> None:
    # section 12.4.1: C(N, N - k) splits and k / N of them paths; the last is CSCV with S = 16
    assert comb(n_groups, n_groups - n_tested) == splits
    assert backtest_paths(n_groups=n_groups, n_test_groups=n_tested).shape == (n_groups, paths)


@pytest.mark.parametrize("embargo", [0, 3])
def test_folds_are_those_of_skfolio(embargo: int) -> None:
    horizon = 4
    sessions = np.arange(120)
    theirs = CombinatorialPurgedCV(
        n_folds=6, n_test_folds=2, purged_size=horizon, embargo_size=embargo
    )

    ours = combinatorial_purged(
        sessions, sessions + 1, sessions + 1 + horizon, n_groups=6, n_test_groups=2,
        embargo=embargo,
    )  # fmt: skip

    assert (theirs.n_splits, theirs.n_test_paths) == (15, 5)
    for fold, (train, tests) in zip(ours, theirs.split(np.zeros((120, 1))), strict=True):
        np.testing.assert_array_equal(fold.test, np.concatenate(tests))
        np.testing.assert_array_equal(fold.train, train)


def test_what_cannot_be_split_is_refused() -> None:
    sessions = np.arange(5)
    for asked, message in (
        ({"n_groups": 6, "n_test_groups": 2}, "6 groups need as many sessions, there are 5"),
        ({"n_groups": 4, "n_test_groups": 4}, "one left to train on"),
        ({"n_groups": 4, "n_test_groups": 0}, "at least one group"),
    ):
        with pytest.raises(ValueError, match=message):
            list(combinatorial_purged(sessions, sessions + 1, sessions + 2, **asked))
    with pytest.raises(ValueError, match="one entry per row, had 5, 5 and 4"):
        list(purged_k_fold(sessions, sessions + 1, sessions[:4], n_folds=2))
    with pytest.raises(ValueError, match="`step` must be at least 1"):
        list(walk_forward(np.arange(400), np.arange(400) + 2, step=0))
    with pytest.raises(ValueError, match="one entry per row, had 5 and 4"):
        list(walk_forward(sessions, sessions[:4]))
