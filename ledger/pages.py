"""What the pages read: bounded queries over the ledger, frozen records out.

Everything here is for screens only; nothing decides by it. Instants are UTC; names ending in
``market_at`` (and the clock) are market time, other ``_at`` are desk time. Money is in the
account's currency, prices in USD per share.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from ledger import market, state, transfers
from ledger import tables as t
from trading.protection import is_protective

R = TypeVar("R")

_OPEN_STATES = ("open",)
_WORKING = ("intended", "sent", "accepted", "partially_filled", "unresolved")


@dataclass(frozen=True)
class Desk:
    """What the header shows."""

    clock: market.Clock | None
    account: market.Account | None
    day_gain: Decimal | None  # since the previous close, without what was paid in or taken out
    trading: state.StateNow
    to_decide: int
    alerts: int


@dataclass(frozen=True)
class Leg:
    """One leg of a proposal."""

    leg_id: str
    leg_no: int
    symbol: str
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    take_profit_price: Decimal | None
    stop_loss_price: Decimal | None
    reference_price: Decimal
    reduces: bool
    closed_code: str | None
    closed_sentence: str | None
    waiting_sentence: str | None  # why it was not sent when last tried
    trail_percent: Decimal | None = None  # 5 is 5 %
    trail_price: Decimal | None = None
    order_class: str | None = None  # oco: a target and a stop for what is held

    @property
    def protects(self) -> bool:
        """Whether it waits to close a position that is held."""
        return self.reduces and is_protective(self.order_type, self.order_class)


@dataclass(frozen=True)
class Mark:
    """A signature or a veto, with the person's name."""

    signature_id: str
    person_id: str
    person: str
    kind: str  # sign | veto
    reason_code: str | None
    reason_text: str | None
    signed_at: datetime
    market_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class Proposal:
    """A proposal with its legs and marks; `content` is the stored canonical JSON, parsed."""

    proposal_id: str
    code: str
    session: date
    environment: str
    account_id: str
    strategy: str
    model_version: str | None
    advisory: bool
    state: str
    content: dict[str, Any]
    content_hash: str
    valid_from: datetime
    valid_until: datetime
    drift_bound: Decimal
    drift_direction: str
    signatures_needed: int
    four_eyes_notional: Decimal
    notional: Decimal
    entered_by: str | None
    superseded_by: str | None
    created_market_at: datetime
    decided_at: datetime | None
    sending_at: datetime | None
    note: str | None
    legs: tuple[Leg, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Order:
    """An order with its reference price (USD per share) and its proposal's code."""

    client_order_id: str
    proposal_id: str
    code: str
    leg_id: str
    attempt: int
    state: str
    symbol: str
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    filled_quantity: Decimal
    average_price: Decimal | None
    reference_price: Decimal
    intended_at: datetime
    intended_market_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    final_at: datetime | None
    reason: str | None
    trail_percent: Decimal | None = None  # 5 is 5 %
    trail_price: Decimal | None = None

    @property
    def is_working(self) -> bool:
        """Whether the order may still change."""
        return self.state in _WORKING

    @property
    def slippage(self) -> float | None:
        """Fill price against the reference as a fraction; positive is a cost."""
        if self.average_price is None or not self.reference_price:
            return None
        moved = float(self.average_price / self.reference_price) - 1.0
        return moved if self.side == "buy" else -moved


@dataclass(frozen=True)
class Fill:
    """One execution."""

    execution_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    market_at: datetime
    code: str
    reference_price: Decimal


@dataclass(frozen=True)
class Alert:
    """A condition that people must know of."""

    alert_id: str
    severity: str  # note | warning | critical
    kind: str
    message: str
    subject: str
    raised_at: datetime
    market_at: datetime | None


@dataclass(frozen=True)
class DailyRun:
    """The daily run of one session."""

    session: date
    state: str  # running | done | failed
    proposals: int
    detail: str


@dataclass(frozen=True)
class Reconciliation:
    """The last comparison of broker and ledger."""

    finished_at: datetime
    clean: bool
    differences: int


def desk(conn: sa.Connection) -> Desk:
    """Return clock, account, trading state and the counts of the header."""
    to_decide = conn.scalar(
        sa.select(sa.func.count()).select_from(t.proposals).where(t.proposals.c.state == "open")
    )
    alerts = conn.scalar(
        sa.select(sa.func.count())
        .select_from(t.alerts)
        .where(t.alerts.c.acknowledged_at.is_(None), t.alerts.c.severity != "note")
    )
    account = market.latest_account(conn)
    close = None if account is None else transfers.last_close(conn, account)
    return Desk(
        clock=market.latest_clock(conn),
        account=account,
        day_gain=None if account is None or close is None else account.equity - close,
        trading=state.current(conn),
        to_decide=int(to_decide or 0),
        alerts=int(alerts or 0),
    )


def proposals(
    conn: sa.Connection, *, states: Sequence[str] = _OPEN_STATES, limit: int = 100
) -> tuple[Proposal, ...]:
    """Return up to `limit` proposals in `states`, the oldest open ones first.

    Parameters
    ----------
    conn : sqlalchemy.Connection
    states : sequence of str
        Which states to return.
    limit : int
        The newest so many.

    Returns
    -------
    tuple of Proposal
        In the order in which they were made.
    """
    rows = (
        conn.execute(
            sa.select(t.proposals)
            .where(t.proposals.c.state.in_(states))
            .order_by(t.proposals.c.created_at.desc(), t.proposals.c.code)
            .limit(limit)
        )
        .mappings()
        .all()
    )
    return _with_parts(conn, list(reversed(rows)))


def proposals_by_code(conn: sa.Connection, codes: Sequence[str]) -> tuple[Proposal, ...]:
    """Return the proposals with these codes, in the order of making."""
    rows = (
        conn.execute(
            sa.select(t.proposals)
            .where(t.proposals.c.code.in_(codes))
            .order_by(t.proposals.c.created_at)
        )
        .mappings()
        .all()
    )
    return _with_parts(conn, rows)


def replaced(conn: sa.Connection, *, by: str) -> Proposal | None:
    """Return the proposal whose place the one with the id `by` took, if it took any."""
    return _proposal(conn, t.proposals.c.superseded_by == by)


def replacing(conn: sa.Connection, *, old: str) -> Proposal | None:
    """Return the proposal that took the place of the one with the id `old`, if any did."""
    return _proposal(conn, t.proposals.c.supersedes == old)


def orders(
    conn: sa.Connection, *, proposal_id: str | None = None, limit: int = 200
) -> tuple[Order, ...]:
    """Return up to `limit` orders, the newest first; of one proposal if told."""
    asked = (
        sa.select(t.orders, t.proposals.c.code, t.legs.c.reference_price)
        .join(t.proposals, t.proposals.c.proposal_id == t.orders.c.proposal_id)
        .join(t.legs, t.legs.c.leg_id == t.orders.c.leg_id)
        .order_by(t.orders.c.intended_at.desc())
        .limit(limit)
    )
    if proposal_id is not None:
        asked = asked.where(t.orders.c.proposal_id == proposal_id)
    return _many(conn, asked, Order)


def fills(conn: sa.Connection, *, limit: int = 200) -> tuple[Fill, ...]:
    """Return up to `limit` fills that stand, the newest first."""
    asked = (
        sa.select(t.fills, t.proposals.c.code, t.legs.c.reference_price)
        .join(t.orders, t.orders.c.client_order_id == t.fills.c.client_order_id)
        .join(t.legs, t.legs.c.leg_id == t.orders.c.leg_id)
        .join(t.proposals, t.proposals.c.proposal_id == t.orders.c.proposal_id)
        .where(t.fills.c.busted_at.is_(None))
        .order_by(t.fills.c.market_at.desc())
        .limit(limit)
    )
    return _many(conn, asked, Fill)


def alerts(conn: sa.Connection, *, limit: int = 20) -> tuple[Alert, ...]:
    """Return the newest alerts that nobody has acknowledged."""
    asked = (
        sa.select(t.alerts)
        .where(t.alerts.c.acknowledged_at.is_(None))
        .order_by(t.alerts.c.raised_at.desc())
        .limit(limit)
    )
    return _many(conn, asked, Alert)


def latest_daily_run(conn: sa.Connection) -> DailyRun | None:
    """Return the daily run of the newest session, if any was started."""
    return _one(
        conn, sa.select(t.daily_runs).order_by(t.daily_runs.c.session.desc()).limit(1), DailyRun
    )


def latest_reconciliation(conn: sa.Connection) -> Reconciliation | None:
    """Return the last comparison of broker and ledger, if there was one."""
    asked = sa.select(
        t.reconciliations.c.finished_at,
        t.reconciliations.c.clean,
        sa.func.jsonb_array_length(t.reconciliations.c.differences).label("differences"),
    ).order_by(t.reconciliations.c.seq.desc())
    return _one(conn, asked.limit(1), Reconciliation)


def names(conn: sa.Connection) -> dict[str, str]:
    """Return the display name of every person by id (at most 1,000)."""
    rows = conn.execute(sa.select(t.people.c.person_id, t.people.c.display_name).limit(1_000))
    return {str(row.person_id): str(row.display_name) for row in rows}


def _with_parts(conn: sa.Connection, rows: Sequence[sa.RowMapping]) -> tuple[Proposal, ...]:
    ids = [row["proposal_id"] for row in rows]
    if not ids:
        return ()
    legs = conn.execute(
        sa.select(t.legs).where(t.legs.c.proposal_id.in_(ids)).order_by(t.legs.c.leg_no)
    ).mappings()
    marks = conn.execute(
        sa.select(t.signatures, t.people.c.display_name.label("person"))
        .join(t.people, t.people.c.person_id == t.signatures.c.person_id)
        .where(t.signatures.c.proposal_id.in_(ids))
        .order_by(t.signatures.c.signed_at)
    ).mappings()
    legs_of: dict[str, list[Leg]] = {}
    for leg in legs:
        legs_of.setdefault(leg["proposal_id"], []).append(_record(leg, Leg))
    marks_of: dict[str, list[Mark]] = {}
    for mark in marks:
        marks_of.setdefault(mark["proposal_id"], []).append(_record(mark, Mark))
    return tuple(
        _record(
            dict(row)
            | {
                "content": json.loads(row["content"]),
                "legs": tuple(legs_of.get(row["proposal_id"], ())),
                "marks": tuple(marks_of.get(row["proposal_id"], ())),
            },
            Proposal,
        )
        for row in rows
    )


def _record(row: Mapping[Any, Any], kind: type[R]) -> R:
    return kind(**{field.name: row[field.name] for field in fields(cast("Any", kind))})


def _many(conn: sa.Connection, asked: sa.Select[Any], kind: type[R]) -> tuple[R, ...]:
    return tuple(_record(row, kind) for row in conn.execute(asked).mappings())


def _proposal(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Proposal | None:
    rows = conn.execute(sa.select(t.proposals).where(which)).mappings().all()
    return next(iter(_with_parts(conn, rows)), None)


def _one(conn: sa.Connection, asked: sa.Select[Any], kind: type[R]) -> R | None:
    row = conn.execute(asked).mappings().first()
    return None if row is None else _record(row, kind)
