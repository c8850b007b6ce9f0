"""What a split finds in the ledger: what must not outlive it, and the stops that it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ledger import proposals
from ledger.orders import FINAL, protective, stored_order
from ledger.tables import bookings, fills, legs, order_events, orders
from ledger.tables import proposals as proposals_table
from trading.orders import OCO, RENEWED_FROM, Order, OrderState

STRATEGY = "stops"  # of a proposal that gives a position its stops back
_SPLIT = "split"
_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Split:
    """Shares that were booked without a trade as a session opened."""

    symbol: str
    ex_date: date
    ratio: Decimal  # new shares for one old


def symbols_in_play(conn: sa.Connection) -> list[str]:
    """Return the symbols with an order that works or a proposal of which nothing was sent."""
    working = sa.select(orders.c.symbol).where(orders.c.state.not_in(FINAL))
    waiting = (
        sa.select(legs.c.symbol)
        .join(proposals_table, proposals_table.c.proposal_id == legs.c.proposal_id)
        .where(proposals_table.c.state.in_(("open", "signed")), legs.c.closed_at.is_(None))
    )
    return sorted(set(conn.scalars(working)) | set(conn.scalars(waiting)))


def lapse(conn: sa.Connection, symbol: str, *, ex_date: date, desk_at: datetime) -> list[str]:
    """End every proposal with a leg in a symbol of which nothing was sent; return their ids."""
    sentence = (
        f"{symbol} is split as {ex_date:%d %b %Y} opens: what was proposed before it is for "
        "other shares at another price."
    )
    found = conn.scalars(
        sa.select(proposals_table.c.proposal_id)
        .join(legs, legs.c.proposal_id == proposals_table.c.proposal_id)
        .where(
            legs.c.symbol == symbol,
            proposals_table.c.state.in_(("open", "signed")),
            proposals_table.c.sending_at.is_(None),
        )
        .distinct()
        .order_by(proposals_table.c.proposal_id)
    ).all()
    return [one for one in found if proposals.lapse(conn, one, sentence=sentence, desk_at=desk_at)]


def unprotected(
    conn: sa.Connection, opened: Mapping[date, datetime], *, today_at: datetime
) -> list[Split]:
    """Return the splits whose stops people must still be asked to sign.

    Those of which a proposal waits, was signed or vetoed are left out; one that nobody decided in
    its time counts for its own session only.

    Parameters
    ----------
    opened : mapping
        The sessions to look at, each with the market time at which it opened.
    today_at : datetime
        Market time at which the session of now opened.
    """
    rows = conn.execute(
        sa.select(bookings.c.symbol, bookings.c.day, sa.func.sum(bookings.c.quantity).label("new"))
        .where(bookings.c.kind == _SPLIT, bookings.c.day.in_(opened))
        .group_by(bookings.c.symbol, bookings.c.day)
        .order_by(bookings.c.day, bookings.c.symbol)
    ).all()
    found = []
    for row in rows:
        opens_at = opened[row.day]
        before = _held_before(conn, row.symbol, row.day, opens_at)
        proposed = _is_proposed(conn, row.symbol, opens_at, today_at=today_at)
        if before + row.new and before and not proposed:
            found.append(Split(row.symbol, row.day, (before + row.new) / before))
    return found


def new_for_each(conn: sa.Connection, symbol: str, *, after: date, until: date) -> Decimal:
    """Return how many shares the holding's splits made of each, of `after` < ex-date <= `until`."""
    rows = conn.execute(
        sa.select(bookings.c.day, sa.func.sum(bookings.c.quantity).label("new"))
        .where(
            bookings.c.kind == _SPLIT,
            bookings.c.symbol == symbol,
            bookings.c.day > after,
            bookings.c.day <= until,
        )
        .group_by(bookings.c.day)
    )
    made = Decimal(1)
    for row in rows:
        before = _held_before(conn, symbol, row.day, datetime.combine(row.day, time(), _NEW_YORK))
        if before and before + row.new:
            made *= (before + row.new) / before
    return made


def stops_before(conn: sa.Connection, symbol: str, *, closed_at: datetime) -> list[Order]:
    """Return the stops of a position that worked at a close and were cancelled since, if at all.

    Of a stop and a target together the target is returned, which names both prices.
    """
    target = orders.alias()
    beside = sa.exists().where(
        target.c.client_order_id == orders.c.parent_client_order_id,
        target.c.order_class == OCO,
        orders.c.attempt <= RENEWED_FROM,
    )
    ended_later = sa.exists().where(
        order_events.c.client_order_id == orders.c.client_order_id,
        order_events.c.to_state == OrderState.CANCELED.value,
        order_events.c.market_at >= closed_at,
    )
    query = (
        sa.select(orders)
        .join(legs, legs.c.leg_id == orders.c.leg_id)
        .where(
            orders.c.symbol == symbol,
            protective(orders),
            sa.not_(beside),
            sa.or_(orders.c.parent_client_order_id.is_not(None), legs.c.reduces),
            orders.c.intended_market_at <= closed_at,
            orders.c.state == OrderState.CANCELED.value,
            ended_later,
        )
        .order_by(orders.c.intended_at)
    )
    return [stored_order(row) for row in conn.execute(query)]


def working(conn: sa.Connection, symbol: str) -> Sequence[Order]:
    """Return the symbol's orders that are not final, stops and targets too."""
    query = sa.select(orders).where(orders.c.symbol == symbol, orders.c.state.not_in(FINAL))
    return [stored_order(row) for row in conn.execute(query.order_by(orders.c.intended_at))]


def _held_before(conn: sa.Connection, symbol: str, day: date, opens_at: datetime) -> Decimal:
    signed = sa.case((fills.c.side == "buy", fills.c.quantity), else_=-fills.c.quantity)
    traded = conn.scalar(
        sa.select(sa.func.sum(signed)).where(
            fills.c.symbol == symbol, fills.c.busted_at.is_(None), fills.c.market_at < opens_at
        )
    )
    booked = conn.scalar(
        sa.select(sa.func.sum(bookings.c.quantity)).where(
            bookings.c.symbol == symbol, bookings.c.day < day
        )
    )
    return Decimal(traded or 0) + Decimal(booked or 0)


def _is_proposed(conn: sa.Connection, symbol: str, since: datetime, *, today_at: datetime) -> bool:
    """Whether stops were proposed in this session, or since the split and somebody decided."""
    undecided = proposals_table.c.state.in_(("expired", "lapsed", "withdrawn", "denied"))
    query = (
        sa.select(sa.func.count())
        .select_from(
            proposals_table.join(legs, legs.c.proposal_id == proposals_table.c.proposal_id)
        )
        .where(
            proposals_table.c.strategy == STRATEGY,
            legs.c.symbol == symbol,
            proposals_table.c.created_market_at >= since,
            sa.or_(sa.not_(undecided), proposals_table.c.created_market_at >= today_at),
        )
    )
    return bool(conn.scalar(query))
