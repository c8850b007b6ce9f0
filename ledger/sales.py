"""Sales of what is held that are about to be sent: their shares must stay free of new stops."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ledger.orders import FINAL
from ledger.tables import legs, orders, proposals
from trading.ledger import Stamp
from trading.orders import YIELDED, OrderState

# A run that sends looks again every ten seconds, and the next run comes within about a minute.
# Longer a position is not left without its stop, whatever became of the sale.
_PATIENCE = timedelta(seconds=60)


def is_in_hand(conn: sa.Connection, symbol: str, *, owner: str, at: Stamp) -> bool:
    """Whether another dispatcher holds a leg that closes shares and has not written it down."""
    query = sa.select(sa.func.count()).where(
        legs.c.symbol == symbol,
        legs.c.reduces,
        legs.c.closed_at.is_(None),
        legs.c.lease_until > at.desk_at,
        legs.c.lease_owner.is_distinct_from(owner),
        sa.or_(legs.c.tactic.is_not(None), sa.not_(_has_order())),
    )
    return bool(conn.scalar(query))


def is_coming(conn: sa.Connection, symbol: str, side: str, *, at: Stamp) -> bool:
    """Whether the sale that a stop gave way to a moment ago waits to be tried again.

    A broker may confirm the stop's cancel after the try that asked for it: a new stop put there
    meanwhile would have to give way in its turn, and the sale would never go out. Nothing is
    coming once an order was written down since, the sale ended, or a minute passed.
    """
    ended = _given_way_at(conn, symbol, side)
    # An end that lies ahead was noted by a clock that ran ahead.
    if ended is None or abs(at.desk_at - ended) > _PATIENCE:
        return False
    if _is_written_since(conn, symbol, side, ended):
        return False
    waits = sa.select(sa.func.count()).where(
        legs.c.symbol == symbol,
        legs.c.side == side,
        legs.c.closed_at.is_(None),
        proposals.c.proposal_id == legs.c.proposal_id,
        proposals.c.state == "signed",
        proposals.c.valid_until > at.market_at,
        sa.not_(_has_order(orders.c.state.not_in(FINAL))),
        sa.or_(legs.c.tactic.is_not(None), sa.not_(_has_order())),
    )
    return bool(conn.scalar(waits))


def _given_way_at(conn: sa.Connection, symbol: str, side: str) -> datetime | None:
    """When (desk time) a stop was last seen cancelled for a sale that is not settled."""
    found: datetime | None = conn.scalar(
        sa.select(sa.func.max(orders.c.final_at)).where(
            orders.c.symbol == symbol,
            orders.c.side == side,
            orders.c.state == OrderState.CANCELED,
            orders.c.reason == YIELDED,
        )
    )
    return found


def _is_written_since(conn: sa.Connection, symbol: str, side: str, ended: datetime) -> bool:
    """Whether an order was written since; a stop made anew hangs on another and is none."""
    query = sa.select(sa.func.count()).where(
        orders.c.symbol == symbol,
        orders.c.side == side,
        orders.c.parent_client_order_id.is_(None),
        orders.c.intended_at >= ended,
    )
    return bool(conn.scalar(query))


def _has_order(*wanted: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether an order was written down for a leg; of a kind, if asked for."""
    return sa.exists().where(orders.c.leg_id == legs.c.leg_id, *wanted)
