"""Results of comparing ledger and broker."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledger import alerts, silence, state
from ledger.connection import new_id
from ledger.tables import reconciliations
from trading.ledger import Difference, Stamp
from trading.state import TradingState

_PROCESS = "reconcile"
_UNANSWERED = "broker_away"  # not grave, yet nothing was compared


@dataclass(frozen=True)
class Reconciliation:
    """One comparison."""

    id: str
    started_at: datetime
    finished_at: datetime
    market_at: datetime | None
    clean: bool
    differences: tuple[Difference, ...]


def finish(
    conn: sa.Connection, *, started_at: datetime, differences: Sequence[Difference], at: Stamp
) -> None:
    """Write the result; a grave difference puts the desk in REDUCING and raises an alert.

    A clean one ends what a silence of the desk began.
    """
    grave = [one for one in differences if one.grave]
    if grave:
        _reduce(conn, grave, at)
    unanswered = any(one.kind == _UNANSWERED for one in differences)
    if not unanswered:
        still = {(one.kind, one.subject) for one in grave}
        alerts.over(conn, noticed_by=_PROCESS, still=still, desk_at=at.desk_at)
    clean = not grave and not unanswered
    if clean:
        silence.over(conn, desk_at=at.desk_at)
    record(
        conn,
        started_at=started_at,
        finished_at=at.desk_at,
        market_at=at.market_at,
        clean=clean,
        differences=differences,
    )


def _reduce(conn: sa.Connection, grave: Sequence[Difference], at: Stamp) -> None:
    raised = [
        alerts.raise_once(
            conn,
            severity="critical",
            kind=one.kind,
            subject=one.subject,
            message=one.sentence,
            desk_at=at.desk_at,
            market_at=at.market_at,
            actor=_PROCESS,
            condition=one.sentence,
        )
        for one in grave
    ]
    state.tighten(
        conn,
        to=TradingState.REDUCING,
        reason=grave[0].sentence,
        process=_PROCESS,
        desk_at=at.desk_at,
        anew=any(alert is not None for alert in raised),
    )


def record(
    conn: sa.Connection,
    *,
    started_at: datetime,
    finished_at: datetime,
    market_at: datetime,
    clean: bool,
    differences: Sequence[Difference],
) -> None:
    """Write a result down."""
    conn.execute(
        sa.insert(reconciliations).values(
            id=new_id(),
            started_at=started_at,
            finished_at=finished_at,
            market_at=market_at,
            clean=clean,
            differences=[asdict(difference) for difference in differences],
        )
    )


def latest(conn: sa.Connection) -> Reconciliation | None:
    """Return the newest result, or None before the first."""
    found = history(conn, last=1)
    return found[0] if found else None


def last_clean(conn: sa.Connection) -> datetime | None:
    """Return the market time of the newest clean result, or None."""
    found: datetime | None = conn.scalar(
        sa.select(reconciliations.c.market_at)
        .where(reconciliations.c.clean)
        .order_by(reconciliations.c.seq.desc())
        .limit(1)
    )
    return found


def first_answered(conn: sa.Connection) -> datetime | None:
    """Return the market time of the oldest result for which the broker answered, or None."""
    unanswered = reconciliations.c.differences.contains([{"kind": _UNANSWERED}])
    found: datetime | None = conn.scalar(
        sa.select(reconciliations.c.market_at)
        .where(sa.not_(unanswered), reconciliations.c.market_at.is_not(None))
        .order_by(reconciliations.c.seq)
        .limit(1)
    )
    return found


def history(conn: sa.Connection, *, last: int = 50) -> list[Reconciliation]:
    """Return the newest results, newest first."""
    told = [reconciliations.c[name] for name in Reconciliation.__dataclass_fields__]
    query = sa.select(*told).order_by(reconciliations.c.seq.desc()).limit(last)
    return [_reconciliation(row) for row in conn.execute(query)]


def _reconciliation(row: sa.Row[Any]) -> Reconciliation:
    told = row._asdict()
    told["differences"] = tuple(Difference(**each) for each in told["differences"])
    return Reconciliation(**told)
