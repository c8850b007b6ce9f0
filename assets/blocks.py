"""Sessions in blocks within which nothing was learned late.

What a session's values are made of is what was known at its own decision. Most of it speaks of
that session or earlier ones and was known by then, so that a whole range can be computed as of
its last decision. Where something was learned late, the range is parted at that instant.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

import polars as pl

from assets.desk_time import decision_time
from quality.calendar import exchange

# Five years: a report and a transaction for each cost more than the rows do.
_CHUNK = 1260  # sessions


def in_chunks(sessions: Sequence[date]) -> Iterator[list[date]]:
    """Split sessions so that a long range is judged and written in few, bounded transactions."""
    for begin in range(0, len(sessions), _CHUNK):
        yield list(sessions[begin : begin + _CHUNK])


def blocks(sessions: Sequence[date], cuts: Iterable[datetime]) -> Iterator[list[date]]:
    """Part ascending sessions at each instant: those decided before it, and those at it or after.

    All sessions of a block knew the same of whatever was learned at one of the `cuts`.
    """
    waiting = sorted(set(cuts))
    block: list[date] = []
    for session in sessions:
        decided = decision_time(session)
        passed = [cut for cut in waiting if cut <= decided]
        if passed and block:
            yield block
            block = []
        waiting = waiting[len(passed) :]
        block.append(session)
    if block:
        yield block


def late(learned: pl.DataFrame) -> list[datetime]:
    """Return when something was learned that an earlier decision would have needed.

    What says who a ticker is changes earlier rows too, from the day on which it takes effect.

    Parameters
    ----------
    learned : polars.DataFrame
        From `warehouse.late.learned`.
    """
    return sorted(
        {
            max(known_at, _decided(day))
            for day, known_at, reaches_back in learned.iter_rows()
            if reaches_back or known_at > _decided(day)
        }
    )


def _decided(day: date) -> datetime:
    """Return the decision of a day's session, or of the next one."""
    return decision_time(day if exchange().is_session(day) else exchange().next(day))
