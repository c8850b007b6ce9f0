"""Weeks that run from a Tuesday to a Saturday, or from a Sunday to a Thursday."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

_WEEK: Final = 5  # rows

Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def a_day_apart(frame: pl.DataFrame, offsets: Whole) -> Bools:
    """Mark the rows dated a calendar day late or early.

    Rows without a hole between them are a run. Dated a day late, a run begins after a session
    without a bar and ends on the day after its last session, on which nobody traded; a day early
    it begins on the day before its first session and a session without a bar follows it. One run
    alone may be a hole and a stray row: the rows are dated apart where two follow one another.

    Parameters
    ----------
    frame : frame with session, step_no, is_session, versions
        Sorted by symbol and session.
    offsets : array of shape (n_symbols + 1,)
        Where each symbol begins, and the end.
    """
    days = frame["session"].to_physical().to_numpy().astype(np.int64)
    open_days = frame["is_session"].to_numpy()
    begins = np.zeros(frame.height, dtype=np.bool_)
    begins[offsets[:-1]] = True
    ahead = _ahead(frame, begins)
    starts = np.flatnonzero(begins | (ahead >= 1))
    ends = np.append(starts[1:], frame.height) - 1
    hole_before = (ahead[starts] == 1) & ~begins[starts]
    last = np.append(begins[starts[1:]], True)
    hole_after = np.append(hole_before[1:], False)
    long = ends > starts
    before, after = np.maximum(ends - 1, 0), np.minimum(starts + 1, frame.height - 1)
    closing = long & ~open_days[ends] & (days[ends] - days[before] == 1) & open_days[before]
    opening = long & ~open_days[starts] & (days[after] - days[starts] == 1) & open_days[after]
    first = begins[starts]
    late = closing & (hole_before | first)
    early = opening & (hole_after | last)
    late, early = _repeated(late, first), _repeated(early, first)
    marked = np.repeat(late | early, ends - starts + 1)
    for run in np.flatnonzero(_after(late, first) & hole_before & ~late):
        until = _broken_off(frame, starts[run], ends[run], ends_symbol=bool(last[run]))
        marked[starts[run] : until] = True
    return marked


def _broken_off(frame: pl.DataFrame, start: int, end: int, *, ends_symbol: bool) -> int:
    """Return the row at which a last week dated late ends: before a true row of the same day."""
    if ends_symbol and end - start < _WEEK:
        return end + 1
    twice = (frame["versions"].slice(start, _WEEK) > 1).arg_true()
    return start + (twice[0] if twice.len() else 0)


def _ahead(frame: pl.DataFrame, begins: Bools) -> Whole:
    """Return how many sessions lie between each row and the one before it."""
    steps = frame["step_no"].to_numpy().astype(np.int64)
    following = steps + frame["is_session"].to_numpy()
    ahead = steps - np.append(0, following[:-1])
    return np.where(begins, 0, ahead).astype(np.int64)


def _after(marked: Bools, first: Bools) -> Bools:
    """Return the runs that follow a marked one of the same symbol."""
    return np.asarray(np.append(False, marked[:-1]) & ~first, dtype=np.bool_)


def _repeated(marked: Bools, first: Bools) -> Bools:
    """Return the marked runs beside another marked one of the same symbol."""
    before, after = (
        np.append(False, marked[:-1]) & ~first,
        np.append(marked[1:] & ~first[1:], False),
    )
    return np.asarray(marked & (before | after), dtype=np.bool_)
