"""What the desk loses if its stops are hit."""

from decimal import Decimal

import sqlalchemy as sa

from ledger.orders import FINAL, protective
from ledger.tables import legs, orders, positions
from trading.orders import OCO, RENEWED_FROM


def stop_risk(conn: sa.Connection, *, but_leg: str | None = None) -> Decimal:
    """Return USD lost if every stop of the desk were hit, one leg left out if asked.

    A stop that the broker has not told of yet counts for its whole entry; one that was signed for
    itself, as after a split, from what its position cost.
    """
    stop = orders.alias()
    is_stop = sa.and_(
        stop.c.parent_client_order_id == orders.c.client_order_id, stop.c.stop_price.is_not(None)
    )
    paid = sa.func.coalesce(orders.c.average_price, orders.c.limit_price, legs.c.reference_price)
    query = (
        sa.select(
            orders.c.state,
            orders.c.quantity,
            orders.c.filled_quantity,
            sa.func.abs(paid - orders.c.stop_loss_price).label("distance"),
            stop.c.state.label("stop_state"),
            (stop.c.quantity - stop.c.filled_quantity).label("stop_leaves"),
        )
        .join(legs, legs.c.leg_id == orders.c.leg_id)
        .outerjoin(stop, is_stop)
        .where(
            orders.c.stop_loss_price.is_not(None),
            orders.c.order_class.is_(None),
            orders.c.leg_id.is_distinct_from(but_leg),
            sa.or_(orders.c.state.not_in(FINAL), orders.c.filled_quantity > 0),
        )
    )
    total = Decimal(0)
    for row in conn.execute(query):
        if row.stop_state is None:
            exposed = row.filled_quantity if row.state in FINAL else row.quantity
        else:
            exposed = Decimal(0) if row.stop_state in FINAL else row.stop_leaves
        total += row.distance * exposed
    return total + _own_stop_risk(conn, but_leg)


def _own_stop_risk(conn: sa.Connection, but_leg: str | None) -> Decimal:
    """USD lost if the working stops that hang on no entry were hit.

    From what the position cost to a price that stands, from the present price by a trail.
    """
    cost, now = positions.c.average_price, positions.c.market_price
    level = sa.func.coalesce(orders.c.stop_price, orders.c.stop_loss_price)
    percent = sa.func.coalesce(now, cost) * orders.c.trail_percent / 100
    lost = sa.func.coalesce(
        orders.c.trail_price,
        percent,
        sa.case((orders.c.side == "sell", cost - level), else_=level - cost),
    )
    leaves = orders.c.quantity - orders.c.filled_quantity
    query = (
        sa.select(sa.func.sum(sa.func.greatest(lost, 0) * leaves))
        .join(legs, legs.c.leg_id == orders.c.leg_id)
        .join(positions, positions.c.symbol == orders.c.symbol)
        .where(
            protective(orders),
            orders.c.state.not_in(FINAL),
            legs.c.reduces,
            sa.not_(_beside_a_target()),
            orders.c.leg_id.is_distinct_from(but_leg),
        )
    )
    return Decimal(conn.scalar(query) or 0)


def _beside_a_target() -> sa.ColumnElement[bool]:
    """Whether a stop is the other side of a target that is counted itself."""
    target = orders.alias()
    return (
        sa.exists()
        .where(
            target.c.client_order_id == orders.c.parent_client_order_id,
            target.c.order_class == OCO,
            orders.c.attempt <= RENEWED_FROM,
        )
        .correlate(orders)
    )
