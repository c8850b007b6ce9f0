"""Alerts: conditions that people must know of, one while it lasts."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.connection import new_id
from ledger.tables import alerts


@dataclass(frozen=True)
class Alert:
    """One condition."""

    alert_id: str
    severity: str  # note | warning | critical
    kind: str
    message: str
    subject: str
    raised_at: datetime
    market_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


def raise_alert(
    conn: sa.Connection,
    *,
    severity: str,
    kind: str,
    message: str,
    subject: str,
    desk_at: datetime,
    market_at: datetime | None = None,
) -> bool:
    """Raise an alert; False when one of this kind and subject is open already."""
    made = conn.execute(
        insert(alerts)
        .values(
            alert_id=new_id(),
            severity=severity,
            kind=kind,
            message=message,
            subject=subject,
            raised_at=desk_at,
            market_at=market_at,
        )
        .on_conflict_do_nothing(
            index_elements=[alerts.c.kind, alerts.c.subject],
            index_where=alerts.c.acknowledged_at.is_(None),
        )
    )
    return made.rowcount == 1


def acknowledge(conn: sa.Connection, *, alert_id: str, person_id: str, desk_at: datetime) -> bool:
    """Note who has seen an alert; False when somebody had."""
    changed = conn.execute(
        sa.update(alerts)
        .where(alerts.c.alert_id == alert_id, alerts.c.acknowledged_at.is_(None))
        .values(acknowledged_by=person_id, acknowledged_at=desk_at)
    ).rowcount
    if changed:
        audit.append(
            conn,
            at=desk_at,
            actor=person_id,
            action="alert.acknowledge",
            subject=alert_id,
            payload={},
        )
    return bool(changed)


def unacknowledged(conn: sa.Connection, *, last: int = 100) -> list[Alert]:
    """Return the open alerts, newest first."""
    query = (
        sa.select(alerts)
        .where(alerts.c.acknowledged_at.is_(None))
        .order_by(alerts.c.raised_at.desc())
        .limit(last)
    )
    return [Alert(**row._asdict()) for row in conn.execute(query)]
