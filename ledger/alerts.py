"""Alerts: what people must know of, one open alert for each.

An *event* happened once: acknowledged, it is raised anew when it happens again. A *condition*
lasts: acknowledged, it stays so until it is over or becomes another one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit, people
from ledger.connection import new_id
from ledger.tables import alerts
from trading.alerting import Figure, Held, Rule

SEVERITIES = ("note", "warning", "critical")
ACKNOWLEDGERS = ("analyst", "steward", "signatory", "admin")
_AT_ONCE = timedelta(0)
# A figure that flutters about its threshold is one alert.
_SAME_CONDITION = timedelta(minutes=10)


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
    condition: str  # what exactly lasts; empty for an event
    noticed_by: str  # the process that noticed it
    over_at: datetime | None  # desk time; None while the condition lasts


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
    condition: str | None = None,
    anew_after: timedelta = _AT_ONCE,
) -> Alert | None:
    """Raise an alert unless one of this kind and subject is open.

    A condition that a person has acknowledged is not raised again while it is the same.

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
    condition : str, optional
        What lasts, in words or figures that do not change while it is the same; `over` ends
        it. None for an event.
    anew_after : timedelta
        An acknowledged condition that comes back within this time of its end is the same one:
        a figure that flutters about its threshold is one alert.

    Returns
    -------
    Alert or None
        The new alert; None when people know of it already.

    Raises
    ------
    ValueError
        If the severity is unknown.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"A severity is one of {', '.join(SEVERITIES)}, was {severity!r}.")
    if condition is not None and _is_known(conn, kind, subject, condition, desk_at, anew_after):
        return None
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
            condition=condition or "",
            noticed_by=actor,
            over_at=desk_at if condition is None else None,
        )
        .on_conflict_do_nothing(
            index_elements=[alerts.c.kind, alerts.c.subject],
            index_where=alerts.c.acknowledged_at.is_(None),
        )
        .returning(alerts)
    ).one_or_none()
    if row is None:
        if condition is not None:
            _goes_on(conn, kind, subject, condition)
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


def _is_known(
    conn: sa.Connection,
    kind: str,
    subject: str,
    condition: str,
    desk_at: datetime,
    anew_after: timedelta,
) -> bool:
    """Whether a person acknowledged this very condition and it lasts; ends what it replaces."""
    about = (alerts.c.kind == kind, alerts.c.subject == subject)
    lasts = alerts.c.over_at.is_(None)
    acknowledged = alerts.c.acknowledged_at.is_not(None)
    conn.execute(
        sa.update(alerts)
        .where(*about, acknowledged, lasts, alerts.c.condition != condition)
        .values(over_at=desk_at)
    )
    same = (*about, alerts.c.acknowledged_by.is_not(None), alerts.c.condition == condition)
    known = conn.scalar(
        sa.select(alerts.c.alert_id)
        .where(*same, sa.or_(lasts, alerts.c.over_at > desk_at - anew_after))
        .order_by(alerts.c.raised_at.desc())
        .limit(1)
    )
    if known is None:
        return False
    conn.execute(sa.update(alerts).where(alerts.c.alert_id == known, ~lasts).values(over_at=None))
    return True


def _goes_on(conn: sa.Connection, kind: str, subject: str, condition: str) -> None:
    """Note what the open alert is about now."""
    conn.execute(
        sa.update(alerts)
        .where(
            alerts.c.kind == kind,
            alerts.c.subject == subject,
            alerts.c.acknowledged_at.is_(None),
            sa.or_(alerts.c.over_at.is_not(None), alerts.c.condition != condition),
        )
        .values(over_at=None, condition=condition)
    )


def over(
    conn: sa.Connection,
    *,
    noticed_by: str,
    still: Collection[tuple[str, str]],
    desk_at: datetime,
    kinds: Collection[str] | None = None,
) -> int:
    """End the conditions of one process that hold no more; return how many ended.

    An alert that nobody has acknowledged stays open: people must know what was.

    Parameters
    ----------
    noticed_by : str
        The process whose conditions are looked at.
    still : collection of (str, str)
        Kind and subject of each that goes on.
    kinds : collection of str, optional
        Only these were looked at; None for all.
    """
    lasting = sa.select(alerts).where(alerts.c.noticed_by == noticed_by, alerts.c.over_at.is_(None))
    if kinds is not None:
        lasting = lasting.where(alerts.c.kind.in_(kinds))
    ended = [row for row in conn.execute(lasting) if (row.kind, row.subject) not in still]
    if not ended:
        return 0
    ids = [alert.alert_id for alert in ended]
    conn.execute(sa.update(alerts).where(alerts.c.alert_id.in_(ids)).values(over_at=desk_at))
    for alert in ended:
        audit.append(
            conn,
            at=desk_at,
            actor=noticed_by,
            action="alert.over",
            subject=alert.alert_id,
            payload={"kind": alert.kind, "about": alert.subject},
        )
    return len(ended)


def watch(
    conn: sa.Connection,
    held: Sequence[Held],
    *,
    looked_at: Sequence[Figure],
    rules: Sequence[Rule],
    desk_at: datetime,
    market_at: datetime | None,
    actor: str,
) -> list[Alert]:
    """Raise an alert for each rule that holds, and end those whose figure is back within.

    Parameters
    ----------
    held : sequence of trading.alerting.Held
        From `trading.alerting.holding`.
    looked_at : sequence of trading.alerting.Figure
        What is known now: a condition whose figure is not known goes on.
    rules : sequence of trading.alerting.Rule
        Those that were looked at; a condition of a rule retired since is over.

    Returns
    -------
    list of Alert
        The new ones.
    """
    raised = [
        raise_once(
            conn,
            severity=one.rule.severity,
            kind=one.rule.kind,
            subject=one.subject,
            message=one.sentence,
            desk_at=desk_at,
            market_at=market_at,
            actor=actor,
            condition=one.rule.condition,
            anew_after=_SAME_CONDITION,
        )
        for one in held
    ]
    known = {(figure.measure, figure.subject) for figure in looked_at}
    measures = {rule.kind: rule.measure for rule in rules}
    still = {(one.rule.kind, one.subject) for one in held}
    still |= {
        (alert.kind, alert.subject)
        for alert in _conditions(conn, actor)
        if alert.kind in measures and (measures[alert.kind], alert.subject) not in known
    }
    over(conn, noticed_by=actor, still=still, desk_at=desk_at)
    return [alert for alert in raised if alert is not None]


def _conditions(conn: sa.Connection, noticed_by: str) -> list[Alert]:
    query = sa.select(alerts).where(alerts.c.noticed_by == noticed_by, alerts.c.over_at.is_(None))
    return [Alert(**row._asdict()) for row in conn.execute(query)]


def acknowledge(
    conn: sa.Connection, *, alert_id: str, person_id: str, desk_at: datetime
) -> Alert | None:
    """Note that a person has seen an alert; it is raised anew when it happens anew.

    Returns
    -------
    Alert or None
        As acknowledged; None when someone did so before, or there is no such alert.

    Raises
    ------
    NotAllowedError
        If the person is not active or a mere viewer.
    """
    people.require(conn, person_id, ACKNOWLEDGERS, deed="Acknowledging an alert")
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
        .values(acknowledged_at=desk_at, over_at=sa.func.coalesce(alerts.c.over_at, desk_at))
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


def lasting(conn: sa.Connection, *, last: int = 100) -> list[Alert]:
    """Return the conditions that people have acknowledged and that last, newest first."""
    query = (
        sa.select(alerts)
        .where(alerts.c.acknowledged_by.is_not(None), alerts.c.over_at.is_(None))
        .order_by(alerts.c.raised_at.desc(), alerts.c.alert_id.desc())
        .limit(last)
    )
    return [Alert(**row._asdict()) for row in conn.execute(query)]
