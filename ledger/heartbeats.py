"""Signs of life of the desk's processes, and which build each runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import heartbeats


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of a process."""

    process: str
    pid: int
    build: str
    beat_at: datetime


def beat(conn: sa.Connection, *, process: str, pid: int, build: str, desk_at: datetime) -> None:
    """Note that a process is alive."""
    statement = insert(heartbeats).values(process=process, pid=pid, build=build, beat_at=desk_at)
    told = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[heartbeats.c.process],
            set_={"pid": told.pid, "build": told.build, "beat_at": told.beat_at},
        )
    )


def alive(conn: sa.Connection, *, desk_at: datetime, within: timedelta) -> list[Heartbeat]:
    """Return the processes heard of lately, by name."""
    query = (
        sa.select(heartbeats)
        .where(heartbeats.c.beat_at >= desk_at - within)
        .order_by(heartbeats.c.process)
    )
    return [Heartbeat(**row._asdict()) for row in conn.execute(query)]
