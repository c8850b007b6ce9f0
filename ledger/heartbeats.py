"""Signs of life of the desk's processes."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import heartbeats


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of a process, and the build it runs."""

    process: str
    pid: int
    build: str  # hash of the source tree
    beat_at: datetime  # desk time


def beat(conn: sa.Connection, process: str, pid: int, build: str, desk_at: datetime) -> None:
    """Note that a process is alive; an older beat never replaces a newer one."""
    statement = insert(heartbeats).values(process=process, pid=pid, build=build, beat_at=desk_at)
    told = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[heartbeats.c.process],
            set_={"pid": told.pid, "build": told.build, "beat_at": told.beat_at},
            where=heartbeats.c.beat_at <= told.beat_at,
        )
    )


def all_of(conn: sa.Connection) -> list[Heartbeat]:
    """Return the last beat of every process, by name."""
    query = sa.select(heartbeats).order_by(heartbeats.c.process)
    return [Heartbeat(**row._asdict()) for row in conn.execute(query)]
