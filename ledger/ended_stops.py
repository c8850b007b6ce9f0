"""Stops of what is held that ended at the broker, though neither desk nor person asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import fills, stops
from ledger.orders import FINAL, REPLACED, protective
from ledger.tables import fills as executions
from ledger.tables import order_events, orders, positions, requests
from trading.orders import OCO, RENEWED_FROM, YIELDED, OrderState
from trading.positions import begun_by

BEFORE_A_SPLIT = "Cancelled by the desk: its symbol is split as the next session opens."
_ENDED = (OrderState.CANCELED, OrderState.EXPIRED)
_BY_THE_DESK = (YIELDED, REPLACED, stops.SOLD, stops.LEFT, stops.TAKEN_OVER)
_OWED = (YIELDED, stops.SOLD, stops.LEFT)  # or told of, or sold with all that was held


@dataclass(frozen=True)
class Bare:
    """Shares of a position that a stop covered until it ended by itself, and that have none now."""

    symbol: str
    quantity: Decimal
    stops: tuple[str, ...]  # the client order ids of those that ended
    state: OrderState  # of the newest
    awaits_split: bool  # the desk cancelled the newest for a split that was not booked


@dataclass(frozen=True)
class Look:
    """The bare positions, and the symbols of which the broker must first tell the position anew."""

    bare: tuple[Bare, ...]
    unsure: frozenset[str]


def look(conn: sa.Connection, *, booked_by: datetime) -> Look:
    """Return the positions whose stops ended unasked, and how many shares have none for that.

    Left out are stops that gave way to a sale, that a split ended, that a person had cancelled,
    whose target was filled, or that ended before the present holding began; shares for which
    people signed other stops since; and shares that are on their way out.

    Parameters
    ----------
    booked_by : datetime
        Market time: a split for which the desk cancelled stops before it is booked by now, or is
        none, and then they are missed like others.
    """
    bare, unsure = [], set()
    for held in conn.execute(sa.select(positions).order_by(positions.c.symbol)).all():
        side = "sell" if held.quantity > 0 else "buy"
        without = stops.without(conn, held.symbol, side)
        ended = _ended(conn, held.symbol, side, booked_by) if without > 0 else []
        if not ended:
            continue
        if _has_changed(conn, held.symbol, since=held.received_at):
            unsure.add(held.symbol)
            continue
        names = tuple(one.client_order_id for one, _ in ended)
        quantity = min(without, sum((left for _, left in ended), Decimal(0)))
        newest, _ = ended[-1]
        awaits = newest.reason == BEFORE_A_SPLIT
        bare.append(Bare(held.symbol, quantity, names, OrderState(newest.state), awaits))
    return Look(tuple(bare), frozenset(unsure))


def _ended(
    conn: sa.Connection, symbol: str, side: str, booked_by: datetime
) -> list[tuple[sa.Row[Any], Decimal]]:
    """Stops that ended unasked since the holding began, oldest first, and the shares they left."""
    found = conn.execute(
        sa.select(orders)
        .where(
            stops.closes(symbol, side),
            orders.c.state.in_(_ENDED),
            orders.c.broker_order_id.is_not(None),
            sa.not_(_by_the_desk()),
            orders.c.quantity > orders.c.filled_quantity,
            sa.not_(_awaits_split(booked_by)),
            sa.not_(_asked_for()),
            sa.not_(_beside_a_fill()),
        )
        .order_by(orders.c.final_at)
    ).all()
    if not found:
        return []
    since = _since(conn, symbol)
    recent = [one for one in found if since is not None and one.final_at >= since]
    return _left_by(recent, _signed_stops(conn, symbol, side))


def _left_by(
    ended: Sequence[sa.Row[Any]], signed: Sequence[sa.Row[Any]]
) -> list[tuple[sa.Row[Any], Decimal]]:
    """Return the ended stops in whose place too few were signed since, and the shares they left."""
    spare = {one.client_order_id: _stood_in_for(one) for one in signed}
    left = []
    for stop in ended:
        bare = Decimal(stop.quantity - stop.filled_quantity)
        for later in signed:
            if later.intended_at > stop.final_at:
                taken = min(bare, spare[later.client_order_id])
                spare[later.client_order_id] -= taken
                bare -= taken
        if bare > 0:
            left.append((stop, bare))
    return left


def _stood_in_for(stop: sa.Row[Any]) -> Decimal:
    """Shares for which a stop works, was filled, or gave way to a sale: then it is owed itself."""
    gave_way = stop.state == OrderState.CANCELED and stop.reason in _OWED
    stands = stop.state not in FINAL or gave_way
    return Decimal(stop.quantity if stands else stop.filled_quantity)


def _signed_stops(conn: sa.Connection, symbol: str, side: str) -> Sequence[sa.Row[Any]]:
    """Stops that were signed for what is held, oldest first.

    The stop of an entry protects its own purchase, and one made anew the shares of a signed one:
    neither takes the place of another.
    """
    pair = orders.alias()
    of_a_pair = sa.exists().where(
        pair.c.client_order_id == orders.c.parent_client_order_id, pair.c.order_class == OCO
    )
    return conn.execute(
        sa.select(orders)
        .where(
            stops.closes(symbol, side),
            orders.c.attempt <= RENEWED_FROM,
            sa.or_(orders.c.parent_client_order_id.is_(None), of_a_pair),
        )
        .order_by(orders.c.intended_at)
    ).all()


def _by_the_desk() -> sa.ColumnElement[bool]:
    """Whether the desk had the order cancelled; no cancel that was asked for makes one expire."""
    why = sa.func.coalesce(orders.c.reason, "")
    return sa.and_(orders.c.state == OrderState.CANCELED, why.in_(_BY_THE_DESK))


def _awaits_split(booked_by: datetime) -> sa.ColumnElement[bool]:
    """Whether the desk had the order cancelled for a split that may yet be booked."""
    long_ago = sa.exists().where(
        order_events.c.client_order_id == orders.c.client_order_id,
        order_events.c.to_state.in_(_ENDED),
        order_events.c.market_at < booked_by,
    )
    return sa.and_(sa.func.coalesce(orders.c.reason, "") == BEFORE_A_SPLIT, sa.not_(long_ago))


def _asked_for() -> sa.ColumnElement[bool]:
    """Whether a person had the order cancelled, or the one it hangs on.

    Who cancels the rest of an entry keeps what was bought, and never asked to lose its stop.
    """
    named = requests.c.payload["client_order_id"].astext
    family = sa.func.coalesce(orders.c.parent_client_order_id, orders.c.client_order_id)
    sibling, entry = orders.alias(), orders.alias()
    bought = sa.exists().where(
        entry.c.client_order_id == orders.c.parent_client_order_id,
        entry.c.filled_quantity > 0,
        sa.not_(protective(entry)),
    )
    brothers = (
        sa.select(sibling.c.client_order_id)
        .where(sibling.c.parent_client_order_id == family)
        .correlate(orders)
    )
    asked = sa.exists().where(
        requests.c.kind == "cancel_order",
        requests.c.state != "refused",
        sa.or_(named == orders.c.client_order_id, named.in_(brothers)),
    )
    asked_of_family = sa.exists().where(
        requests.c.kind == "cancel_order", requests.c.state != "refused", named == family
    )
    return sa.or_(asked, sa.and_(asked_of_family, sa.not_(bought)))


def _beside_a_fill() -> sa.ColumnElement[bool]:
    """Whether the target that excluded the stop was filled: the broker ends the stop with that."""
    target = orders.alias()
    parent = orders.c.parent_client_order_id
    is_target = sa.or_(
        sa.and_(target.c.client_order_id == parent, protective(target)),
        sa.and_(target.c.parent_client_order_id == parent, target.c.order_type == "limit"),
    )
    return sa.exists().where(is_target, target.c.filled_quantity > 0)


def _since(conn: sa.Connection, symbol: str) -> datetime | None:
    """When (desk time) the present holding began, or its shares were last booked by a split."""
    begun = begun_by(fills.events(conn, symbol=symbol)).get(symbol)
    first: datetime | None = conn.scalar(
        sa.select(sa.func.min(executions.c.recorded_at)).where(
            executions.c.client_order_id == begun
        )
    )
    split_at = stops.last_split(conn, symbol)
    return first if first is None or split_at is None else max(first, split_at)


def _has_changed(conn: sa.Connection, symbol: str, *, since: datetime) -> bool:
    """Whether an order ended after the position was told: it may be that of before."""
    ended = sa.select(sa.func.count()).where(orders.c.symbol == symbol, orders.c.final_at >= since)
    return bool(conn.scalar(ended))
