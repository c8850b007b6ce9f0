"""Orders: their intents, where the broker has them, and what hangs on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.connection import new_id
from ledger.leases import free
from ledger.tables import legs, order_events, orders, proposals, requests
from trading.broker import BrokerOrder
from trading.ledger import Stamp
from trading.orders import OCO, RENEWED_FROM, STOPS, Order, OrderState, move
from trading.proposals import FLATTEN

UNSETTLED = (OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED)
FINAL = tuple(state for state in OrderState if state.is_final)
REPLACED = "Taken back by the desk: its rest is priced anew, or its time is over."
_COLUMNS = tuple(
    name for name in Order.__dataclass_fields__ if name in orders.c and name != "state"
)
_FOLLOWED = ("filled_quantity", "average_price", "broker_order_id", "quantity")


def by_id(conn: sa.Connection, client_order_id: str, *, lock: bool = False) -> Order | None:
    """Return one order, or None; locked until the transaction ends if asked for."""
    query = sa.select(orders).where(orders.c.client_order_id == client_order_id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else stored_order(row)


def working(conn: sa.Connection) -> list[Order]:
    """Return all orders that are not final, oldest first."""
    query = sa.select(orders).where(orders.c.state.not_in(FINAL)).order_by(orders.c.intended_at)
    return [stored_order(row) for row in conn.execute(query)]


def overdue(conn: sa.Connection, *, market_at: datetime) -> list[Order]:
    """Return orders that may work at the broker after their proposal's validity ended.

    What was only intended is dispatch's to end. What hangs on an order ends with it, and a
    reducing order that is good till cancelled was signed to outlive its proposal. A part of a
    leg ends with its tactic.
    """
    tactic_ends = sa.cast(legs.c.tactic["ends_at"].astext, sa.DateTime(timezone=True))
    lasting = sa.and_(orders.c.time_in_force == "gtc", legs.c.reduces)
    query = (
        sa.select(orders)
        .join(proposals, proposals.c.proposal_id == orders.c.proposal_id)
        .join(legs, legs.c.leg_id == orders.c.leg_id)
        .where(
            orders.c.state.not_in((OrderState.INTENDED, *FINAL)),
            orders.c.parent_client_order_id.is_(None),
            sa.or_(proposals.c.valid_until <= market_at, tactic_ends <= market_at),
            sa.not_(lasting),
        )
        .order_by(orders.c.intended_at)
    )
    return [stored_order(row) for row in conn.execute(query)]


def latest(conn: sa.Connection, *, last: int = 200) -> list[Order]:
    """Return the newest orders, newest first."""
    query = sa.select(orders).order_by(orders.c.intended_at.desc()).limit(last)
    return [stored_order(row) for row in conn.execute(query)]


def unsettled(conn: sa.Connection, *, now: datetime) -> list[tuple[Order, datetime]]:
    """Return orders nobody knows the outcome of or holds a lease on, with their last try."""
    query = (
        sa.select(orders)
        .where(
            orders.c.state.in_(UNSETTLED),
            sent_by_us(),
            free(orders.c.lease_until, now),
        )
        .order_by(orders.c.intended_at)
    )
    return [(stored_order(row), row.sent_at or row.intended_at) for row in conn.execute(query)]


def lease(
    conn: sa.Connection, client_order_id: str, *, owner: str, now: datetime, until: datetime
) -> bool:
    """Lease an unsettled order; False when another was first."""
    return bool(
        conn.execute(
            sa.update(orders)
            .where(
                orders.c.client_order_id == client_order_id,
                orders.c.state.in_(UNSETTLED),
                free(orders.c.lease_until, now),
            )
            .values(lease_owner=owner, lease_until=until)
        ).rowcount
    )


def sent_by_us() -> sa.ColumnElement[bool]:
    """Whether the desk itself sends an order; the others are made of one by the broker."""
    return sa.or_(orders.c.parent_client_order_id.is_(None), orders.c.attempt > RENEWED_FROM)


def sends(conn: sa.Connection, client_order_id: str) -> int:
    """Return how often bytes of an order may have gone out."""
    sent = sa.select(sa.func.count()).where(
        order_events.c.client_order_id == client_order_id,
        order_events.c.to_state == OrderState.SENT.value,
    )
    return int(conn.scalar(sent) or 0)


def release(conn: sa.Connection, client_order_id: str, *, owner: str) -> None:
    """End a lease that is still this owner's."""
    conn.execute(
        sa.update(orders)
        .where(orders.c.client_order_id == client_order_id, orders.c.lease_owner == owner)
        .values(lease_until=None)
    )


def prolong(conn: sa.Connection, client_order_id: str, *, owner: str, until: datetime) -> bool:
    """Prolong a lease; False when it is not this owner's any more. The order stays locked."""
    return bool(
        conn.execute(
            sa.update(orders)
            .where(
                orders.c.client_order_id == client_order_id,
                orders.c.lease_owner == owner,
                orders.c.state.in_(UNSETTLED),
            )
            .values(lease_until=until)
        ).rowcount
    )


def add(
    conn: sa.Connection,
    order: Order,
    *,
    build: str,
    owner: str | None,
    until: datetime | None,
    at: Stamp,
    parent: str | None = None,
) -> bool:
    """Write an order down once; True when it was this call."""
    values = {name: getattr(order, name) for name in _COLUMNS} | {
        "state": order.state.value,
        "build": build,
        "lease_owner": owner,
        "lease_until": until,
        "intended_at": at.desk_at,
        "intended_market_at": at.market_at,
        "final_at": at.desk_at if order.state.is_final else None,
        "parent_client_order_id": parent,
    }
    made = conn.execute(
        insert(orders).values(**values).on_conflict_do_nothing().returning(orders.c.attempt)
    ).one_or_none()
    if made is not None:
        _event(conn, order.client_order_id, None, order.state, at=at, reason=None)
    return made is not None


def is_ordered(conn: sa.Connection, client_order_id: str) -> bool:
    """Whether an order belongs to a flatten that a person signed."""
    command = conn.scalar(
        sa.select(proposals.c.command)
        .join(orders, orders.c.proposal_id == proposals.c.proposal_id)
        .where(orders.c.client_order_id == client_order_id)
    )
    return command == FLATTEN


def cancel_is_wanted(conn: sa.Connection, client_order_id: str) -> bool:
    """Whether a person asked to cancel an order, and was not refused."""
    wanted = sa.exists().where(
        requests.c.kind == "cancel_order",
        requests.c.state != "refused",
        requests.c.payload["client_order_id"].astext == client_order_id,
    )
    return bool(conn.scalar(sa.select(wanted)))


def protects(conn: sa.Connection, client_order_id: str) -> bool:
    """Whether an order is a stop that was signed for itself, or took the place of a signed one.

    So is a target that was signed with a stop for what is held.
    """
    for_itself = sa.and_(orders.c.parent_client_order_id.is_(None), legs.c.reduces)
    found = sa.select(sa.func.count()).where(
        orders.c.client_order_id == client_order_id,
        protective(orders),
        legs.c.leg_id == orders.c.leg_id,
        sa.or_(for_itself, orders.c.attempt > RENEWED_FROM),
    )
    return bool(conn.scalar(found))


def protective(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether rows of orders or legs wait for a price: a stop, or a stop and a target together."""
    kind: sa.ColumnElement[bool] = table.c.order_type.in_(STOPS)
    return sa.or_(kind, sa.func.coalesce(table.c.order_class, "") == OCO)


def owner_of(conn: sa.Connection, client_order_id: str) -> str | None:
    """Return who wrote an order's intent or settles it."""
    return conn.scalar(
        sa.select(orders.c.lease_owner).where(orders.c.client_order_id == client_order_id)
    )


def reason_of(conn: sa.Connection, client_order_id: str) -> str | None:
    """Return why an order ended, or why its cancel was last asked for."""
    return conn.scalar(
        sa.select(orders.c.reason).where(orders.c.client_order_id == client_order_id)
    )


def attach(conn: sa.Connection, told: BrokerOrder, parent: Order, *, at: Stamp) -> None:
    """Write down a stop or target that the broker made of an order of ours."""
    child = Order(
        client_order_id=told.client_order_id,
        leg_id=parent.leg_id,
        proposal_id=parent.proposal_id,
        attempt=parent.attempt,
        symbol=told.symbol,
        side=told.side,
        quantity=told.quantity,
        order_type=told.order_type,
        time_in_force=parent.time_in_force,
        limit_price=told.limit_price,
        stop_price=told.stop_price,
        state=told.state,
        filled_quantity=told.filled_quantity,
        average_price=told.average_price,
        broker_order_id=told.broker_order_id,
    )
    build = conn.scalar(
        sa.select(orders.c.build).where(orders.c.client_order_id == parent.client_order_id)
    )
    add(
        conn,
        child,
        build=str(build),
        owner=None,
        until=None,
        at=at,
        parent=parent.client_order_id,
    )


def parents(conn: sa.Connection, symbols: Sequence[str]) -> list[Order]:
    """Return acknowledged orders of these symbols of whose stops and targets some are missing."""
    child = orders.alias()
    known = (
        sa.select(sa.func.count())
        .where(
            child.c.parent_client_order_id == orders.c.client_order_id,
            child.c.attempt <= RENEWED_FROM,
        )
        .scalar_subquery()
    )
    wanted = sa.func.num_nonnulls(orders.c.stop_loss_price, orders.c.take_profit_price)
    query = sa.select(orders).where(
        orders.c.symbol.in_(symbols), orders.c.broker_order_id.is_not(None), known < wanted
    )
    return [stored_order(row) for row in conn.execute(query)]


def change(
    conn: sa.Connection, before: Order, after: Order, *, at: Stamp, reason: str | None = None
) -> None:
    """Write what became of an order; its event and the audit log tell a new state."""
    values: dict[str, Any] = {
        name: getattr(after, name)
        for name in _FOLLOWED
        if getattr(after, name) != getattr(before, name)
    }
    if before.broker_order_id is None and after.broker_order_id is not None:
        values["acknowledged_at"] = at.desk_at
    if reason is not None:
        values["reason"] = reason
    if after.state != before.state:
        values["state"] = after.state.value
        values["final_at"] = at.desk_at if after.state.is_final else None
    if after.state is OrderState.SENT:
        values["sent_at"] = at.desk_at
    if not values:
        return
    conn.execute(
        sa.update(orders).where(orders.c.client_order_id == before.client_order_id).values(**values)
    )
    if after.state != before.state:
        _event(conn, before.client_order_id, before.state, after.state, at=at, reason=reason)
        audit.append(
            conn,
            at=at.desk_at,
            actor=at.source,
            action=f"order.{after.state.value}",
            subject=before.client_order_id,
            payload={"from": before.state.value, "reason": reason},
        )


def moved(order: Order, to: OrderState) -> Order:
    """Return `order` in state `to`; in the same state it stays as it is.

    Raises
    ------
    IllegalTransitionError
        If the table of `trading.orders` does not allow it.
    """
    return order if order.state is to else move(order, to)


def first_open(conn: sa.Connection) -> datetime | None:
    """Return the market time of the oldest intent that is not final."""
    found: datetime | None = conn.scalar(
        sa.select(sa.func.min(orders.c.intended_market_at)).where(orders.c.state.not_in(FINAL))
    )
    return found


def events_of(conn: sa.Connection, client_order_id: str) -> list[sa.Row[Any]]:
    """Return an order's events, oldest first."""
    return list(
        conn.execute(
            sa.select(order_events)
            .where(order_events.c.client_order_id == client_order_id)
            .order_by(order_events.c.event_id)
        )
    )


def stored_order(row: sa.Row[Any]) -> Order:
    """Return a row of `orders` as a record."""
    told = row._asdict()
    return Order(**{name: told[name] for name in _COLUMNS}, state=OrderState(told["state"]))


def _event(
    conn: sa.Connection,
    client_order_id: str,
    before: OrderState | None,
    after: OrderState,
    *,
    at: Stamp,
    reason: str | None,
) -> None:
    conn.execute(
        sa.insert(order_events).values(
            event_id=new_id(),
            client_order_id=client_order_id,
            from_state=None if before is None else before.value,
            to_state=after.value,
            market_at=at.market_at,
            recorded_at=at.desk_at,
            source=at.source,
            detail={} if reason is None else {"reason": reason},
        )
    )
