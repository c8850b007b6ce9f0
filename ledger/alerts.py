"""Alerts: conditions that people must know of, one open alert for each."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit, people
from ledger.connection import new_id
from ledger.tables import alerts
from trading.errors import NotAllowedError

SEVERITIES = ("note", "warning", "critical")
ACKNOWLEDGERS = ("analyst", "steward", "signatory", "admin")


@dataclass(frozen=True)
class Alert:
    """A condition, and who has taken note of it."""

    alert_id: str
    severity: str  # note | warning | critical
    kind: str
    message: str
    subject: str  # what it is about: a symbol, order, process
    raised_at: datetime  # desk time
    market_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


def raise_once(
    conn: sa.Connection,
    *,
    severity: str,
    kind: str,
    subject: str,
    message: str,
    desk_at: datetime,
    market_at: datetime | None = None,
    actor: str = "desk",
) -> Alert | None:
    """Raise an alert unless one of this kind and subject is open.

    Parameters
    ----------
    severity : str
        One of `SEVERITIES`.
    kind, subject : str
        What happened, and to what; together they name the condition.
    message : str
        A sentence for people.
    actor : str
        The process that noticed it.

    Returns
    -------
    Alert or None
        The new alert; None when the condition is known already.

    Raises
    ------
    ValueError
        If the severity is unknown.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"A severity is one of {', '.join(SEVERITIES)}, was {severity!r}.")
    row = conn.execute(
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
        .returning(alerts)
    ).one_or_none()
    if row is None:
        return None
    audit.append(
        conn,
        at=desk_at,
        actor=actor,
        action="alert.raise",
        subject=row.alert_id,
        payload={"kind": kind, "severity": severity, "about": subject, "message": message},
    )
    return Alert(**row._asdict())


def acknowledge(
    conn: sa.Connection, *, alert_id: str, person_id: str, desk_at: datetime
) -> Alert | None:
    """Note that a person has seen an alert; the condition may then be raised anew.

    Returns
    -------
    Alert or None
        As acknowledged; None when someone did so before, or there is no such alert.

    Raises
    ------
    NotAllowedError
        If the person is not active or a mere viewer.
    """
    person = people.by_id(conn, person_id)
    if person is None or not any(person.may(role) for role in ACKNOWLEDGERS):
        raise NotAllowedError(
            f"Acknowledging an alert needs one of the roles {', '.join(ACKNOWLEDGERS)}."
        )
    row = conn.execute(
        sa.update(alerts)
        .where(alerts.c.alert_id == alert_id, alerts.c.acknowledged_at.is_(None))
        .values(acknowledged_by=person_id, acknowledged_at=desk_at)
        .returning(alerts)
    ).one_or_none()
    if row is None:
        return None
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action="alert.acknowledge",
        subject=alert_id,
        payload={"kind": row.kind, "about": row.subject},
    )
    return Alert(**row._asdict())


def clear(conn: sa.Connection, *, kind: str, subject: str, desk_at: datetime, actor: str) -> bool:
    """Close the open alert of a condition that is over; nobody needs to take note of it any more.

    Returns
    -------
    bool
        Whether one was open.
    """
    row = conn.execute(
        sa.update(alerts)
        .where(
            alerts.c.kind == kind,
            alerts.c.subject == subject,
            alerts.c.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=desk_at)
        .returning(alerts.c.alert_id)
    ).one_or_none()
    if row is None:
        return False
    audit.append(
        conn,
        at=desk_at,
        actor=actor,
        action="alert.clear",
        subject=row.alert_id,
        payload={"kind": kind, "about": subject},
    )
    return True


def unacknowledged(conn: sa.Connection, *, last: int = 200) -> list[Alert]:
    """Return the newest alerts that nobody has acknowledged, newest first."""
    query = (
        sa.select(alerts)
        .where(alerts.c.acknowledged_at.is_(None))
        .order_by(alerts.c.raised_at.desc(), alerts.c.alert_id.desc())
        .limit(last)
    )
    return [Alert(**row._asdict()) for row in conn.execute(query)]
