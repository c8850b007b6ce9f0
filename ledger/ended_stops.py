"""Stops of what is held that ended at the broker, though neither desk nor person asked for it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import fills, stops
from ledger.tables import orders, positions, requests
from trading.orders import OrderState
from trading.positions import begun_by

BEFORE_A_SPLIT = "Cancelled by the desk: its symbol is split as the next session opens."
_ENDED = (OrderState.CANCELED, OrderState.EXPIRED)


@dataclass(frozen=True)
class Bare:
    """Shares of a position whose newest stop ended by itself, and which no other one covers."""

    symbol: str
    quantity: Decimal
    stop: str  # its client order id
    state: OrderState


def excuse(conn: sa.Connection, client_order_id: str, *, reason: str) -> None:
    """Note why the desk cancels an order, unless it says so already."""
    conn.execute(
        sa.update(orders)
        .where(orders.c.client_order_id == client_order_id, orders.c.reason.is_(None))
        .values(reason=reason)
    )


def bare(conn: sa.Connection) -> list[Bare]:
    """Return the positions whose newest stop ended unasked, and how many shares have none.

    Left out are stops that gave way to a sale, that a split ended, that a person had cancelled or
    that were signed for an earlier holding of the symbol, and shares that are on their way out.
    A position that was told before its orders last changed may be that of before: it is looked
    at when it is told again.
    """
    begun = begun_by(fills.events(conn))
    found = []
    for held in conn.execute(sa.select(positions).order_by(positions.c.symbol)).all():
        side = "sell" if held.quantity > 0 else "buy"
        newest = _newest_stop(conn, held.symbol, side, begun.get(held.symbol))
        if newest is None or newest.state not in _ENDED or _is_accounted_for(conn, newest):
            continue
        leaving = stops.closing_shares(conn, held.symbol).get(side, Decimal(0))
        quantity = abs(held.quantity) - leaving - stops.covered(conn, held.symbol, side)
        if quantity > 0 and held.received_at > _last_change(conn, held.symbol):
            name, state = newest.client_order_id, OrderState(newest.state)
            found.append(Bare(held.symbol, quantity, name, state))
    return found


def _newest_stop(
    conn: sa.Connection, symbol: str, side: str, begun: str | None
) -> sa.Row[Any] | None:
    """The newest stop since the order that began the present holding."""
    first = orders.alias()
    since = sa.select(first.c.intended_at).where(first.c.client_order_id == begun)
    return conn.execute(
        sa.select(orders)
        .where(stops.closes(symbol, side), orders.c.intended_at >= since.scalar_subquery())
        .order_by(orders.c.intended_at.desc(), orders.c.attempt.desc())
        .limit(1)
    ).one_or_none()


def _is_accounted_for(conn: sa.Connection, stop: sa.Row[Any]) -> bool:
    split_at = stops.last_split(conn, stop.symbol)
    if stop.reason is not None or (split_at is not None and split_at > stop.intended_at):
        return True
    asked = sa.select(sa.func.count()).where(
        requests.c.kind == "cancel_order",
        requests.c.payload["client_order_id"].astext == stop.client_order_id,
    )
    return bool(conn.scalar(asked))


def _last_change(conn: sa.Connection, symbol: str) -> Any:
    return conn.scalar(sa.select(sa.func.max(orders.c.final_at)).where(orders.c.symbol == symbol))
