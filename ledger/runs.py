"""Runs of the pipeline, as the desk needs to know them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import runs
from trading.canonical import Content

STATES = ("queued", "started", "succeeded", "failed", "canceled")
SUBMIT_JOB = "submit_orders"

_ENDED = ("succeeded", "failed", "canceled")
# A run that waits in the queue for longer than this many times the young age is taken for lost:
# it must not keep signed orders from being sent for ever.
_QUEUED_PATIENCE = 5


@dataclass(frozen=True)
class Run:
    """One run and how far it is."""

    run_id: str
    job: str
    state: str
    tags: Mapping[str, Content]
    created_at: datetime
    updated_at: datetime


def record(
    conn: sa.Connection,
    *,
    run_id: str,
    job: str,
    state: str,
    desk_at: datetime,
    tags: Mapping[str, Content] | None = None,
) -> Run:
    """Note the state of a run, new or known.

    An ended run stays as it ended, and news older than what is known changes nothing: events
    may come late or out of order.

    Parameters
    ----------
    state : str
        One of `STATES`.
    tags : mapping, optional
        Kept from the first note when not given.

    Returns
    -------
    Run
        As the ledger has it afterwards.

    Raises
    ------
    ValueError
        If the state is unknown.
    """
    if state not in STATES:
        raise ValueError(f"The state of a run is one of {', '.join(STATES)}, was {state!r}.")
    statement = insert(runs).values(
        run_id=run_id,
        job=job,
        state=state,
        tags=dict(tags or {}),
        created_at=desk_at,
        updated_at=desk_at,
    )
    told = statement.excluded
    changes = {"state": told.state, "updated_at": told.updated_at}
    if tags is not None:
        changes["tags"] = told.tags
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[runs.c.run_id],
            set_=changes,
            where=sa.and_(runs.c.state.not_in(_ENDED), runs.c.updated_at <= told.updated_at),
        )
    )
    return _run(conn.execute(sa.select(runs).where(runs.c.run_id == run_id)).one())


def by_id(conn: sa.Connection, run_id: str) -> Run | None:
    """Return one run, or None."""
    row = conn.execute(sa.select(runs).where(runs.c.run_id == run_id)).one_or_none()
    return None if row is None else _run(row)


def latest(conn: sa.Connection, *, jobs: Sequence[str] = (), last: int = 50) -> list[Run]:
    """Return the newest runs, newest first, of these jobs or of all."""
    query = sa.select(runs).order_by(runs.c.created_at.desc(), runs.c.run_id).limit(last)
    if jobs:
        query = query.where(runs.c.job.in_(jobs))
    return [_run(row) for row in conn.execute(query)]


def submit_run_is_young(conn: sa.Connection, desk_at: datetime, seconds: float) -> bool:
    """Return whether a run that sends orders waits in the queue or started a moment ago.

    Parameters
    ----------
    desk_at : datetime
        Wall time.
    seconds : float
        How long a started run counts as young. It only spares needless runs: that nothing
        is sent twice is due to leases and client order ids.
    """
    age = timedelta(seconds=seconds)
    waiting = sa.and_(
        runs.c.state == "queued", runs.c.created_at > desk_at - _QUEUED_PATIENCE * age
    )
    working = sa.and_(runs.c.state == "started", runs.c.created_at > desk_at - age)
    young = sa.exists().where(runs.c.job == SUBMIT_JOB, sa.or_(waiting, working))
    return bool(conn.scalar(sa.select(young)))


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    return Run(**row._asdict())
