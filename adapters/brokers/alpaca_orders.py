"""An order of the desk as Alpaca wants to hear it."""

from decimal import Decimal
from typing import Any

from alpaca.trading.enums import OrderClass

from trading.canonical import decimal_text
from trading.orders import OCO, Order


def order_body(order: Order) -> dict[str, Any]:
    """Return the body of an order: figures as texts, so that no float rounds them.

    A stop and a target for what is held bear the target's price in `take_profit` alone: its order
    is the one with our id, the stop hangs on it.
    """
    pair = order.order_class == OCO
    target = order.limit_price if pair else order.take_profit_price
    told = {
        "symbol": order.symbol,
        "qty": decimal_text(order.quantity),
        "side": order.side,
        "type": order.order_type,
        "time_in_force": order.time_in_force,
        "client_order_id": order.client_order_id,
        "order_class": _class(order).value,
        "limit_price": None if pair else _figure(order.limit_price),
        "stop_price": _figure(order.stop_price),
        "trail_percent": _figure(order.trail_percent),
        "trail_price": _figure(order.trail_price),
        "take_profit": None if target is None else {"limit_price": decimal_text(target)},
        "stop_loss": None
        if order.stop_loss_price is None
        else {"stop_price": decimal_text(order.stop_loss_price)},
    }
    return {name: value for name, value in told.items() if value is not None}


def _class(order: Order) -> OrderClass:
    if order.order_class == OCO:
        return OrderClass.OCO
    exits = (order.take_profit_price, order.stop_loss_price)
    if None not in exits:
        return OrderClass.BRACKET
    return OrderClass.SIMPLE if exits == (None, None) else OrderClass.OTO


def _figure(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
