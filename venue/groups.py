"""Orders that belong together: brackets, one-cancels-other, one-triggers-other."""

from dataclasses import replace
from datetime import datetime

from venue.orders import Order
from venue.paper import PaperVenue
from venue.updates import tell_update


def group_of(venue: PaperVenue, order: Order) -> list[Order]:
    """The other orders of an order's group: its parent, its siblings, its legs."""
    head = venue.orders[order.parent] if order.parent else order
    members = [head, *(venue.orders[leg] for leg in head.legs)]
    return [m for m in members if m.id != order.id]


def exits_of(venue: PaperVenue, order: Order) -> list[Order]:
    """The orders of which a fill of `order` leaves less to do."""
    if order.parent is None and order.order_class != "oco":
        return []
    others = group_of(venue, order)
    return [o for o in others if o.is_open and (o.parent or o.order_class == "oco")]


def after_fill(venue: PaperVenue, order: Order, at: datetime) -> None:
    """A filled entry wakes its legs; a filled leg cancels or shrinks the other."""
    if order.status == "filled" and order.order_class in {"bracket", "oto"} and not order.parent:
        for leg in (venue.orders[i] for i in order.legs):
            _wake(venue, leg, order, at)
    for other in exits_of(venue, order):
        if order.status == "filled":
            cancel(venue, other, at)
        elif order.leaves is not None:
            venue.put(replace(other, qty=other.filled_qty + order.leaves, updated_at=at))


def after_end(venue: PaperVenue, order: Order, at: datetime) -> None:
    """When one order of a group ends unfilled, what is open of the others ends too."""
    for other in group_of(venue, order):
        if venue.orders[other.id].is_open:
            cancel(venue, venue.orders[other.id], at)


def cancel(venue: PaperVenue, order: Order, at: datetime) -> Order:
    """Cancel one order and tell."""
    ended = venue.put(order.moved("canceled", at))
    tell_update(venue, ended, "canceled", at)
    return ended


def _wake(venue: PaperVenue, leg: Order, entry: Order, at: datetime) -> None:
    if leg.status != "held":
        return
    session = venue.calendar.closing_after(at)
    best = venue.price(leg.symbol) if leg.kind == "trailing_stop" else None
    woken = venue.put(
        replace(
            leg.moved("new", at),
            qty=entry.filled_qty,
            eligible_at=at,
            expires_at=leg.expires_at if leg.force == "gtc" else session.close,
            hwm=best,
        )
    )
    tell_update(venue, woken, "new", at)
