"""Folds of whole sessions across all symbols, purged where labels overlap.

A row is decided after the close of its session; its label lives in a closed interval of
later sessions. A training row whose interval intersects the interval of a tested row would
tell the model part of the answer, so it is dropped (purged).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np

from quant.typing import BoolArray, Int64Array, IntArray


@dataclass(frozen=True)
class Fold:
    """Row indices of one fold; `validation` may be empty."""

    train: Int64Array
    validation: Int64Array
    test: Int64Array


def walk_forward(
    sessions: IntArray,
    label_end: IntArray,
    *,
    train: int = 252,
    validation: int = 63,
    test: int = 21,
    step: int = 21,
    anchored: bool = False,
) -> Iterator[Fold]:
    """Yield folds that train on the past, validate on what followed, test on what came next.

    A row of session t has a label interval that begins with ``t + 1``. Rows of the training
    window whose interval reaches the first interval of the validation window are dropped, and so
    are rows of the validation window that reach the test window: everything a fold fits had
    matured at the open of its first test session. Each row is dropped for its own label, so that
    a long one of later years takes nothing from earlier folds.

    Parameters
    ----------
    sessions : array of shape (n_rows,)
        Session ordinal of each row, in any order.
    label_end : array of shape (n_rows,)
        Session ordinal that each label ends in.
    train, validation, test : int
        Lengths of the windows in sessions that have rows.
    step : int
        Sessions between the starts of successive test windows.
    anchored : bool
        Keep the first training session instead of rolling it.

    Yields
    ------
    Fold
        In order of time; the last test window may be shorter.

    Raises
    ------
    ValueError
        If a length is below 1, too few sessions are there for one fold, or the arrays do not fit
        each other.
    """
    _require_positive(train=train, validation=validation, test=test, step=step)
    if sessions.size != label_end.size:
        raise ValueError(
            "`sessions` and `label_end` must have one entry per row, had "
            f"{sessions.size} and {label_end.size}."
        )
    days = np.unique(sessions)
    if days.size <= train + validation:
        raise ValueError(
            f"walk-forward needs more than {train + validation} sessions ({train} to train, "
            f"{validation} to validate), there are {days.size}. Load more history or shorten them."
        )
    for first in range(train + validation, days.size, step):
        seen = days[0 if anchored else first - validation - train]
        checked, tested = days[first - validation], days[first]
        stop = days[min(first + test, days.size) - 1]
        yield Fold(
            train=_rows((sessions >= seen) & (sessions < checked) & (label_end <= checked)),
            validation=_rows((sessions >= checked) & (sessions < tested) & (label_end <= tested)),
            test=_rows((sessions >= tested) & (sessions <= stop)),
        )


def purged_k_fold(
    sessions: IntArray,
    label_start: IntArray,
    label_end: IntArray,
    *,
    n_folds: int,
    embargo: int | None = None,
) -> Iterator[Fold]:
    """Yield `n_folds` folds that test each session once and train on the rest, purged.

    Parameters
    ----------
    sessions : array of shape (n_rows,)
        Session ordinal of each row, in any order.
    label_start, label_end : arrays of shape (n_rows,)
        Closed label intervals in session ordinals.
    n_folds : int
        At least 2.
    embargo : int, optional
        Sessions after the last label of a test block that train no model; by default the
        longer of the longest label and 1 % of the sessions.

    Yields
    ------
    Fold
        With an empty `validation`. Usable for selection only: training rows lie on both
        sides of the tested ones.

    Raises
    ------
    ValueError
        If there are fewer sessions than folds or the arrays do not fit each other.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 103-112.
    """
    yield from combinatorial_purged(
        sessions, label_start, label_end, n_groups=n_folds, n_test_groups=1, embargo=embargo
    )


def combinatorial_purged(
    sessions: IntArray,
    label_start: IntArray,
    label_end: IntArray,
    *,
    n_groups: int = 10,
    n_test_groups: int = 2,
    embargo: int | None = None,
) -> Iterator[Fold]:
    """Yield one fold for every choice of `n_test_groups` out of `n_groups` blocks of sessions.

    Parameters
    ----------
    sessions, label_start, label_end, embargo : as in `purged_k_fold`
    n_groups, n_test_groups : int
        Blocks of successive sessions, and how many of them a fold tests.

    Yields
    ------
    Fold
        In the order of ``itertools.combinations``; `backtest_paths` puts them together.

    Raises
    ------
    ValueError
        If there are fewer sessions than groups or the arrays do not fit each other.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 163-167.
    """
    _require_groups(n_groups, n_test_groups)
    if not sessions.size == label_start.size == label_end.size:
        raise ValueError(
            "`sessions`, `label_start` and `label_end` must have one entry per row, had "
            f"{sessions.size}, {label_start.size} and {label_end.size}."
        )
    days = np.unique(sessions)
    if days.size < n_groups:
        raise ValueError(f"{n_groups} groups need as many sessions, there are {days.size}.")
    width = default_embargo(sessions, label_start, label_end) if embargo is None else embargo
    tested = [
        (sessions >= block[0]) & (sessions <= block[-1]) for block in np.array_split(days, n_groups)
    ]
    spoiled = [_spoiled(sessions, label_start, label_end, block, width) for block in tested]
    for chosen in combinations(range(n_groups), n_test_groups):
        test = np.logical_or.reduce([tested[group] for group in chosen])
        purged = np.logical_or.reduce([spoiled[group] for group in chosen])
        yield Fold(
            train=_rows(~test & ~purged), validation=np.empty(0, dtype=np.int64), test=_rows(test)
        )


def backtest_paths(*, n_groups: int = 10, n_test_groups: int = 2) -> Int64Array:
    """Fold that supplies each group's predictions on each combinatorial path.

    Parameters
    ----------
    n_groups, n_test_groups : int
        As given to `combinatorial_purged`.

    Returns
    -------
    array of shape (n_groups, n_paths)
        Index of the fold; there are ``n_test_groups / n_groups * comb(n_groups,
        n_test_groups)`` paths.

    Raises
    ------
    ValueError
        If `n_test_groups` is not between 1 and ``n_groups - 1``.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 163-164.
    """
    _require_groups(n_groups, n_test_groups)
    chosen = list(combinations(range(n_groups), n_test_groups))
    return np.array(
        [[i for i, groups in enumerate(chosen) if group in groups] for group in range(n_groups)]
    )


def default_embargo(sessions: IntArray, label_start: IntArray, label_end: IntArray) -> int:
    """Longest label or 1 % of the sessions, whichever is more, in sessions.

    Parameters
    ----------
    sessions, label_start, label_end : arrays of shape (n_rows,)
        As given to `purged_k_fold`.

    Returns
    -------
    int
        At least 1 where labels span at least one session.
    """
    return max(int(np.max(label_end - label_start)), ceil(0.01 * np.unique(sessions).size))


def _spoiled(
    sessions: IntArray,
    label_start: IntArray,
    label_end: IntArray,
    test: BoolArray,
    embargo: int,
) -> BoolArray:
    first, last = label_start[test].min(), label_end[test].max()
    overlaps = (label_start <= last) & (label_end >= first)
    # The embargo is counted from the last tested label, as in the book's snippet 7.3: serial
    # correlation of features reaches beyond the labels themselves.
    embargoed = (sessions >= last) & (sessions < last + embargo)
    spoiled: BoolArray = overlaps | embargoed
    return spoiled


def _rows(mask: BoolArray) -> Int64Array:
    return np.flatnonzero(mask).astype(np.int64)


def _require_groups(n_groups: int, n_test_groups: int) -> None:
    if not 1 <= n_test_groups < n_groups:
        raise ValueError(
            "at least one group must be tested and one left to train on, were "
            f"{n_test_groups} tested of {n_groups}."
        )


def _require_positive(**lengths: int) -> None:
    for name, length in lengths.items():
        if length < 1:
            raise ValueError(f"`{name}` must be at least 1 session, was {length}.")
