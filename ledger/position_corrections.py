"""Positions that people booked as the broker holds them, after trades past the desk.

A correction is a booking like that of a split: a row that is only ever added, beside the fills. It
moves the desk's count of a symbol to the broker's, and settles what was traded there until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ledger import audit, fills, reconciliations
from ledger.orders import FINAL
from ledger.people import Person
from ledger.tables import bookings, orders
from ledger.tables import fills as executions
from trading.canonical import Content, decimal_text
from trading.errors import NotAllowedError
from trading.orders import OrderState
from trading.positions import Lot, held, price_of_change
from trading.wording import shares

KIND = "correction"
_STRANGERS = frozenset({"unknown_order", "unknown_fill"})
SHORTEST_REASON = 20  # characters
_ON_THE_WAY = (OrderState.SENT, OrderState.UNRESOLVED)  # perhaps at the broker, perhaps filled
_TOLD_LATE = timedelta(minutes=15)  # after an order's end its executions may still be told
_NEW_YORK = ZoneInfo("America/New_York")
_PLACES = Decimal("0.000001")


class Held(Protocol):
    """What the broker holds of a symbol."""

    @property
    def quantity(self) -> Decimal:
        """Shares, negative when short."""

    @property
    def average_price(self) -> Decimal:
        """USD per share."""


@dataclass(frozen=True)
class Differing:
    """A symbol of which ledger and broker differ in what is held, or in what was traded."""

    symbol: str
    ours: Decimal  # shares, as fills and bookings add up
    theirs: Decimal  # shares, as the broker holds them
    average_price: Decimal | None  # the broker's, USD per share; None where it holds none

    @property
    def change(self) -> Decimal:
        """Shares that a correction adds to the desk's count; 0 where only trades are unknown."""
        return self.theirs - self.ours


def differing(conn: sa.Connection, told: Mapping[str, Held]) -> list[Differing]:
    """Return what can be corrected, by symbol.

    Parameters
    ----------
    told : mapping
        Everything that the broker holds, by symbol.
    """
    ours, traded = fills.holdings(conn), _traded_past_the_desk(conn)
    compared = [
        _differing(symbol, ours, told.get(symbol)) for symbol in sorted({*ours, *told, *traded})
    ]
    return [one for one in compared if one.change or one.symbol in traded]


def book(
    conn: sa.Connection,
    person: Person,
    shown: Sequence[Differing],
    *,
    told: Mapping[str, Held],
    reason: str,
    request_id: str,
    market_at: datetime,
    desk_at: datetime,
) -> None:
    """Book the broker's positions as they were shown to the person, all of them or none.

    Parameters
    ----------
    person : Person
        A signatory.
    told : mapping
        Everything that the broker holds now, by symbol.
    reason : str
        At least 20 characters; kept for ever.
    market_at : datetime
        Market time at which the broker told it: what was traded until then is settled.

    Raises
    ------
    NotAllowedError
        If the person may not sign, the reason is short, there is nothing to correct, the figures
        are no longer those that were shown, or an own order or execution may still be on its way.
    """
    if not person.may("signatory"):
        raise NotAllowedError(f"{person.login} may not correct a position: it takes a signatory.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise NotAllowedError(f"A correction's reason needs at least {SHORTEST_REASON} characters.")
    if not shown or len({one.symbol for one in shown}) < len(shown):
        raise NotAllowedError("A correction names each symbol once, and at least one.")
    now = {one.symbol: one for one in differing(conn, told)}
    for one in shown:
        _require_as_shown(one, now.get(one.symbol))
        _require_none_on_the_way(conn, one.symbol)
        _require_all_told(conn, one.symbol, desk_at)
    for one in shown:
        _add(conn, person, now[one.symbol], reason, request_id, market_at, desk_at)


def payload(shown: Sequence[Differing], *, reason: str) -> dict[str, Content]:
    """Return what a request to book them says: the figures that the person saw."""
    positions = [
        {"symbol": one.symbol, "ours": decimal_text(one.ours), "theirs": decimal_text(one.theirs)}
        for one in shown
    ]
    return {"reason": reason, "positions": positions}


def settled_until(conn: sa.Connection) -> dict[str, datetime]:
    """Return by symbol the market time until which trades past the desk are settled."""
    rows = conn.execute(
        sa.select(bookings.c.symbol, sa.func.max(bookings.c.market_at).label("at"))
        .where(bookings.c.kind == KIND)
        .group_by(bookings.c.symbol)
    )
    return {row.symbol: row.at for row in rows}


def _traded_past_the_desk(conn: sa.Connection) -> set[str]:
    """Symbols with orders or executions that the newest comparison found to be nobody's."""
    newest = reconciliations.latest(conn)
    found = () if newest is None else newest.differences
    return {one.symbol for one in found if one.kind in _STRANGERS and one.grave and one.symbol}


def _differing(symbol: str, ours: Mapping[str, Decimal], theirs: Held | None) -> Differing:
    nothing = Decimal(0)
    return Differing(
        symbol=symbol,
        ours=ours.get(symbol, nothing),
        theirs=nothing if theirs is None else theirs.quantity,
        average_price=None if theirs is None else theirs.average_price,
    )


def _require_as_shown(shown: Differing, now: Differing | None) -> None:
    if now is None:
        raise NotAllowedError(
            f"Broker and ledger do not differ about {shown.symbol}; nothing was booked."
        )
    if (now.ours, now.theirs) != (shown.ours, shown.theirs):
        raise NotAllowedError(
            f"The broker holds {shares(now.theirs)} {now.symbol} and the ledger "
            f"{shares(now.ours)}; shown were {shares(shown.theirs)} and {shares(shown.ours)}. "
            "Nothing was booked: look again."
        )


def _require_none_on_the_way(conn: sa.Connection, symbol: str) -> None:
    """Refuse while nobody knows what became of an own order: the shares may be those it traded."""
    name = conn.scalar(
        sa.select(orders.c.client_order_id)
        .where(orders.c.symbol == symbol, orders.c.state.in_(_ON_THE_WAY))
        .limit(1)
    )
    if name is not None:
        raise NotAllowedError(
            f"Nobody knows yet what became of order {name} in {symbol}. Nothing was booked: ask "
            "again once dispatch has asked the broker for it."
        )


def _require_all_told(conn: sa.Connection, symbol: str, desk_at: datetime) -> None:
    """Refuse while an own order has shares filled whose execution is not on record yet.

    Booked as a correction, they would count twice once it is.
    """
    recorded = (
        sa.select(sa.func.coalesce(sa.func.sum(executions.c.quantity), 0))
        .where(
            executions.c.client_order_id == orders.c.client_order_id,
            executions.c.busted_at.is_(None),
        )
        .scalar_subquery()
    )
    late = sa.or_(orders.c.state.not_in(FINAL), orders.c.final_at > desk_at - _TOLD_LATE)
    name = conn.scalar(
        sa.select(orders.c.client_order_id)
        .where(orders.c.symbol == symbol, late, orders.c.filled_quantity != recorded)
        .limit(1)
    )
    if name is not None:
        raise NotAllowedError(
            f"The broker has not told of every execution of order {name} yet. Nothing was booked: "
            "ask again in a few minutes."
        )


def _add(
    conn: sa.Connection,
    person: Person,
    one: Differing,
    reason: str,
    request_id: str,
    market_at: datetime,
    desk_at: datetime,
) -> None:
    row: dict[str, Any] = {
        "booking_id": f"{KIND}-{request_id}-{one.symbol}",
        "kind": KIND,
        "symbol": one.symbol,
        "day": market_at.astimezone(_NEW_YORK).date(),
        "quantity": one.change,
        "cash": Decimal(0),
        "price": _price(conn, one),
        "market_at": market_at,
        "person_id": person.person_id,
        "reason": reason.strip(),
    }
    conn.execute(sa.insert(bookings).values(**row, recorded_at=desk_at, source="person"))
    audit.append(
        conn,
        at=desk_at,
        actor=person.person_id,
        action=f"account.{KIND}",
        subject=one.symbol,
        payload=row,
    )


def _price(conn: sa.Connection, one: Differing) -> Decimal | None:
    """What the shares that came cost, as the broker's average tells it; None where none came."""
    if one.average_price is None or not one.change:
        return None
    before = held(fills.events(conn, symbol=one.symbol))
    after = Lot(one.theirs, one.average_price)
    return price_of_change(before, after).quantize(_PLACES)
