"""Executions, each recorded once, what became of them, and what they add up to."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit, bookings
from ledger.bookings import Correction
from ledger.tables import fills, orders, proposals
from trading import positions
from trading.broker import BrokerBooking, BrokerFill
from trading.ledger import Stamp
from trading.orders import Fill
from trading.positions import Event, Executed, Lot, Rescaled, correction, quantities

_NEW_YORK = ZoneInfo("America/New_York")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def add(conn: sa.Connection, told: Sequence[BrokerFill], *, at: Stamp) -> list[str]:
    """Record executions of known orders; the same execution again changes nothing.

    One that was taken back and is told again stands again.

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
    once = {one.fill.execution_id: one for one in told}
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
        for _, one in sorted(once.items())
        if one.client_order_id in known
    ]
    if not rows:
        return []
    _note_told_again(conn, [str(row["execution_id"]) for row in rows], at)
    made = conn.execute(
        insert(fills)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[fills.c.execution_id],
            set_={"busted_at": None, "recorded_at": at.desk_at},
            where=fills.c.busted_at.is_not(None),
        )
        .returning(fills.c.client_order_id)
    )
    return [row.client_order_id for row in made]


def _note_told_again(conn: sa.Connection, execution_ids: Sequence[str], at: Stamp) -> None:
    """Note in the log which executions that the broker took back it tells again."""
    again = conn.scalars(
        sa.select(fills.c.execution_id)
        .where(fills.c.execution_id.in_(execution_ids), fills.c.busted_at.is_not(None))
        .order_by(fills.c.execution_id)
        .with_for_update()
    ).all()
    for name in again:
        audit.append(
            conn,
            at=at.desk_at,
            actor=at.source,
            action="fill.restore",
            subject=name,
            payload={},
        )


def standing_since(conn: sa.Connection, market_at: datetime) -> list[BrokerFill]:
    """Return the executions from a market time on that were not taken back, oldest first."""
    return _told(conn, fills.c.market_at >= market_at)


def bust(conn: sa.Connection, execution_ids: Sequence[str], *, at: Stamp) -> None:
    """Mark executions as taken back by the broker; those that were already stay so."""
    gone = conn.execute(
        sa.update(fills)
        .where(fills.c.execution_id.in_(execution_ids), fills.c.busted_at.is_(None))
        .values(busted_at=at.desk_at)
        .returning(fills)
    ).all()
    for row in gone:
        told = {"order": row.client_order_id, "quantity": row.quantity, "price": row.price}
        audit.append(
            conn,
            at=at.desk_at,
            actor=at.source,
            action="fill.bust",
            subject=row.execution_id,
            payload=told,
        )


def correct(conn: sa.Connection, told: BrokerFill, *, at: Stamp) -> None:
    """Give an execution the quantity and price it has now; the log keeps what it had."""
    name = told.fill.execution_id
    before = conn.execute(
        sa.select(fills).where(fills.c.execution_id == name).with_for_update()
    ).one()
    now = {"quantity": told.fill.quantity, "price": told.fill.price}
    conn.execute(sa.update(fills).where(fills.c.execution_id == name).values(**now))
    audit.append(
        conn,
        at=at.desk_at,
        actor=at.source,
        action="fill.correct",
        subject=name,
        payload=now
        | {
            "order": before.client_order_id,
            "quantity_before": before.quantity,
            "price_before": before.price,
        },
    )


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


def events(
    conn: sa.Connection, *, strategy: str | None = None, symbol: str | None = None
) -> list[Event]:
    """Return all executions, of one strategy or symbol if named, in order, with bookings between.

    A split or a correction is booked for the whole account: its ratio follows from what all
    strategies held. Shares that came past the desk are of no strategy.
    """
    held: dict[str, Decimal] = defaultdict(Decimal)
    found: list[Event] = []
    for told in _in_order(conn, symbol):
        if isinstance(told, BrokerBooking):
            found += _rescaled(told, held)
        elif isinstance(told, Correction):
            made = correction(
                told.symbol, held=held[told.symbol], change=told.quantity, price=told.price
            )
            held[told.symbol] += told.quantity
            found.append(made if strategy is None else replace(made, came=Lot()))
        else:
            fill = _executed(told)
            held[fill.symbol] += fill.signed_quantity
            if strategy in {None, told.strategy}:
                found.append(fill)
    return found


def _in_order(
    conn: sa.Connection, symbol: str | None
) -> list[BrokerBooking | Correction | sa.Row[Any]]:
    """Bookings of a day, then its fills and corrections by market time."""
    splits = [((one.day, _EARLIEST), one) for one in _by_day(bookings.of_shares(conn))]
    moved = [
        ((one.market_at.astimezone(_NEW_YORK).date(), one.market_at), one)
        for one in (*_rows(conn, symbol), *bookings.corrections(conn))
    ]
    told = sorted([*splits, *moved], key=lambda each: each[0])
    return [one for _, one in told if symbol in {None, one.symbol}]


def _rows(conn: sa.Connection, symbol: str | None = None) -> sa.CursorResult[Any]:
    return conn.execute(
        sa.select(fills, proposals.c.strategy)
        .join(orders, orders.c.client_order_id == fills.c.client_order_id)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .where(fills.c.busted_at.is_(None), *([fills.c.symbol == symbol] if symbol else []))
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


def _by_day(booked: Sequence[BrokerBooking]) -> list[BrokerBooking]:
    """One booking a symbol and day: Alpaca takes the old shares out and puts the new ones in."""
    together: dict[tuple[date, str | None], BrokerBooking] = {}
    for one in booked:
        known = together.get((one.day, one.symbol))
        quantity = one.quantity + (known.quantity if known else Decimal(0))
        together[one.day, one.symbol] = replace(one, quantity=quantity)
    return list(together.values())


def _rescaled(booked: BrokerBooking, held: dict[str, Decimal]) -> list[Rescaled]:
    """What a booking of shares did to each share held; none when nothing was held or is left.

    Nothing is left between the two halves of a split: then there is no ratio yet.
    """
    symbol = booked.symbol or ""
    before = held[symbol]
    held[symbol] += booked.quantity
    return [Rescaled(symbol, held[symbol] / before)] if before * held[symbol] > 0 else []


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
    """Return an order's executions that stand, oldest first."""
    return _told(conn, fills.c.client_order_id == client_order_id)


def _told(conn: sa.Connection, which: sa.ColumnElement[bool]) -> list[BrokerFill]:
    rows = conn.execute(
        sa.select(fills)
        .where(which, fills.c.busted_at.is_(None))
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
