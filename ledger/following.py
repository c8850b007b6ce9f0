"""Executions written down, and their orders that follow them."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from ledger import fills, orders
from trading.broker import BrokerFill, BrokerOrder
from trading.ledger import Stamp
from trading.orders import Order, OrderState, taken_back


def add_fills(conn: sa.Connection, told: Sequence[BrokerFill], *, at: Stamp) -> int:
    """Record executions, and let their orders follow where the listing was behind."""
    made = fills.add(conn, told, at=at)
    for name in sorted(set(made)):
        before = orders.by_id(conn, name, lock=True)
        assert before is not None
        filled, average = fills.total(conn, name)
        # What a refused order cannot have, and what exceeds it, the comparison tells.
        follows = before.state is not OrderState.REJECTED
        if follows and before.filled_quantity < filled <= before.quantity:
            done = filled == before.quantity
            ended = before.state.is_final and not done
            filling = OrderState.FILLED if done else OrderState.PARTIALLY_FILLED
            after = replace(
                before if ended else orders.moved(before, filling),
                filled_quantity=filled,
                average_price=average,
            )
            orders.change(conn, before, after, at=at)
    return len(made)


def take_back(
    conn: sa.Connection, execution_ids: Sequence[str], of: BrokerOrder, *, at: Stamp
) -> None:
    """Mark executions of one order as taken back by the broker; the order follows the rest."""
    before = orders.by_id(conn, of.client_order_id, lock=True)
    assert before is not None  # its executions refer to it
    fills.bust(conn, execution_ids, at=at)
    _follow(conn, before, of, at=at)


def correct(conn: sa.Connection, told: BrokerFill, of: BrokerOrder, *, at: Stamp) -> None:
    """Give an execution another quantity or price; its order follows."""
    before = orders.by_id(conn, told.client_order_id, lock=True)
    assert before is not None  # its executions refer to it
    fills.correct(conn, told, at=at)
    _follow(conn, before, of, at=at)


def _follow(conn: sa.Connection, before: Order, told: BrokerOrder, *, at: Stamp) -> None:
    """Let an order follow the executions of it that stand."""
    filled, average = fills.total(conn, before.client_order_id)
    after = taken_back(before, state=told.state, filled_quantity=filled, average_price=average)
    orders.change(conn, before, after, at=at, reason="The broker changed executions of it.")
