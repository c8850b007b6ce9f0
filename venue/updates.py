"""Trade updates: what happened to an order, as the account's stream tells it."""

from datetime import datetime
from typing import Any

from venue.orders import Order
from venue.paper import PaperVenue
from venue.rendering import order_json, stamp

CHANNEL = "trade_updates"


def tell_update(
    venue: PaperVenue, order: Order, event: str, at: datetime, **details: str | None
) -> None:
    """Have listeners told of `event`; `details` are price, quantity, execution."""
    message: dict[str, Any] = {
        "event": event,
        "timestamp": stamp(at),
        "order": order_json(order),
        **details,
    }
    message.setdefault("execution_id", venue.new_id("event"))
    venue.tell(CHANNEL, message)
