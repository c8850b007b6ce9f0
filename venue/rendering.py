"""The venue's things in Alpaca's JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from venue.market import Market
from venue.orders import Order
from venue.sessions import NEW_YORK


def asset_id(symbol: str) -> str:
    """The identifier of a symbol, the same in every replay."""
    return str(uuid5(NAMESPACE_DNS, f"{symbol}.paper-venue"))


def symbol_of(market: Market, wanted: str) -> str:
    """The symbol meant by a symbol or an asset's identifier; unknown ones stay as they are."""
    if wanted.upper() in market.symbols:
        return wanted.upper()
    named = {asset_id(symbol): symbol for symbol in market.symbols}
    return named.get(wanted.lower(), wanted.upper())


def plain(value: Decimal | None) -> str | None:
    """A decimal as Alpaca writes it: no exponent, no trailing zeros."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dollars(value: Decimal) -> str:
    """An amount rounded to a hundredth of a cent."""
    return plain(value.quantize(Decimal("0.0001"))) or "0"


def stamp(at: datetime | None) -> str | None:
    """An instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def eastern(at: datetime) -> str:
    """An instant as RFC 3339 in New York time."""
    return at.astimezone(NEW_YORK).isoformat()


def order_json(order: Order, legs: list[Order] | None = None) -> dict[str, Any]:
    """An order; `legs` are rolled up in it when given."""
    average = order.average_price
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
        "submitted_at": stamp(order.submitted_at),
        "filled_at": stamp(order.filled_at),
        "expired_at": stamp(order.expired_at),
        "expires_at": stamp(order.expires_at),
        "canceled_at": stamp(order.canceled_at),
        "failed_at": stamp(order.failed_at),
        "replaced_at": stamp(order.replaced_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": plain(order.notional),
        "qty": plain(order.qty),
        "filled_qty": plain(order.filled_qty),
        "filled_avg_price": dollars(average) if average is not None else None,
        "order_class": order.order_class,
        "order_type": order.kind,
        "type": order.kind,
        "side": order.side,
        "time_in_force": order.force,
        "limit_price": plain(order.limit_price),
        "stop_price": plain(order.stop_now),
        "status": order.status,
        "extended_hours": order.extended_hours,
        "legs": [order_json(leg) for leg in legs] if legs else None,
        "trail_percent": plain(order.trail_percent),
        "trail_price": plain(order.trail_price),
        "hwm": plain(order.hwm),
        "position_intent": order.position_intent,
        "subtag": None,
        "source": None,
    }


def asset_json(market: Market, symbol: str) -> dict[str, Any]:
    """A symbol of the replay; the index is data only."""
    tradable = symbol != market.index_symbol
    name, exchange = market.stocks.get(symbol, (f"{symbol} Index (data only)", ""))
    return {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": exchange,
        "symbol": symbol,
        "name": name,
        "status": "active",
        "tradable": tradable,
        "marginable": tradable,
        "shortable": tradable,
        "easy_to_borrow": tradable,
        "fractionable": tradable,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "attributes": [],
    }


def fill_activity(
    order: Order, *, identity: str, account: str, qty: Decimal, price: Decimal, at: datetime
) -> dict[str, Any]:
    """One fill as an account activity; `order` is as it stands after the fill."""
    complete = order.status == "filled"
    return {
        "id": activity_id(at, identity),
        "account_id": account,
        "activity_type": "FILL",
        "transaction_time": stamp(at),
        "type": "fill" if complete else "partial_fill",
        "price": plain(price),
        "qty": plain(qty),
        "side": order.side,
        "symbol": order.symbol,
        "leaves_qty": plain(order.leaves) if order.leaves is not None else "0",
        "order_id": order.id,
        "cum_qty": plain(order.filled_qty),
        "order_status": order.status,
    }


def activity_id(at: datetime, identity: str) -> str:
    """Alpaca's form: the time to the millisecond, two colons, a unique part."""
    return f"{at.astimezone(NEW_YORK):%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{identity}"
