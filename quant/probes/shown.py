"""Which sessions to compare training with serving at, so that a leak has a chance to show."""

import numpy as np

from quant.typing import Int64Array, IntArray


def telling_sessions(
    sessions: IntArray, changes: IntArray, *, even: int = 12, at_changes: int = 8
) -> Int64Array:
    """Sessions spread over history, and some at which later knowledge differs from earlier.

    What is known of a past session changes with a corrected bar, a corporate action or a new
    member. A leak that has to do with such a change shows in the session it fell on or in the one
    before, and may show nowhere else.

    Parameters
    ----------
    sessions : array of shape (n_sessions,)
        Ordinals of the sessions with features, ascending.
    changes : array of shape (n_changes,)
        Ordinals of corrected sessions, ex-dates and first sessions of members, in any order.
    even : int
        Sessions spread evenly over history; the newest is one of them.
    at_changes : int
        Changes looked at, spread evenly over all of them, the newest among them.

    Returns
    -------
    int64 array
        Ascending and unique; at most ``even + 2 * at_changes`` sessions.

    Raises
    ------
    ValueError
        If there are no sessions or `even` is below 1.
    """
    if sessions.size == 0 or even < 1:
        raise ValueError(
            f"at least one session must be there and asked for, were {sessions.size} and {even}."
        )
    spread = sessions[np.ceil(np.arange(1, even + 1) * sessions.size / even).astype(int) - 1]
    known = np.unique(changes)
    if at_changes and known.size:
        picked = np.ceil(np.arange(1, at_changes + 1) * known.size / at_changes).astype(int) - 1
        known = known[np.unique(picked)]
    else:
        known = known[:0]
    before = sessions[np.maximum(np.searchsorted(sessions, known) - 1, 0)]
    at = known[np.isin(known, sessions)]
    return np.unique(np.concatenate((spread, before, at))).astype(np.int64)
