"""Taking orders in: submit, replace, cancel."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from venue.errors import forbidden, invalid, missing, unprocessable
from venue.funds import funds_of, held_for_orders, reduces, valued_at
from venue.groups import after_end, cancel
from venue.orders import Force, Kind, Order, Side
from venue.paper import PaperVenue
from venue.rendering import asset_json, plain, symbol_of
from venue.tickets import Exit, Ticket, check_step, client_id_of, decimal_of
from venue.updates import tell_update

GOOD_TILL_CANCELED = timedelta(days=90)
_LAST_ORDERS_FOR_CLOSE = timedelta(minutes=10)


def submit(venue: PaperVenue, ticket: Ticket) -> Order:
    """Accept an order with its legs, or refuse it. Call inside `venue.change()`."""
    ticket = replace(ticket, symbol=symbol_of(venue.market, ticket.symbol))
    if ticket.client_order_id in venue.by_client_id:
        raise invalid("client_order_id must be unique")
    _check_asset(venue, ticket.symbol)
    _check_hours(venue, ticket)
    _check_wash(venue, ticket)
    _check_account(venue, ticket)
    order = _accepted(venue, ticket)
    status = "new" if venue.is_open else "accepted"
    tell_update(venue, order, status, venue.now)
    for leg in (venue.orders[i] for i in order.legs):
        if leg.status != "held":
            tell_update(venue, leg, status, venue.now)
    return order


def replaced(venue: PaperVenue, order: Order, body: Mapping[str, Any]) -> Order:
    """Replace an open order by a new one with other terms; the new one is returned."""
    if not order.is_open:
        raise unprocessable(f'order is already in "{order.status}" state')
    if order.notional is not None:
        raise unprocessable("notional orders cannot be replaced")
    client_id = client_id_of(body)
    if client_id in venue.by_client_id:
        raise invalid("client_order_id must be unique")
    terms = _new_terms(order, body)
    if all(getattr(order, name) == term for name, term in terms.items()):
        raise unprocessable("order parameters are not changed")
    qty = terms.get("qty") or order.qty or Decimal(0)
    now = venue.stamp()
    fresh = replace(
        order,
        **{name: term for name, term in terms.items() if name != "qty"},
        id=venue.new_id("order"),
        seq=venue.counter,
        status="new" if order.status == "partially_filled" else order.status,
        client_order_id=client_id or venue.new_id("client"),
        created_at=now,
        updated_at=now,
        submitted_at=now,
        eligible_at=now,
        replaces=order.id,
        expires_at=_expiry(venue, terms.get("force", order.force)),
        # Fills stay with the order that had them: the new one starts with what is left.
        qty=qty - order.filled_qty,
        filled_qty=Decimal(0),
        filled_value=Decimal(0),
    )
    _check_grown(venue, order, fresh)
    _relink(venue, order, fresh)
    old = venue.put(order.moved("replaced", venue.now, replaced_by=fresh.id))
    venue.put(fresh)
    tell_update(venue, old, "replaced", venue.now)
    if fresh.working:
        tell_update(venue, fresh, fresh.status, venue.now)
    return fresh


def canceled(venue: PaperVenue, order: Order) -> None:
    """Cancel an open order and what hangs on it."""
    if not order.is_open:
        raise unprocessable(f'order is already in "{order.status}" state')
    after_end(venue, cancel(venue, order, venue.now), venue.now)


def order_named(venue: PaperVenue, identity: str) -> Order:
    """The order with this identifier."""
    order = venue.orders.get(identity)
    if order is None:
        raise missing(f"order not found for {identity}")
    return order


def _accepted(venue: PaperVenue, t: Ticket) -> Order:
    now = venue.stamp()
    identity = venue.new_id("order")
    order = Order(
        id=identity,
        client_order_id=t.client_order_id or venue.new_id("client"),
        seq=venue.counter,
        symbol=t.symbol,
        side=t.side,
        kind=t.kind,
        force=t.force,
        status="new" if venue.is_open else "accepted",
        created_at=now,
        updated_at=now,
        submitted_at=now,
        eligible_at=now,
        expires_at=_expiry(venue, t.force),
        order_class=t.order_class,
        qty=t.qty,
        notional=t.notional,
        limit_price=t.limit_price,
        stop_price=t.stop_price,
        trail_price=t.trail_price,
        trail_percent=t.trail_percent,
        hwm=venue.price(t.symbol) if t.kind == "trailing_stop" else None,
        extended_hours=t.extended_hours,
        position_intent=t.position_intent,
    )
    legs = [_leg(venue, order, e) for e in _exits(t)]
    return venue.put(replace(order, legs=tuple(leg.id for leg in legs)))


def _expiry(venue: PaperVenue, force: Force) -> datetime:
    """When an order sent now lapses: at its session's close, or 90 days on."""
    now = venue.now + GOOD_TILL_CANCELED if force == "gtc" else venue.now
    return venue.calendar.closing_after(now).close


def _exits(t: Ticket) -> list[Exit]:
    """The legs of a ticket: the take-profit first; of an oco only the stop."""
    exits = (None if t.order_class == "oco" else t.take_profit, t.stop_loss)
    return [e for e in exits if e is not None]


def _leg(venue: PaperVenue, entry: Order, terms: Exit) -> Order:
    kind: Kind = (
        "limit" if terms.stop_price is None else "stop_limit" if terms.limit_price else "stop"
    )
    oco = entry.order_class == "oco"
    opposite: Side = "sell" if entry.side == "buy" else "buy"
    return venue.put(
        replace(
            entry,
            id=venue.new_id("order"),
            seq=venue.counter,
            client_order_id=venue.new_id("client"),
            side=entry.side if oco else opposite,
            kind=kind,
            status=entry.status if oco else "held",
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            parent=entry.id,
            position_intent=None,
            submitted_at=venue.stamp(),
        )
    )


def _check_asset(venue: PaperVenue, symbol: str) -> None:
    if symbol not in venue.market.symbols:
        raise unprocessable(f'asset "{symbol}" not found')
    if not asset_json(venue.market, symbol)["tradable"]:
        raise unprocessable(f"asset {symbol} is not tradable")
    if venue.price(symbol) == 0:
        raise unprocessable(f"asset {symbol} is not active")
    if venue.calendar.closing_after(venue.now).date > venue.market.last_session:
        raise unprocessable("the replay has ended: the market stays closed")


def _check_hours(venue: PaperVenue, t: Ticket) -> None:
    if t.force in {"ioc", "fok"} and not venue.is_open:
        raise unprocessable(f"{t.force} orders are only accepted during market hours")
    if t.force == "opg" and venue.is_open:
        raise unprocessable("opg orders are not accepted while the market is open")
    session = venue.calendar.closing_after(venue.now)
    late = venue.is_open and session.close - venue.now < _LAST_ORDERS_FOR_CLOSE
    if t.force == "cls" and late:
        raise unprocessable("cls orders are not accepted in the last ten minutes")


def _check_wash(venue: PaperVenue, t: Ticket) -> None:
    """Refuse what could trade with an own order on the other side."""
    if t.order_class != "simple":
        return
    for other in venue.open_orders(t.symbol):
        if other.side != t.side and other.working and _could_meet(t, other):
            raise forbidden(
                "potential wash trade detected. use complex orders",
                existing_order_id=other.id,
                reject_reason="opposite side market/stop order exists",
            )


def _could_meet(t: Ticket, other: Order) -> bool:
    if other.kind != "limit":
        return True
    if t.kind != "limit" or t.limit_price is None or other.limit_price is None:
        return t.kind == "market"
    buy, sell = t.limit_price, other.limit_price
    if t.side == "sell":
        buy, sell = sell, buy
    return buy >= sell


def _check_account(venue: PaperVenue, t: Ticket) -> None:
    price = valued_at(venue, t.symbol, t.side, t.limit_price or t.stop_price)
    qty = t.qty if t.qty is not None else (t.notional or Decimal(0)) / price
    if reduces(venue, t.symbol, t.side):
        _check_available(venue, t.symbol, qty)
        return
    if t.order_class == "oco":
        raise unprocessable("oco orders must be exit orders")
    if t.side == "sell" and t.fractional:
        raise unprocessable("fractional orders cannot be sold short")
    _check_power(venue, qty * price)


def _check_power(venue: PaperVenue, cost: Decimal) -> None:
    power = funds_of(venue).buying_power
    if cost > power:
        raise forbidden(
            "insufficient buying power",
            buying_power=plain(power.quantize(Decimal("0.01"))),
            cost_basis=plain(cost.quantize(Decimal("0.01"))),
        )


def _check_available(
    venue: PaperVenue, symbol: str, qty: Decimal, *, without: str | None = None
) -> None:
    existing = abs(venue.book.qty(symbol))
    held = held_for_orders(venue, symbol, without=without)
    if qty > existing - held:
        raise forbidden(
            f"insufficient qty available for order (requested: {plain(qty)}, "
            f"available: {plain(existing - held)})",
            available=plain(existing - held),
            existing_qty=plain(existing),
            held_for_orders=plain(held),
            symbol=symbol,
        )


def _new_terms(order: Order, body: Mapping[str, Any]) -> dict[str, Any]:
    terms: dict[str, Any] = {
        name: value
        for name in ("qty", "limit_price", "stop_price")
        if (value := decimal_of(body, name)) is not None
    }
    trail = decimal_of(body, "trail")
    if trail is not None:
        terms["trail_price" if order.trail_price is not None else "trail_percent"] = trail
    if force := body.get("time_in_force"):
        terms["force"] = force
    _check_terms(order, terms)
    return terms


def _check_terms(order: Order, terms: Mapping[str, Any]) -> None:
    priced = {
        "limit_price": order.limit_price is not None,
        "stop_price": order.kind in {"stop", "stop_limit"},
        "trail_price": order.kind == "trailing_stop",
        "trail_percent": order.kind == "trailing_stop",
        "qty": order.qty is not None,
        "force": True,
    }
    for name in terms:
        if not priced[name]:
            raise invalid(f"{name} cannot be set on a {order.kind} order like this one")
    if terms.get("force", "day") not in ("day", "gtc"):
        raise invalid("time_in_force of a replacement must be day or gtc")
    if "qty" in terms and terms["qty"] <= order.filled_qty:
        raise invalid(f"qty must exceed what has filled already ({plain(order.filled_qty)})")
    check_step("limit_price", terms.get("limit_price"))
    check_step("stop_price", terms.get("stop_price"))


def _check_grown(venue: PaperVenue, old: Order, new: Order) -> None:
    """The account must afford what a replacement asks beyond its predecessor."""
    if new.leaves is None or old.leaves is None or new.parent or new.order_class == "oco":
        return
    if reduces(venue, new.symbol, new.side):
        _check_available(venue, new.symbol, new.leaves, without=old.id)
        return
    before, after = (
        o.leaves * valued_at(venue, o.symbol, o.side, o.limit_price or o.stop_now)
        for o in (old, new)
        if o.leaves is not None
    )
    _check_power(venue, max(after - before, Decimal(0)))


def _relink(venue: PaperVenue, old: Order, new: Order) -> None:
    """Put the replacement into its predecessor's place in the group."""
    for leg in (venue.orders[i] for i in old.legs):
        venue.put(replace(leg, parent=new.id))
    if old.parent:
        parent = venue.orders[old.parent]
        legs = tuple(new.id if leg == old.id else leg for leg in parent.legs)
        venue.put(replace(parent, legs=legs))
