"""What was booked without a trade, each once: splits, dividends, interest, fees, corrections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.tables import bookings
from trading.broker import BrokerBooking
from trading.ledger import Stamp


def add(conn: sa.Connection, told: Sequence[BrokerBooking], *, at: Stamp) -> list[BrokerBooking]:
    """Record bookings; the same one again changes nothing.

    Returns
    -------
    list of BrokerBooking
        The new ones, which are in the audit log too.
    """
    rows = [
        vars(one) | {"recorded_at": at.desk_at, "source": at.source}
        for one in sorted(told, key=lambda one: one.booking_id)
    ]
    if not rows:
        return []
    made = set(
        conn.scalars(
            insert(bookings)
            .values(rows)
            .on_conflict_do_nothing(index_elements=[bookings.c.booking_id])
            .returning(bookings.c.booking_id)
        )
    )
    new = [one for one in told if one.booking_id in made]
    for one in new:
        audit.append(
            conn,
            at=at.desk_at,
            actor=at.source,
            action=f"account.{one.kind}",
            subject=one.symbol or "account",
            payload=vars(one) | {"day": one.day.isoformat()},
        )
    return new


def gained(conn: sa.Connection) -> dict[str, Decimal]:
    """Return the shares booked without a trade, by symbol; negative where shares went."""
    rows = conn.execute(
        sa.select(bookings.c.symbol, sa.func.sum(bookings.c.quantity).label("quantity"))
        .where(bookings.c.quantity != 0)
        .group_by(bookings.c.symbol)
    )
    return {row.symbol: row.quantity for row in rows}


def of_shares(conn: sa.Connection) -> list[BrokerBooking]:
    """Return the broker's bookings that changed a holding, in order of their day."""
    query = sa.select(bookings).where(bookings.c.quantity != 0, bookings.c.market_at.is_(None))
    rows = conn.execute(query.order_by(bookings.c.day, bookings.c.booking_id))
    return [
        BrokerBooking(
            booking_id=row.booking_id,
            kind=row.kind,
            symbol=row.symbol,
            day=row.day,
            quantity=row.quantity,
            cash=row.cash,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Correction:
    """Shares that a person booked as come or gone past the desk."""

    booking_id: str
    symbol: str
    quantity: Decimal  # negative: gone
    price: Decimal  # USD per share, of those that came
    market_at: datetime


def corrections(conn: sa.Connection) -> list[Correction]:
    """Return what people booked as come or gone past the desk, oldest first."""
    query = sa.select(bookings).where(bookings.c.quantity != 0, bookings.c.market_at.is_not(None))
    rows = conn.execute(query.order_by(bookings.c.market_at, bookings.c.booking_id))
    return [
        Correction(
            booking_id=row.booking_id,
            symbol=row.symbol,
            quantity=row.quantity,
            price=row.price or Decimal(0),
            market_at=row.market_at,
        )
        for row in rows
    ]
