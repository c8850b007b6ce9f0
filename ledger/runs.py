"""Dagster runs as the desk's own pages and sensors need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import runs

_SUBMIT_JOB = "submit_orders"
_UNFINISHED = ("queued", "running")


@dataclass(frozen=True)
class Run:
    """One run of a job."""

    run_id: str
    job: str
    state: str  # queued | running | done | failed
    tags: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


def record(
    conn: sa.Connection,
    *,
    run_id: str,
    job: str,
    state: str,
    desk_at: datetime,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Note how far a run is."""
    statement = insert(runs).values(
        run_id=run_id,
        job=job,
        state=state,
        tags=dict(tags or {}),
        created_at=desk_at,
        updated_at=desk_at,
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[runs.c.run_id],
            set_={"state": statement.excluded.state, "updated_at": desk_at},
        )
    )


def submit_run_is_young(conn: sa.Connection, now: datetime, *, seconds: int) -> bool:
    """Return whether a run that sends orders is unfinished and younger than `seconds`."""
    found = conn.scalar(
        sa.select(sa.func.count())
        .select_from(runs)
        .where(
            runs.c.job == _SUBMIT_JOB,
            runs.c.state.in_(_UNFINISHED),
            runs.c.created_at > now - timedelta(seconds=seconds),
        )
    )
    return bool(found)


def latest(conn: sa.Connection, *, job: str | None = None, last: int = 50) -> list[Run]:
    """Return the newest runs, newest first, of one job or of all."""
    query = sa.select(runs).order_by(runs.c.created_at.desc()).limit(last)
    if job is not None:
        query = query.where(runs.c.job == job)
    return [Run(**row._asdict()) for row in conn.execute(query)]
