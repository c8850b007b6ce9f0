"""Orders as the venue keeps them: records, their words, their JSON."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_type_hints

Side = Literal["buy", "sell"]
Kind = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
Force = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
OrderClass = Literal["simple", "bracket", "oco", "oto"]

TERMINAL = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
WORKING = frozenset({"accepted", "new", "partially_filled"})


@dataclass(frozen=True)
class Order:
    """One order. Quantities in shares, prices in dollars, instants in market time.

    `eligible_at` is the instant from which minutes may fill it, `expires_at` the close
    at which it lapses. `filled_value` is the sum of quantity times price.
    `hwm` is the best price a trailing stop has seen. `triggered` says that a stop
    price was reached. `parent` is the entry of an attached leg, `siblings` the
    legs of which one cancels the other.
    """

    id: str
    client_order_id: str
    seq: int
    symbol: str
    side: Side
    kind: Kind
    force: Force
    status: str
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime
    eligible_at: datetime
    order_class: OrderClass = "simple"
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    triggered: bool = False
    extended_hours: bool = False
    position_intent: str | None = None
    filled_qty: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    canceled_at: datetime | None = None
    failed_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    expires_at: datetime | None = None
    parent: str | None = None
    legs: tuple[str, ...] = ()

    @property
    def leaves(self) -> Decimal | None:
        """Shares still to fill; None for an order by notional."""
        return None if self.qty is None else self.qty - self.filled_qty

    @property
    def average_price(self) -> Decimal | None:
        """Average price of what has filled, in dollars."""
        return self.filled_value / self.filled_qty if self.filled_qty else None

    @property
    def working(self) -> bool:
        """Whether the order is at the market (held legs are not)."""
        return self.status in WORKING

    @property
    def is_open(self) -> bool:
        """Whether anything may still happen to it."""
        return self.status not in TERMINAL

    @property
    def stop_now(self) -> Decimal | None:
        """The price that triggers it: the stop, or the trail behind the best price seen."""
        if self.kind != "trailing_stop" or self.hwm is None:
            return self.stop_price
        distance = self.trail_price
        if distance is None:
            distance = self.hwm * (self.trail_percent or Decimal(0)) / 100
        return self.hwm - distance if self.side == "sell" else self.hwm + distance

    def moved(self, status: str, at: datetime, **changes: Any) -> "Order":
        """The order in `status`, stamped with the market time `at`."""
        stamp = {
            "filled": "filled_at",
            "canceled": "canceled_at",
            "expired": "expired_at",
            "rejected": "failed_at",
            "replaced": "replaced_at",
        }.get(status)
        if stamp:
            changes[stamp] = at
        return replace(self, status=status, updated_at=at, **changes)


_HINTS = get_type_hints(Order)


def as_record(order: Order) -> dict[str, Any]:
    """The order as JSON values."""
    return {f.name: _plain(getattr(order, f.name)) for f in fields(order)}


def from_record(record: dict[str, Any]) -> Order:
    """The order that `as_record` described."""
    return Order(**{name: _typed(name, value) for name, value in record.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _typed(name: str, value: Any) -> Any:
    hint = str(_HINTS[name])
    if value is None:
        return None
    if "Decimal" in hint:
        return Decimal(value)
    if "datetime.datetime" in hint:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value
