"""Which working orders protect a position, and how many of its shares the broker holds for them."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger.tables import legs, orders
from trading.orders import RENEWED_FROM, STOPS
from trading.protection import is_protective

_ENTRY = orders.alias("entry")
# Orders with their leg, and what the one that they hang on is and was filled with.
WITH_ENTRY = (
    sa.select(
        orders,
        legs.c.leg_no,
        legs.c.reduces,
        _ENTRY.c.filled_quantity.label("entry_filled"),
        _ENTRY.c.order_type.label("entry_type"),
        _ENTRY.c.order_class.label("entry_class"),
    )
    .join(legs, orders.c.leg_id == legs.c.leg_id)
    .outerjoin(_ENTRY, _ENTRY.c.client_order_id == orders.c.parent_client_order_id)
)


def gives_way(row: sa.Row[Any]) -> bool:
    """Whether an order is cancelled for another that closes its shares.

    A stop for what is left of a position gives way like that of an entry.
    """
    if row.parent_client_order_id is not None:
        return True
    return bool(row.reduces and is_protective(row.order_type, row.order_class))


def set_aside(rows: Sequence[sa.Row[Any]]) -> dict[str, Decimal]:
    """Return the shares that the broker holds for working orders which protect a position.

    Of those that exclude one another (a stop and a target) one counts, the stop where there is
    one. What hangs on an entry without a fill holds none yet.

    Parameters
    ----------
    rows : sequence of rows
        Of `WITH_ENTRY`.

    Returns
    -------
    dict
        Shares by client order id.
    """
    groups: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in rows:
        if gives_way(row) and not _is_idle(row):
            groups[_family(row)].append(row)
    return {
        _named(group).client_order_id: max(Decimal(o.quantity - o.filled_quantity) for o in group)
        for group in groups.values()
    }


def _family(row: sa.Row[Any]) -> str:
    """What an order shares with those that it excludes; one made anew after a sale stands alone."""
    first = row.parent_client_order_id or row.client_order_id
    return str(row.client_order_id if row.attempt > RENEWED_FROM else first)


def _named(group: Sequence[sa.Row[Any]]) -> sa.Row[Any]:
    return next((order for order in group if order.order_type in STOPS), group[0])


def _is_idle(row: sa.Row[Any]) -> bool:
    if row.parent_client_order_id is None or is_protective(row.entry_type, row.entry_class):
        return False
    return bool(row.entry_filled == 0)
