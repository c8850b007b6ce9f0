"""Executions and bookings as the lots and the cash ledger take them, and orders as they traded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ledger.bookings import Correction, corrections
from ledger.tables import bookings, fills, legs, orders, proposals
from quant.execution_cost import Execution
from trading.lots import Booked, Corrected, Event, Sleeve, Trade

_NEW_YORK = ZoneInfo("America/New_York")


def events(conn: sa.Connection, *, last: date) -> list[Event]:
    """Return what stands of executions and bookings up to a session, in order.

    A booking of the broker's comes before the trades of its day, a correction between them. One
    without shares of a symbol, such as interest, has an empty symbol.
    """
    trades = conn.execute(
        sa.select(fills, proposals.c.strategy, proposals.c.model_version)
        .join(orders, orders.c.client_order_id == fills.c.client_order_id)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .where(fills.c.busted_at.is_(None))
        .order_by(fills.c.market_at, fills.c.execution_id)
    )
    booked = conn.execute(
        sa.select(bookings)
        .where(bookings.c.day <= last, bookings.c.market_at.is_(None))
        .order_by(bookings.c.day, bookings.c.booking_id)
    )
    found: list[Event] = [
        Booked(row.booking_id, row.day, row.kind, row.symbol or "", row.quantity, row.cash)
        for row in booked
    ]
    moved: list[tuple[datetime, Event]] = [(row.market_at, _trade(row)) for row in trades]
    moved += [(one.market_at, _corrected(one)) for one in corrections(conn)]
    moved.sort(key=itemgetter(0))
    found += [event for _, event in moved if event.session <= last]
    return sorted(found, key=lambda event: event.session)  # stable: bookings stay in front


def _trade(row: sa.Row[Any]) -> Trade:
    return Trade(
        trade_id=row.execution_id,
        session=session_of(row.market_at),
        sleeve=Sleeve(row.symbol, row.strategy, row.model_version or ""),
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
    )


def _corrected(one: Correction) -> Corrected:
    session = session_of(one.market_at)
    return Corrected(one.booking_id, session, one.symbol, one.quantity, one.price)


@dataclass(frozen=True)
class Worked:
    """A leg that was sent, and what was filled of it.

    Attributes
    ----------
    arrived_at : datetime
        Market time of its first order's intent.
    decision_price : Decimal
        The proposal's reference, USD per share.
    """

    code: str
    leg_no: int
    strategy: str
    symbol: str
    side: str
    quantity: Decimal
    decision_price: Decimal
    arrived_at: datetime
    fees: Decimal
    fills: Sequence[Execution] = field(default_factory=tuple)

    @property
    def session(self) -> date:
        """The session its first order was made in."""
        return session_of(self.arrived_at)


def worked(conn: sa.Connection, *, session: date) -> list[Worked]:
    """Return the legs whose first order was made in a session and none of whose orders works."""
    rows = conn.execute(
        sa.select(
            legs, proposals.c.code, proposals.c.strategy,
            sa.func.min(orders.c.intended_market_at).label("arrived_at"),
            sa.func.bool_and(orders.c.final_at.is_not(None)).label("over"),
        )
        .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
        .join(orders, orders.c.leg_id == legs.c.leg_id)
        .where(orders.c.parent_client_order_id.is_(None))
        .group_by(legs.c.leg_id, proposals.c.code, proposals.c.strategy)
        .order_by(proposals.c.code, legs.c.leg_no)
    )  # fmt: skip
    found = []
    for row in rows:
        if not row.over or session_of(row.arrived_at) != session:
            continue
        made = conn.execute(
            sa.select(fills.c.quantity, fills.c.price, fills.c.fee)
            .join(orders, orders.c.client_order_id == fills.c.client_order_id)
            .where(
                orders.c.leg_id == row.leg_id,
                orders.c.parent_client_order_id.is_(None),
                fills.c.busted_at.is_(None),
            )
        ).all()
        found.append(
            Worked(
                code=row.code, leg_no=row.leg_no, strategy=row.strategy, symbol=row.symbol,
                side=row.side, quantity=row.quantity, decision_price=row.reference_price,
                arrived_at=row.arrived_at, fees=sum((one.fee for one in made), Decimal(0)),
                fills=tuple(Execution(one.quantity, one.price) for one in made),
            )
        )  # fmt: skip
    return found


def session_of(at: datetime) -> date:
    """Return the exchange-local day of a market time."""
    return at.astimezone(_NEW_YORK).date()
