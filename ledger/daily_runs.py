"""The daily run of each session: how far it is, and what it proposed."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import daily_runs


@dataclass(frozen=True)
class DailyRun:
    """The run after one session's close."""

    session: date
    state: str  # running | done | failed
    proposals: int
    started_at: datetime
    finished_at: datetime | None
    detail: str


def start(conn: sa.Connection, *, session: date, desk_at: datetime) -> None:
    """Note that a session's run has begun; one that is done stays done."""
    conn.execute(
        insert(daily_runs)
        .values(session=session, state="running", proposals=0, started_at=desk_at, detail="")
        .on_conflict_do_update(
            index_elements=[daily_runs.c.session],
            set_={"state": "running", "started_at": desk_at, "finished_at": None, "detail": ""},
            where=daily_runs.c.state != "done",
        )
    )


def finish(
    conn: sa.Connection,
    *,
    session: date,
    state: str,
    proposals: int,
    desk_at: datetime,
    detail: str = "",
) -> None:
    """Note how a session's run ended: ``done`` or ``failed``."""
    statement = insert(daily_runs).values(
        session=session,
        state=state,
        proposals=proposals,
        started_at=desk_at,
        finished_at=desk_at,
        detail=detail,
    )
    told = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[daily_runs.c.session],
            set_={name: told[name] for name in ("state", "proposals", "finished_at", "detail")},
        )
    )


def state_of(conn: sa.Connection, session: date) -> str | None:
    """Return ``running``, ``done``, ``failed``, or None before it began."""
    return conn.scalar(sa.select(daily_runs.c.state).where(daily_runs.c.session == session))


def latest(conn: sa.Connection) -> DailyRun | None:
    """Return the run of the newest session, or None before the first."""
    row = conn.execute(
        sa.select(daily_runs).order_by(daily_runs.c.session.desc()).limit(1)
    ).one_or_none()
    return None if row is None else DailyRun(**row._asdict())
