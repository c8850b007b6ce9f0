"""The figures of the circuit breakers, and what becomes of one that trips."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ledger import alerts, feeds, market, runs, situation, state
from ledger.tables import alerts as alerts_table
from ledger.tables import reconciliations
from trading.breakers import Circuit, Trip
from trading.ledger import Stamp

_PROCESS = "breakers"
_UNANSWERED = "broker_away"


def circuit(
    conn: sa.Connection, *, desk_at: datetime, watched_since: datetime, with_feed: bool = True
) -> Circuit | None:
    """Return what the breakers look at; None before the market's clock was heard.

    Parameters
    ----------
    desk_at : datetime
        Wall time, to which silence is counted.
    watched_since : datetime
        Wall time from which it is counted at the earliest: a desk that was down heard nobody.
    with_feed : bool
        Whether the desk has a live feed; what one that was switched off said last stays in
        the ledger, and its silence means nothing.
    """
    clock = market.latest_clock(conn)
    if clock is None:
        return None
    heard_at = _heard_at(conn, clock) if with_feed else None
    oldest = conn.execute(
        sa.select(alerts_table)
        .where(
            alerts_table.c.acknowledged_at.is_(None),
            alerts_table.c.severity == "critical",
            alerts_table.c.kind.not_like("breaker%"),
        )
        .order_by(alerts_table.c.raised_at)
        .limit(1)
    ).one_or_none()
    return Circuit(
        session=clock.session,
        market_at=clock.now,
        is_open=clock.is_open,
        account=situation.situation(conn, desk_at=desk_at).account,
        feed_silent=None if heard_at is None else _silence(heard_at, watched_since, desk_at),
        broker_silent=_silence(_answered_at(conn) or watched_since, watched_since, desk_at),
        alert_waits=None if oldest is None else desk_at - oldest.raised_at,
        alert_id=None if oldest is None else oldest.alert_id,
    )


def _silence(heard_at: datetime, watched_since: datetime, desk_at: datetime) -> timedelta:
    """Wall time since the last word; of one from the future nobody knows how old it is."""
    return min(abs(desk_at - heard_at), desk_at - watched_since)


def trip(conn: sa.Connection, found: Sequence[Trip], *, at: Stamp) -> list[Trip]:
    """Tighten the trading state and raise an alert for each breaker not tripped before.

    Returns
    -------
    list of Trip
        Those that tripped now: a person who resumed an episode has decided about it.
    """
    new = [one for one in found if not _tripped(conn, one)]
    for one in new:
        alerts.raise_once(
            conn,
            severity="critical",
            kind=one.kind,
            subject=one.episode,
            message=one.sentence,
            desk_at=at.desk_at,
            market_at=at.market_at,
            actor=_PROCESS,
        )
        state.tighten(conn, to=one.to, reason=one.sentence, process=_PROCESS, desk_at=at.desk_at)
    return new


def _tripped(conn: sa.Connection, one: Trip) -> bool:
    """Whether it did in this episode, acknowledged since or not."""
    return bool(
        conn.scalar(
            sa.select(
                sa.exists().where(
                    alerts_table.c.kind == one.kind, alerts_table.c.subject == one.episode
                )
            )
        )
    )


def _heard_at(conn: sa.Connection, clock: market.Clock) -> datetime | None:
    """When the feed last did its work; None before its first report.

    One that reports and hears no bar is lost as well, from when people were told of it. Not in a
    replay: how late its bars are is the machine's pace.
    """
    feed = runs.by_id(conn, feeds.JOB)
    if feed is None or clock.replay:
        return None if feed is None else feed.updated_at
    stale_at: datetime | None = conn.scalar(
        sa.select(sa.func.min(alerts_table.c.raised_at)).where(
            alerts_table.c.kind == feeds.STALE_ALERT,
            alerts_table.c.acknowledged_at.is_(None),
        )
    )
    return feed.updated_at if stale_at is None else min(stale_at, feed.updated_at)


def _answered_at(conn: sa.Connection) -> datetime | None:
    """When a comparison last had all its answers; None before the first that had."""
    unanswered = reconciliations.c.differences.contains([{"kind": _UNANSWERED}])
    answered: datetime | None = conn.scalar(
        sa.select(reconciliations.c.finished_at)
        .where(sa.not_(unanswered))
        .order_by(reconciliations.c.seq.desc())
        .limit(1)
    )
    return answered
