"""Probes that compare values, rows or prices: what they find is there."""

from collections.abc import Callable, Iterable, Set

import numpy as np

from quant.probes.finding import Finding
from quant.splits import Fold
from quant.typing import FloatArray, Int64Array, IntArray

# Opens, closes and target weights (n_obs, n_assets) to net returns (n_obs,).
Trading = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def served_difference(
    stored: FloatArray, served: FloatArray, names: tuple[str, ...], *, tolerance: float = 1e-5
) -> Finding:
    """Features that differ from those computed from data cut at the row's own session.

    Parameters
    ----------
    stored : array of shape (n_rows, n_features)
        What the model is trained on.
    served : array of the same shape
        The same rows, computed from nothing but what was known after their close.
    names : tuple of str
        Names of the columns.
    tolerance : float
        Relative difference allowed, for sums taken in another order.

    Returns
    -------
    Finding
        The figure is the share of values that differ; the sentence names the features.

    Raises
    ------
    ValueError
        If the shapes differ or there is nothing to compare.
    """
    if stored.shape != served.shape or stored.size == 0 or stored.shape[1] != len(names):
        raise ValueError(
            f"`stored` and `served` must be of one shape, not empty, with a name per column; were "
            f"{stored.shape} and {served.shape} with {len(names)} names."
        )
    same = np.isclose(stored, served, rtol=tolerance, atol=tolerance, equal_nan=True)
    at_fault = [names[column] for column in np.unique(np.nonzero(~same)[1])]
    listed = ", ".join(at_fault[:5]) + (" …" if len(at_fault) > 5 else "")
    what = f"differ in {len(at_fault)}: {listed}" if at_fault else "are the same"
    return Finding(
        "train and serve",
        not at_fault,
        float(1.0 - same.mean()),
        0.0,
        f"{stored.shape[0]} rows of {len(names)} features computed from data cut at their session "
        f"{what}.",
    )


def overlapping_labels(
    folds: Iterable[Fold], label_start: IntArray, label_end: IntArray
) -> Finding:
    """Rows a fold is fitted to whose label shares a session with a tested label.

    Parameters
    ----------
    folds : iterable of Fold
        As they are used; validation rows count as fitted.
    label_start, label_end : arrays of shape (n_rows,)
        Closed label intervals in session ordinals.

    Returns
    -------
    Finding
        The figure is the number of such rows over all folds.
    """
    n_overlapping = 0
    for fold in folds:
        tested = _covered(fold.test, label_start, label_end)
        fitted = np.concatenate((fold.train, fold.validation))
        reached = tested[label_end[fitted] + 1] - tested[label_start[fitted]]
        n_overlapping += int((reached > 0).sum())
    return Finding(
        "overlapping labels",
        n_overlapping == 0,
        float(n_overlapping),
        0.0,
        f"{n_overlapping or 'No'} fitted rows share a session of their label with a tested one.",
    )


def matured_before_use(
    used: Iterable[tuple[Int64Array, Int64Array]], sessions: IntArray, label_end: IntArray
) -> Finding:
    """Outcomes that a calibration or a model learnt before they had happened.

    Parameters
    ----------
    used : iterable of (fitted rows, forecast rows)
        What was fitted to which outcomes, and the rows it then served.
    sessions, label_end : arrays of shape (n_rows,)
        Session of the decision, and the last session of the label.

    Returns
    -------
    Finding
        The figure is the number of outcomes used too early. A label that ends at the open of
        the first session forecast has happened.
    """
    n_early = sum(
        int((label_end[fitted] > sessions[served].min()).sum())
        for fitted, served in used
        if fitted.size and served.size
    )
    return Finding(
        "matured before use",
        n_early == 0,
        float(n_early),
        0.0,
        f"{n_early or 'No'} outcomes were learnt from before they had happened.",
    )


def overnight_gain(trade: Trading) -> Finding:
    """Gain from the night between a decision and the first open it could be traded at.

    The market stands still but for one jump between the close of a decision to buy and the next
    open. Who fills at the close that was decided on earns the jump.

    Parameters
    ----------
    trade : callable
        The backtest, from opens, closes and weights to net returns.

    Returns
    -------
    Finding
        The figure is the gain over all sessions, as a fraction.
    """
    opens, closes, weights = np.full((6, 1), 100.0), np.full((6, 1), 100.0), np.zeros((6, 1))
    opens[3:], closes[3:], weights[2:] = 110.0, 110.0, 1.0
    gain = float(np.prod(1.0 + trade(opens, closes, weights)) - 1.0)
    limit = 0.001  # a tenth of a percent; the jump is ten percent
    passed = gain <= limit
    what = "earns nothing" if passed else f"earns {gain:.1%}"
    return Finding(
        "same-close fill",
        passed,
        gain,
        limit,
        f"A decision after the close {what} from the jump to the next open.",
    )


def absent_members(
    learnt: Iterable[tuple[int, Set[str]]], members: Callable[[int], Set[str]]
) -> Finding:
    """Members of the universe, as it was known at the time, that the model never saw.

    Parameters
    ----------
    learnt : iterable of (session ordinal, symbols)
        Symbols with rows in that session.
    members : callable
        Symbols that were known to be members, and to trade, in a session.

    Returns
    -------
    Finding
        The figure is the share of members without rows: a universe of survivors lacks those that
        left.
    """
    n_absent, n_members = 0, 0
    for session, symbols in learnt:
        known = members(session)
        n_absent += len(known - symbols)
        n_members += len(known)
    figure = n_absent / n_members if n_members else 0.0
    return Finding(
        "absent members",
        n_absent == 0,
        figure,
        0.0,
        f"{n_absent or 'No'} of {n_members} memberships have no rows to learn from.",
    )


def _covered(tested: Int64Array, label_start: IntArray, label_end: IntArray) -> Int64Array:
    """Tested labels' sessions before each session ordinal, as a running count."""
    last = int(label_end.max()) + 1
    alive = np.zeros(last + 1, dtype=np.int64)
    np.add.at(alive, label_start[tested], 1)
    np.add.at(alive, label_end[tested] + 1, -1)
    covered = np.cumsum(alive) > 0
    return np.concatenate(([0], np.cumsum(covered))).astype(np.int64)
