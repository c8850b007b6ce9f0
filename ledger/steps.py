"""The steps of a start-up, as the Today page lists them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import steps


@dataclass(frozen=True)
class Step:
    """One step of one start-up."""

    boot_id: str
    step_no: int
    name: str
    state: str  # waiting | running | done | failed
    detail: str
    progress: float  # 0..1
    started_at: datetime | None
    finished_at: datetime | None


def plan(conn: sa.Connection, *, boot_id: str, names: list[str], desk_at: datetime) -> None:
    """List the steps of a new start-up, all waiting."""
    conn.execute(
        insert(steps)
        .values(
            [
                {
                    "boot_id": boot_id,
                    "step_no": number,
                    "name": name,
                    "state": "waiting",
                    "created_at": desk_at,
                }
                for number, name in enumerate(names, start=1)
            ]
        )
        .on_conflict_do_nothing()
    )


def record(
    conn: sa.Connection,
    *,
    boot_id: str,
    name: str,
    state: str,
    desk_at: datetime,
    detail: str = "",
    progress: float | None = None,
) -> None:
    """Note how far a step is; done counts as full progress unless told otherwise.

    Raises
    ------
    ValueError
        If the start-up has no such step.
    """
    done = 1.0 if state == "done" else None
    changes: dict[str, object] = {"state": state, "detail": detail}
    if (reached := progress if progress is not None else done) is not None:
        changes["progress"] = min(max(reached, 0.0), 1.0)
    if state == "running":
        changes["started_at"] = sa.func.coalesce(steps.c.started_at, desk_at)
        changes["finished_at"] = None
    if state in {"done", "failed"}:
        changes["started_at"] = sa.func.coalesce(steps.c.started_at, desk_at)
        changes["finished_at"] = desk_at
    changed = conn.execute(
        sa.update(steps).where(steps.c.boot_id == boot_id, steps.c.name == name).values(**changes)
    )
    if changed.rowcount == 0:
        raise ValueError(f"Start-up {boot_id} has no step {name!r}: list it with `plan` first.")


def of_boot(conn: sa.Connection, boot_id: str) -> list[Step]:
    """Return the steps of a start-up in order."""
    return _steps(conn, sa.literal(boot_id))


def latest(conn: sa.Connection) -> list[Step]:
    """Return the steps of the newest start-up in order; none before the first."""
    newest = (
        sa.select(steps.c.boot_id).order_by(steps.c.created_at.desc()).limit(1).scalar_subquery()
    )
    return _steps(conn, newest)


def _steps(conn: sa.Connection, boot_id: sa.ColumnElement[str]) -> list[Step]:
    shown = [column for column in steps.c if column.name != "created_at"]
    query = sa.select(*shown).where(steps.c.boot_id == boot_id).order_by(steps.c.step_no)
    return [Step(**row._asdict()) for row in conn.execute(query)]
