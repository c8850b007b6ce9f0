"""Order requests: what a client sends, checked in form before anything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from venue.errors import invalid, unprocessable
from venue.orders import Force, Intent, Kind, OrderClass, Side

_MOST_DIGITS = 9
_LARGEST = Decimal(10**12)
_LONGEST_ID = 128
_PRICE_FIELDS = ("limit_price", "stop_price", "trail_price", "trail_percent")
_WANTED_PRICES: Mapping[str, frozenset[str]] = {
    "market": frozenset(),
    "limit": frozenset({"limit_price"}),
    "stop": frozenset({"stop_price"}),
    "stop_limit": frozenset({"limit_price", "stop_price"}),
}
_FORCES: Mapping[str, frozenset[str]] = {
    "market": frozenset(get_args(Force)),
    "limit": frozenset(get_args(Force)),
    "stop": frozenset({"day", "gtc", "ioc", "fok"}),
    "stop_limit": frozenset({"day", "gtc", "ioc", "fok"}),
    "trailing_stop": frozenset({"day", "gtc"}),
}


@dataclass(frozen=True)
class Exit:
    """An attached leg: a take-profit limit or a stop-loss (with a limit, or without)."""

    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True)
class Ticket:
    """A well-formed order request."""

    symbol: str
    side: Side
    kind: Kind
    force: Force
    order_class: OrderClass = "simple"
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    client_order_id: str | None = None
    extended_hours: bool = False
    position_intent: str | None = None
    take_profit: Exit | None = None
    stop_loss: Exit | None = None

    @property
    def fractional(self) -> bool:
        """Whether it is for a part of a share or for an amount of dollars."""
        return self.qty is None or self.qty % 1 != 0


def ticket_of(body: Any) -> Ticket:
    """Read a request body; refuse what Alpaca would refuse for its form."""
    if not isinstance(body, dict):
        raise invalid("request body format is invalid")
    profit, loss = _exit(body, "take_profit"), _exit(body, "stop_loss")
    order_class = _choice(body, "order_class", OrderClass, default="simple")
    prices = {name: decimal_of(body, name) for name in _PRICE_FIELDS}
    if order_class == "oco" and prices["limit_price"] is None and profit:
        prices["limit_price"] = profit.limit_price
    ticket = Ticket(
        symbol=_symbol(body),
        side=_choice(body, "side", Side),
        kind=_choice(body, "type", Kind),
        force=_choice(body, "time_in_force", Force),
        order_class=order_class,
        qty=decimal_of(body, "qty"),
        notional=decimal_of(body, "notional"),
        **prices,
        client_order_id=client_id_of(body),
        extended_hours=body.get("extended_hours") is True,
        position_intent=_intent(body),
        take_profit=profit,
        stop_loss=loss,
    )
    for check in (_check_amount, _check_prices, _check_force, _check_class):
        check(ticket)
    return ticket


def decimal_of(body: Mapping[str, Any], name: str) -> Decimal | None:
    """A positive decimal of the body, or None when it is not there."""
    value = body.get(name)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise invalid(f"{name} must be a number, was {value!r}") from None
    if not number.is_finite() or number <= 0:
        raise invalid(f"{name} must be > 0")
    if -int(number.as_tuple().exponent) > _MOST_DIGITS:
        raise invalid(f"{name} must have at most {_MOST_DIGITS} decimal places")
    if number > _LARGEST:
        raise invalid(f"{name} must be at most {_LARGEST:f}")
    return number


def client_id_of(body: Mapping[str, Any]) -> str | None:
    """The client's own identifier, or None."""
    value = body.get("client_order_id")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        raise invalid(f"client_order_id must be a text of at most {_LONGEST_ID} characters")
    return value


def check_step(name: str, price: Decimal | None) -> None:
    """Refuse a price finer than a cent (a hundredth of a cent below one dollar)."""
    if price is None:
        return
    step = Decimal("0.01") if price >= 1 else Decimal("0.0001")
    if price % step != 0:
        raise unprocessable(
            f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria"
        )


def _symbol(body: Mapping[str, Any]) -> str:
    value = body.get("symbol")
    if not isinstance(value, str) or not value:
        raise invalid("symbol is required")
    return value.upper()


def _choice(body: Mapping[str, Any], name: str, kind: Any, default: str | None = None) -> Any:
    value = body.get(name) or default
    if value is None:
        raise invalid(f"{name} is required")
    allowed = get_args(kind)
    if value not in allowed:
        raise invalid(f"invalid {name}: {value!r}, allowed are {', '.join(allowed)}")
    return value


def _intent(body: Mapping[str, Any]) -> str | None:
    return _choice(body, "position_intent", Intent) if body.get("position_intent") else None


def _exit(body: Mapping[str, Any], name: str) -> Exit | None:
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise invalid(f"{name} must be an object")
    limit, stop = decimal_of(given, "limit_price"), decimal_of(given, "stop_price")
    wanted = ("limit_price", limit) if name == "take_profit" else ("stop_price", stop)
    if wanted[1] is None:
        raise invalid(f"{name}.{wanted[0]} is required")
    for field, price in (("limit_price", limit), ("stop_price", stop)):
        check_step(f"{name}.{field}", price)
    return Exit(limit, stop)


def _check_amount(t: Ticket) -> None:
    if t.qty is None and t.notional is None:
        raise invalid("qty or notional is required")
    if t.qty is not None and t.notional is not None:
        raise invalid("only one of qty or notional is accepted")
    if not t.fractional:
        return
    if t.force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if t.order_class != "simple" or t.kind == "trailing_stop":
        raise unprocessable("fractional orders must be simple orders")
    if t.notional is not None and t.notional < 1:
        raise unprocessable("notional amount must be >= 1.00")


def _check_prices(t: Ticket) -> None:
    given = {name for name in _PRICE_FIELDS if getattr(t, name) is not None}
    if t.kind == "trailing_stop":
        if len(given) != 1 or not given <= {"trail_price", "trail_percent"}:
            raise invalid("trailing_stop orders require either trail_price or trail_percent")
        return
    wanted = _WANTED_PRICES[t.kind]
    for name in sorted(wanted - given):
        raise invalid(f"{t.kind} orders require {name}")
    for name in sorted(given - wanted):
        raise invalid(f"{t.kind} orders must not have {name}")
    check_step("limit_price", t.limit_price)
    check_step("stop_price", t.stop_price)


def _check_force(t: Ticket) -> None:
    if t.force not in _FORCES[t.kind]:
        raise invalid(f"{t.kind} orders cannot have time_in_force {t.force}")
    if t.extended_hours and (t.kind != "limit" or t.force not in {"day", "gtc"}):
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    if t.order_class != "simple" and t.force not in {"day", "gtc"}:
        raise invalid("complex orders must have time_in_force day or gtc")


def _check_class(t: Ticket) -> None:
    profit, loss = t.take_profit is not None, t.stop_loss is not None
    if t.order_class == "simple" and (profit or loss):
        raise invalid("simple orders must not have take_profit or stop_loss")
    if t.order_class in {"bracket", "oco"} and not (profit and loss):
        raise invalid(f"{t.order_class} orders require take_profit and stop_loss")
    if t.order_class == "oto" and profit == loss:
        raise invalid("oto orders require either take_profit or stop_loss")
    if t.order_class == "oco" and t.kind != "limit":
        raise invalid("oco orders must be limit orders")
    if t.order_class != "simple" and t.kind not in {"market", "limit"}:
        raise invalid(f"{t.order_class} orders must be market or limit orders")
    _check_exits(t)


def _check_exits(t: Ticket) -> None:
    """The profit must lie on the far side of the loss."""
    if t.take_profit is None or t.stop_loss is None:
        return
    profit, loss = t.take_profit.limit_price, t.stop_loss.stop_price
    assert profit is not None  # required by `_exit`
    assert loss is not None
    # The exits of a buy are sells; an oco is itself an exit.
    long = (t.side == "buy") != (t.order_class == "oco")
    if (profit <= loss) if long else (profit >= loss):
        raise invalid(
            f"take_profit.limit_price {profit} and stop_loss.stop_price {loss} are the wrong way "
            f"round for a {'long' if long else 'short'} position"
        )
