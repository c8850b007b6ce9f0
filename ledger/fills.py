"""Executions, each recorded once, and what they add up to."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import bookings
from ledger.tables import fills, orders, proposals
from trading import positions
from trading.broker import BrokerBooking, BrokerFill
from trading.ledger import Stamp
from trading.orders import Fill
from trading.positions import Executed, Rescaled, quantities

_NEW_YORK = ZoneInfo("America/New_York")


def add(conn: sa.Connection, told: Sequence[BrokerFill], *, at: Stamp) -> list[str]:
    """Record executions of known orders; the same execution again changes nothing.

    Returns
    -------
    list of str
        The client order id of each new execution.
    """
    known = set(
        conn.scalars(
            sa.select(orders.c.client_order_id).where(
                orders.c.client_order_id.in_({one.client_order_id for one in told})
            )
        )
    )
    # In one order, so that two writers cannot deadlock.
    rows = [
        {
            "execution_id": one.fill.execution_id,
            "client_order_id": one.client_order_id,
            "broker_order_id": one.broker_order_id,
            "symbol": one.symbol,
            "side": one.side,
            "quantity": one.fill.quantity,
            "price": one.fill.price,
            "fee": one.fee,
            "market_at": one.market_at,
            "recorded_at": at.desk_at,
            "source": at.source,
        }
        for one in sorted(told, key=lambda one: one.fill.execution_id)
        if one.client_order_id in known
    ]
    if not rows:
        return []
    made = conn.execute(
        insert(fills)
        .values(rows)
        .on_conflict_do_nothing(index_elements=[fills.c.execution_id])
        .returning(fills.c.client_order_id)
    )
    return [row.client_order_id for row in made]


def total(conn: sa.Connection, client_order_id: str) -> tuple[Decimal, Decimal | None]:
    """Return shares filled of an order and their average price, USD per share."""
    row = conn.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(fills.c.quantity), 0).label("quantity"),
            sa.func.sum(fills.c.quantity * fills.c.price).label("value"),
        ).where(fills.c.client_order_id == client_order_id, fills.c.busted_at.is_(None))
    ).one()
    quantity = Decimal(row.quantity)
    return quantity, Decimal(row.value) / quantity if quantity else None


def events(conn: sa.Connection, *, strategy: str | None = None) -> list[Executed | Rescaled]:
    """Return all executions, of one strategy if named, in order, with the splits between them.

    A split is booked for the whole account: its ratio follows from what all strategies held.
    """
    booked = bookings.of_shares(conn)
    held: dict[str, Decimal] = defaultdict(Decimal)
    found: list[Executed | Rescaled] = []
    for row in _rows(conn):
        while booked and booked[0].day <= row.market_at.astimezone(_NEW_YORK).date():
            found += _rescaled(booked.pop(0), held)
        fill = _executed(row)
        held[fill.symbol] += fill.signed_quantity
        if strategy in {None, row.strategy}:
            found.append(fill)
    for one in booked:
        found += _rescaled(one, held)
    return found


def _rows(conn: sa.Connection) -> sa.CursorResult[Any]:
    return conn.execute(
        sa.select(fills, proposals.c.strategy)
        .join(orders, orders.c.client_order_id == fills.c.client_order_id)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .where(fills.c.busted_at.is_(None))
        .order_by(fills.c.market_at, fills.c.execution_id)
    )


def _executed(row: sa.Row[Any]) -> Executed:
    return Executed(
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
    )


def _rescaled(booked: BrokerBooking, held: dict[str, Decimal]) -> list[Rescaled]:
    """What a booking of shares did to each share held; none when nothing was held."""
    symbol = booked.symbol or ""
    before = held[symbol]
    held[symbol] += booked.quantity
    return [Rescaled(symbol, held[symbol] / before)] if before else []


def losses_in_a_row(conn: sa.Connection, strategy: str) -> int:
    """Return how many of the strategy's newest closing orders lost money in a row, after fees."""
    return positions.losses_in_a_row(positions.closings(events(conn, strategy=strategy)))


def holdings(conn: sa.Connection) -> dict[str, Decimal]:
    """Return signed shares per symbol as executions and bookings add up; flat ones left out."""
    held = defaultdict(Decimal, quantities(_executed(row) for row in _rows(conn)))
    for symbol, quantity in bookings.gained(conn).items():
        held[symbol] += quantity
    return {symbol: quantity for symbol, quantity in held.items() if quantity}


def latest_at(conn: sa.Connection) -> datetime | None:
    """Return when (desk time) the newest fill was written down; None before the first."""
    found: datetime | None = conn.scalar(sa.select(sa.func.max(fills.c.recorded_at)))
    return found


def of_order(conn: sa.Connection, client_order_id: str) -> list[BrokerFill]:
    """Return an order's executions, oldest first."""
    rows = conn.execute(
        sa.select(fills)
        .where(fills.c.client_order_id == client_order_id)
        .order_by(fills.c.market_at, fills.c.execution_id)
    )
    return [
        BrokerFill(
            fill=Fill(execution_id=row.execution_id, quantity=row.quantity, price=row.price),
            broker_order_id=row.broker_order_id,
            client_order_id=row.client_order_id,
            symbol=row.symbol,
            side=row.side,
            fee=row.fee,
            market_at=row.market_at,
        )
        for row in rows
    ]
