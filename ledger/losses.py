"""How many closed trades of a strategy lost money in a row, up to now."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from ledger.tables import fills, orders, proposals

_ZERO = Decimal(0)


@dataclass
class _Book:
    """A position at average cost."""

    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO  # per share

    def take(self, signed: Decimal, price: Decimal) -> Decimal | None:
        """Add a fill; return the profit of what it closed, None when it closed nothing."""
        closing = self.quantity * signed < 0
        closed = min(abs(signed), abs(self.quantity)) if closing else _ZERO
        direction = 1 if self.quantity > 0 else -1
        profit = closed * (price - self.cost) * direction if closing else None
        opened = abs(signed) - closed
        left = abs(self.quantity) - closed
        if opened:
            self.cost = (self.cost * left + price * opened) / (left + opened)
        self.quantity += signed
        return profit


def losses_in_a_row(conn: sa.Connection, strategy: str) -> int:
    """Return how many of the strategy's newest closing orders lost money, one after the other.

    Profit is before fees, against the average cost of what was held.
    """
    rows = conn.execute(
        sa.select(fills.c.symbol, fills.c.side, fills.c.quantity, fills.c.price,
                  fills.c.client_order_id)
        .join(orders, fills.c.client_order_id == orders.c.client_order_id)
        .join(proposals, orders.c.proposal_id == proposals.c.proposal_id)
        .where(proposals.c.strategy == strategy, fills.c.busted_at.is_(None))
        .order_by(fills.c.market_at, fills.c.execution_id)
    )  # fmt: skip
    books: dict[str, _Book] = defaultdict(_Book)
    profits: dict[str, Decimal] = {}
    for row in rows:
        signed = row.quantity if row.side == "buy" else -row.quantity
        profit = books[row.symbol].take(signed, row.price)
        if profit is not None:
            profits[row.client_order_id] = profits.get(row.client_order_id, _ZERO) + profit
    count = 0
    for profit in reversed(profits.values()):
        if profit >= 0:
            break
        count += 1
    return count
