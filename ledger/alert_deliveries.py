"""Alerts on their way to people: what is due on which channel, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.alerts import SEVERITIES, Alert
from ledger.tables import alert_deliveries, alerts

LOG = "log"
# A channel that failed is tried again after 1, 2, 4, 8 minutes, and then given up for this alert.
ATTEMPTS = 5
_FIRST_PAUSE = timedelta(minutes=1)
# A process that died while sending leaves "sending" behind: after this it is sent again.
_ABANDONED = timedelta(minutes=2)


@dataclass(frozen=True)
class Delivery:
    """An alert on one channel."""

    alert_id: str
    channel: str
    state: str  # sending | sent | failed
    attempts: int
    first_at: datetime  # desk time
    changed_at: datetime
    detail: str


@dataclass(frozen=True)
class Due:
    """An alert to be sent now; `attempt` counts from 1."""

    alert: Alert
    channel: str
    attempt: int


def due(
    conn: sa.Connection,
    channels: Sequence[str],
    *,
    severity: str,
    escalate_after: timedelta,
    desk_at: datetime,
    last: int = 50,
) -> list[Due]:
    """Return what nobody has acknowledged and no channel has told yet, oldest first.

    Every alert goes to the log. One of `severity` or worse goes to the first channel at once,
    and to each further one when it was not acknowledged for `escalate_after` more, or at once
    when the channel before failed. An alert about a channel never goes to that channel.

    Parameters
    ----------
    channels : sequence of str
        In the order of escalation, without the log.
    severity : str
        The least that leaves the desk.
    last : int
        At most so many alerts are looked at.
    """
    waiting = conn.execute(
        sa.select(alerts)
        .where(alerts.c.acknowledged_at.is_(None))
        .order_by(alerts.c.raised_at.desc())
        .limit(last)
    )
    found = [Alert(**row._asdict()) for row in waiting]
    told = _told(conn, [one.alert_id for one in found])
    grave = SEVERITIES[SEVERITIES.index(severity) :]
    wanted: list[Due] = []
    for alert in reversed(found):
        chain = [name for name in channels if alert.subject != about(name)]
        steps = _steps(alert, chain, told, desk_at - alert.raised_at, escalate_after)
        for channel in [LOG, *(steps if alert.severity in grave else ())]:
            attempt = _attempt(told.get((alert.alert_id, channel)), desk_at)
            if attempt is not None:
                wanted.append(Due(alert, channel, attempt))
    return wanted


def begin(conn: sa.Connection, what: Due, *, desk_at: datetime) -> bool:
    """Note that an alert is about to be sent; commit before sending.

    Returns
    -------
    bool
        False when another process has begun the same attempt: then this one must not send.
    """
    statement = insert(alert_deliveries).values(
        alert_id=what.alert.alert_id,
        channel=what.channel,
        state="sending",
        attempts=what.attempt,
        first_at=desk_at,
        changed_at=desk_at,
    )
    return (
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=[alert_deliveries.c.alert_id, alert_deliveries.c.channel],
                set_={"state": "sending", "attempts": what.attempt, "changed_at": desk_at},
                where=alert_deliveries.c.attempts == what.attempt - 1,
            ).returning(alert_deliveries.c.alert_id)
        ).one_or_none()
        is not None
    )


def finish(
    conn: sa.Connection, what: Due, *, desk_at: datetime, failure: str | None = None
) -> None:
    """Note that an alert was sent, or why not."""
    conn.execute(
        sa.update(alert_deliveries)
        .where(
            alert_deliveries.c.alert_id == what.alert.alert_id,
            alert_deliveries.c.channel == what.channel,
        )
        .values(
            state="sent" if failure is None else "failed",
            changed_at=desk_at,
            detail=failure or "",
        )
    )


def latest(conn: sa.Connection, *, last: int = 30) -> list[Delivery]:
    """Return the newest deliveries, newest first; the log's are left out."""
    query = (
        sa.select(alert_deliveries)
        .where(alert_deliveries.c.channel != LOG)
        .order_by(alert_deliveries.c.changed_at.desc())
        .limit(last)
    )
    return [Delivery(**row._asdict()) for row in conn.execute(query)]


def about(channel: str) -> str:
    """Return the subject of alerts about a channel."""
    return f"channel:{channel}"


def _told(conn: sa.Connection, ids: Sequence[str]) -> dict[tuple[str, str], sa.Row[Any]]:
    rows = conn.execute(sa.select(alert_deliveries).where(alert_deliveries.c.alert_id.in_(ids)))
    return {(row.alert_id, row.channel): row for row in rows}


def _steps(
    alert: Alert,
    chain: Sequence[str],
    told: dict[tuple[str, str], sa.Row[Any]],
    age: timedelta,
    escalate_after: timedelta,
) -> list[str]:
    """The channels whose turn has come."""
    turns = int(age / escalate_after)
    reached = []
    for n, channel in enumerate(chain):
        before = told.get((alert.alert_id, chain[n - 1])) if n else None
        failed = before is not None and before.state == "failed"
        if n <= turns or failed:
            reached.append(channel)
    return reached


def _attempt(known: sa.Row[Any] | None, desk_at: datetime) -> int | None:
    """The number of the attempt that is due now; None when none is."""
    if known is None:
        return 1
    if known.state == "sent" or known.attempts >= ATTEMPTS:
        return None
    pause = _ABANDONED if known.state == "sending" else _FIRST_PAUSE * 2 ** (known.attempts - 1)
    return int(known.attempts) + 1 if desk_at - known.changed_at >= pause else None
