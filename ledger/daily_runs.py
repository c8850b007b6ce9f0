"""The daily run of each session: from bars to proposals, done once."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.tables import daily_runs


@dataclass(frozen=True)
class DailyRun:
    """What became of a session's run."""

    session: date
    state: str  # running | done | failed
    proposals: int
    started_at: datetime
    finished_at: datetime | None
    detail: str


def start(conn: sa.Connection, *, session: date, desk_at: datetime, detail: str = "") -> bool:
    """Note that the run of a session begins; again after a failure or a lost run.

    Returns
    -------
    bool
        False when the session is done already: then nothing changes.
    """
    statement = insert(daily_runs).values(
        session=session, state="running", started_at=desk_at, detail=detail
    )
    begun = conn.execute(
        statement.on_conflict_do_update(
            index_elements=[daily_runs.c.session],
            set_={
                "state": "running",
                "started_at": desk_at,
                "finished_at": None,
                "detail": detail,
            },
            where=daily_runs.c.state != "done",
        ).returning(daily_runs.c.session)
    ).one_or_none()
    if begun is None:
        return False
    _told(conn, session, "daily_run.start", desk_at, detail)
    return True


def finish(
    conn: sa.Connection, *, session: date, proposals: int, desk_at: datetime, detail: str = ""
) -> DailyRun:
    """Note that a session is done, with how many proposals it made (0 is a result).

    Raises
    ------
    ValueError
        If the session's run was never started.
    """
    return _end(conn, session, {"state": "done", "proposals": proposals, "detail": detail}, desk_at)


def fail(conn: sa.Connection, *, session: date, detail: str, desk_at: datetime) -> DailyRun:
    """Note that a session's run failed and why; one that is done stays done.

    Raises
    ------
    ValueError
        If the session's run was never started.
    """
    return _end(conn, session, {"state": "failed", "detail": detail}, desk_at)


def state_of(conn: sa.Connection, session: date) -> str | None:
    """Return ``running``, ``done`` or ``failed``; None when it was never started."""
    return conn.scalar(sa.select(daily_runs.c.state).where(daily_runs.c.session == session))


def by_session(conn: sa.Connection, session: date) -> DailyRun | None:
    """Return the run of a session, or None."""
    row = conn.execute(sa.select(daily_runs).where(daily_runs.c.session == session)).one_or_none()
    return None if row is None else _run(row)


def latest(conn: sa.Connection) -> DailyRun | None:
    """Return the run of the newest session that has one, or None."""
    row = conn.execute(
        sa.select(daily_runs).order_by(daily_runs.c.session.desc()).limit(1)
    ).one_or_none()
    return None if row is None else _run(row)


def _end(
    conn: sa.Connection, session: date, changes: dict[str, object], desk_at: datetime
) -> DailyRun:
    row = conn.execute(
        sa.update(daily_runs)
        .where(daily_runs.c.session == session, daily_runs.c.state != "done")
        .values(finished_at=desk_at, **changes)
        .returning(daily_runs)
    ).one_or_none()
    if row is not None:
        _told(conn, session, f"daily_run.{row.state}", desk_at, row.detail)
        return _run(row)
    known = by_session(conn, session)
    if known is None:
        raise ValueError(f"The daily run of {session} was never started: call `start` first.")
    return known


def _told(conn: sa.Connection, session: date, action: str, at: datetime, detail: str) -> None:
    audit.append(
        conn,
        at=at,
        actor="desk",
        action=action,
        subject=session.isoformat(),
        payload={"detail": detail},
    )


def _run(row: sa.Row[tuple[object, ...]]) -> DailyRun:
    return DailyRun(**row._asdict())
