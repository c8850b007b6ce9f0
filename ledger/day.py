"""What happened on the desk between two moments of the market, for the end-of-day report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger.tables import (
    alerts,
    fills,
    legs,
    orders,
    people,
    proposals,
    reconciliations,
    signatures,
)


@dataclass(frozen=True)
class Decision:
    """A signature or a veto, and the first leg of what it was about."""

    market_at: datetime
    person: str
    kind: str  # sign | veto
    reason: str
    code: str
    trade: str  # buy 25 IBM


@dataclass(frozen=True)
class Sent:
    """An order that was made, and what became of it."""

    market_at: datetime
    code: str
    trade: str
    state: str
    filled: Decimal
    average_price: Decimal | None
    reason: str


@dataclass(frozen=True)
class Unsent:
    """An order that somebody signed and the desk has not made, and why."""

    market_at: datetime  # of the last signature
    code: str
    trade: str
    reason: str


@dataclass(frozen=True)
class Filled:
    """An execution."""

    market_at: datetime
    code: str
    trade: str
    price: Decimal
    fee: Decimal


@dataclass(frozen=True)
class Noted:
    """An alert, or a difference between ledger and broker."""

    market_at: datetime
    severity: str
    sentence: str
    acknowledged: bool


@dataclass(frozen=True)
class Day:
    """Everything after `after` and up to `until`, market time."""

    decisions: Sequence[Decision]
    sent: Sequence[Sent]
    unsent: Sequence[Unsent]
    filled: Sequence[Filled]
    alerts: Sequence[Noted]
    differences: Sequence[Noted]
    comparisons: int


def day(conn: sa.Connection, *, after: datetime, until: datetime) -> Day:
    """Return what people and the desk did in a stretch of market time.

    Parameters
    ----------
    after, until : datetime
        Market time, the first not included.
    """
    compared = conn.scalar(
        sa.select(sa.func.count())
        .select_from(reconciliations)
        .where(_within(reconciliations.c.market_at, after, until))
    )
    return Day(
        decisions=_decisions(conn, after, until),
        sent=_sent(conn, after, until),
        unsent=_unsent(conn, after, until),
        filled=_filled(conn, after, until),
        alerts=_alerts(conn, after, until),
        differences=_differences(conn, after, until),
        comparisons=int(compared or 0),
    )


def _within(
    column: sa.ColumnElement[Any], after: datetime, until: datetime
) -> sa.ColumnElement[bool]:
    return sa.and_(column > after, column <= until)


def _decisions(conn: sa.Connection, after: datetime, until: datetime) -> list[Decision]:
    rows = conn.execute(
        sa.select(
            signatures.c.market_at, people.c.display_name, signatures.c.kind,
            signatures.c.reason_code, proposals.c.code, legs.c.side, legs.c.quantity,
            legs.c.symbol,
        )
        .join(proposals, proposals.c.proposal_id == signatures.c.proposal_id)
        .join(people, people.c.person_id == signatures.c.person_id)
        .join(legs, sa.and_(legs.c.proposal_id == proposals.c.proposal_id, legs.c.leg_no == 1))
        .where(
            _within(signatures.c.market_at, after, until), signatures.c.withdrawn_at.is_(None)
        )
        .order_by(signatures.c.market_at, proposals.c.code)
    )  # fmt: skip
    return [
        Decision(
            row.market_at, row.display_name, row.kind, row.reason_code or "", row.code, _trade(row)
        )
        for row in rows
    ]


def _sent(conn: sa.Connection, after: datetime, until: datetime) -> list[Sent]:
    rows = conn.execute(
        sa.select(orders, proposals.c.code)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .where(_within(orders.c.intended_market_at, after, until))
        .order_by(orders.c.intended_market_at, orders.c.client_order_id)
    )
    return [
        Sent(
            row.intended_market_at, row.code, _trade(row), row.state, row.filled_quantity,
            row.average_price, row.reason or "",
        )
        for row in rows
    ]  # fmt: skip


def _unsent(conn: sa.Connection, after: datetime, until: datetime) -> list[Unsent]:
    """Legs signed in that stretch for which no order was made by its end."""
    last = sa.func.max(signatures.c.market_at).label("market_at")
    made = sa.exists().where(orders.c.leg_id == legs.c.leg_id, orders.c.intended_market_at <= until)
    rows = conn.execute(
        sa.select(
            last, proposals.c.code, proposals.c.note, legs.c.leg_no, legs.c.side,
            legs.c.quantity, legs.c.symbol, legs.c.closed_sentence, legs.c.waiting_sentence,
        )
        .join(proposals, proposals.c.proposal_id == signatures.c.proposal_id)
        .join(legs, legs.c.proposal_id == proposals.c.proposal_id)
        .where(
            _within(signatures.c.market_at, after, until), signatures.c.kind == "sign",
            signatures.c.withdrawn_at.is_(None), sa.not_(made),
        )
        .group_by(proposals.c.proposal_id, legs.c.leg_id)
        .order_by(last, proposals.c.code, legs.c.leg_no)
    )  # fmt: skip
    return [
        Unsent(
            row.market_at, row.code, _trade(row),
            row.closed_sentence or row.waiting_sentence or row.note or "It waits to be sent.",
        )
        for row in rows
    ]  # fmt: skip


def _filled(conn: sa.Connection, after: datetime, until: datetime) -> list[Filled]:
    rows = conn.execute(
        sa.select(fills, proposals.c.code)
        .join(orders, orders.c.client_order_id == fills.c.client_order_id)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .where(_within(fills.c.market_at, after, until), fills.c.busted_at.is_(None))
        .order_by(fills.c.market_at, fills.c.execution_id)
    )
    return [Filled(row.market_at, row.code, _trade(row), row.price, row.fee) for row in rows]


def _alerts(conn: sa.Connection, after: datetime, until: datetime) -> list[Noted]:
    rows = conn.execute(
        sa.select(alerts)
        .where(_within(alerts.c.market_at, after, until))
        .order_by(alerts.c.market_at, alerts.c.alert_id)
    )
    return [
        Noted(row.market_at, row.severity, row.message, row.acknowledged_at is not None)
        for row in rows
    ]


def _differences(conn: sa.Connection, after: datetime, until: datetime) -> list[Noted]:
    """Each difference once, when it was first seen; bookings of the broker are none."""
    rows = conn.execute(
        sa.select(reconciliations.c.market_at, reconciliations.c.differences)
        .where(
            _within(reconciliations.c.market_at, after, until),
            sa.func.jsonb_array_length(reconciliations.c.differences) > 0,
        )
        .order_by(reconciliations.c.market_at)
    )
    found: dict[str, Noted] = {}
    for row in rows:
        for one in row.differences:
            severity = "critical" if one["grave"] else "note"
            said = Noted(row.market_at, severity, one["sentence"], acknowledged=False)
            found.setdefault(one["sentence"], said)
    return list(found.values())


def _trade(row: Any) -> str:
    return f"{row.side} {row.quantity.normalize():f} {row.symbol}"
