"""How the sources of market data have done: kept as audited events, so no run forgets them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ledger import alerts, audit
from ledger.connection import transact
from ledger.tables import audit_head
from trading.clock import DeskClock

_FAIL: Final = "source.fail"
_ANSWER: Final = "source.answer"


@dataclass(frozen=True)
class SourceStanding:
    """Errors since the last answer, and until when the source is not asked."""

    failures: int = 0
    skipped_until: datetime | None = None  # desk time


@dataclass(frozen=True)
class SourceBook:
    """The standing of every source, and the alerts of a switch.

    Parameters
    ----------
    ledger : sqlalchemy.Engine
        From `ledger.connection.engine`.
    clock : DeskClock
        Wall time.
    """

    ledger: sa.Engine
    clock: DeskClock

    def standing(self, source: str) -> SourceStanding:
        """Return how a source has done since its last answer."""
        with self.ledger.connect() as conn:
            return standing(conn, source)

    def failed(self, source: str, reason: str, *, skip_until: datetime | None) -> SourceStanding:
        """Note an error; with `skip_until` the source is skipped until then."""
        return transact(
            self.ledger,
            lambda conn: failed(
                conn, source, reason, skip_until=skip_until, desk_at=self.clock.now()
            ),
        )

    def answered(self, source: str) -> None:
        """Note an answer after errors; where there were none, nothing is written."""
        if self.standing(source).failures:
            transact(self.ledger, lambda conn: answered(conn, source, desk_at=self.clock.now()))

    def switched(self, source: str, *, to: str | None, reason: str) -> None:
        """Raise an alert that another source serves, or nobody."""
        transact(
            self.ledger,
            lambda conn: switched(conn, source, to=to, reason=reason, desk_at=self.clock.now()),
        )


def standing(conn: sa.Connection, source: str) -> SourceStanding:
    """Return how a source has done since its last answer."""
    newest = audit.entries(conn, subject=_subject(source), last=1)
    if not newest or newest[0].action == _ANSWER:
        return SourceStanding()
    told = json.loads(newest[0].payload)
    until = told["skipped_until"]
    return SourceStanding(
        failures=told["failures"],
        skipped_until=None if until is None else datetime.fromisoformat(until),
    )


def failed(
    conn: sa.Connection,
    source: str,
    reason: str,
    *,
    skip_until: datetime | None,
    desk_at: datetime,
) -> SourceStanding:
    """Note an error of a source.

    Parameters
    ----------
    reason : str
        What it said, for people.
    skip_until : datetime or None
        Desk time until which it is not asked; None leaves what was decided before.

    Returns
    -------
    SourceStanding
        With this error counted.
    """
    # Two runs may fail at once: the chain's head, which each of them is about to lock anyway,
    # makes them count one after the other.
    conn.execute(sa.select(audit_head).with_for_update())
    before = standing(conn, source)
    now = SourceStanding(before.failures + 1, skip_until or before.skipped_until)
    audit.append(
        conn,
        at=desk_at,
        actor="desk",
        action=_FAIL,
        subject=_subject(source),
        payload={
            "failures": now.failures,
            "skipped_until": None if now.skipped_until is None else now.skipped_until.isoformat(),
            "reason": reason[:500],
        },
    )
    return now


def answered(conn: sa.Connection, source: str, *, desk_at: datetime) -> None:
    """Note an answer; one that had been skipped is told to people."""
    conn.execute(sa.select(audit_head).with_for_update())
    before = standing(conn, source)
    if not before.failures:
        return
    if before.skipped_until is not None:
        alerts.raise_once(
            conn,
            severity="note",
            kind="source_recovered",
            subject=source,
            message=f"{source} answers again, after {before.failures} errors. What another source "
            "served since is asked of it again, and the differences are reported.",
            desk_at=desk_at,
        )
    audit.append(
        conn,
        at=desk_at,
        actor="desk",
        action=_ANSWER,
        subject=_subject(source),
        payload={"failures_before": before.failures},
    )


def switched(
    conn: sa.Connection, source: str, *, to: str | None, reason: str, desk_at: datetime
) -> None:
    """Raise an alert that `to` serves in place of a source; None: that nobody does.

    A warning where somebody serves; critical where nobody does, for then the desk has no prices.
    """
    now = standing(conn, source)
    until = (
        "" if now.skipped_until is None else f" It is skipped until {now.skipped_until:%H:%M} UTC."
    )
    times = "once" if now.failures == 1 else f"{now.failures} times in a row"
    serves = "no other source serves" if to is None else f"{to} serves in its place"
    alerts.raise_once(
        conn,
        severity="critical" if to is None else "warning",
        kind="source_switched" if to is not None else "source_silent",
        subject=source,
        message=f"{source} erred {times}; {serves}.{until} Last: {reason[:300]}",
        desk_at=desk_at,
    )


def differed(
    conn: sa.Connection,
    primary: str,
    secondary: str,
    *,
    sentence: str,
    report: str,
    desk_at: datetime,
) -> None:
    """Raise an alert that two sources told different figures; `report` names the whole list."""
    alerts.raise_once(
        conn,
        severity="warning",
        kind="source_differences",
        subject=f"{primary} and {secondary}",
        message=f"{sentence} All of them: {report} in the lake.",
        desk_at=desk_at,
    )


def _subject(source: str) -> str:
    return f"source:{source}"
