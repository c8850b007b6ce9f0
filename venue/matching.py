"""When, at what price and how much of an order fills. Pure.

A minute is looked at twice: at its beginning, when only its opening price is
known, and at its end, when its whole range is. An order is matched only against
minutes that begin at or after the instant from which it is eligible.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from venue.orders import Order
from venue.settings import Costs

CENT = Decimal("0.01")
PRICE_STEP = Decimal("0.0001")
FRACTION = Decimal("0.000000001")


@dataclass(frozen=True)
class Minute:
    """One minute of one symbol; `place` tells the first and the last of a session."""

    start: datetime
    end: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    place: Literal["first", "inner", "last"] = "inner"

    def room(self, costs: Costs) -> Decimal:
        """Shares that orders may take from this minute."""
        return (costs.participation * self.volume).to_integral_value(ROUND_DOWN)


@dataclass(frozen=True)
class Execution:
    """A fill: shares, dollars per share, market time."""

    qty: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """What a look at a minute did to an order.

    `triggered` and `hwm` are its new stop state; `ends` says that what did not
    fill is cancelled (immediate-or-cancel and auction orders).
    """

    execution: Execution | None = None
    triggered: bool = False
    hwm: Decimal | None = None
    ends: bool = False


def at_open(order: Order, minute: Minute, costs: Costs, room: Decimal) -> Outcome:
    """Match at the beginning of a minute, knowing its opening price alone."""
    before = Outcome(triggered=order.triggered, hwm=order.hwm)
    if minute.start < order.eligible_at or order.force == "cls":
        return before
    if order.force == "opg":
        return _at_auction(order, minute, minute.open, minute.start, room)
    triggered = order.triggered or _reached(order, minute.open, minute.open)
    fill = None
    passes = _is_limit(order, triggered=triggered) and _through(order, minute.open)
    if passes or _is_market(order, triggered=triggered):
        fill = _taken(order, minute, minute.open, costs, room)
    if order.force == "fok" and fill and not _completes(order, fill):
        fill = None
    return Outcome(fill, triggered, order.hwm, ends=order.force in {"ioc", "fok"})


def within(order: Order, minute: Minute, costs: Costs, room: Decimal) -> Outcome:
    """Match at the end of a minute, knowing its whole range."""
    before = Outcome(triggered=order.triggered, hwm=order.hwm)
    if minute.start < order.eligible_at or order.force in {"opg", "ioc", "fok"}:
        return before
    if order.force == "cls":
        if minute.place != "last":
            return before
        return _at_auction(order, minute, minute.close, minute.end, room)
    triggered = order.triggered or _reached(order, minute.low, minute.high)
    fill = None
    if triggered and not order.triggered and _is_market(order, triggered=True):
        stop = order.stop_now or minute.open
        fill = _taken(order, minute, stop, costs, room, at=minute.end)
    elif _is_limit(order, triggered=order.triggered) and _through(order, _best(order, minute)):
        if _through(order, minute.open):  # it would have been filled at the opening price
            fill = _taken(order, minute, minute.open, costs, room, at=minute.end)
        else:
            fill = _execution(order, order.limit_price or minute.open, minute.end, room)
    return Outcome(fill, triggered, _seen(order, minute))


def _at_auction(
    order: Order, minute: Minute, price: Decimal, at: datetime, room: Decimal
) -> Outcome:
    """Fill at the opening or closing price, without a spread; the rest is cancelled."""
    right_minute = order.force != "opg" or minute.place == "first"
    passes = order.kind == "market" or _through(order, price)
    fill = _execution(order, price, at, room) if right_minute and passes else None
    return Outcome(fill, ends=True)


def _is_market(order: Order, *, triggered: bool) -> bool:
    stops = order.kind in {"stop", "trailing_stop"}
    return order.kind == "market" or (stops and triggered)


def _is_limit(order: Order, *, triggered: bool) -> bool:
    return order.kind == "limit" or (order.kind == "stop_limit" and triggered)


def _best(order: Order, minute: Minute) -> Decimal:
    return minute.low if order.side == "buy" else minute.high


def _through(order: Order, price: Decimal) -> bool:
    """Whether `price` lies beyond the limit, not merely at it."""
    if order.limit_price is None:
        return False
    return price < order.limit_price if order.side == "buy" else price > order.limit_price


def _reached(order: Order, low: Decimal, high: Decimal) -> bool:
    stop = order.stop_now
    if stop is None or order.kind not in {"stop", "stop_limit", "trailing_stop"}:
        return False
    return high >= stop if order.side == "buy" else low <= stop


def _seen(order: Order, minute: Minute) -> Decimal | None:
    if order.kind != "trailing_stop" or order.hwm is None:
        return order.hwm
    sells = order.side == "sell"
    return max(order.hwm, minute.high) if sells else min(order.hwm, minute.low)


def _wanted(order: Order, price: Decimal) -> Decimal:
    if order.leaves is not None:
        return order.leaves
    rest = (order.notional or Decimal(0)) - order.filled_value
    return (rest / price).quantize(FRACTION, ROUND_DOWN)


def _completes(order: Order, fill: Execution) -> bool:
    return fill.qty >= _wanted(order, fill.price)


def _execution(order: Order, price: Decimal, at: datetime, room: Decimal) -> Execution | None:
    qty = min(_wanted(order, price), room)
    return Execution(qty, price, at) if qty > 0 else None


def _taken(
    order: Order,
    minute: Minute,
    base: Decimal,
    costs: Costs,
    room: Decimal,
    *,
    at: datetime | None = None,
) -> Execution | None:
    """Take liquidity at `base` plus half the spread and the impact of the size.

    The price stays inside the minute's range and never passes the limit.
    """
    qty = min(_wanted(order, base), room)
    if qty <= 0:
        return None
    share = qty / max(minute.volume, 1)
    half = max(base * costs.half_spread_bps / 10_000, costs.min_half_spread)
    worse = half + base * costs.impact * share * share
    price = base + worse if order.side == "buy" else base - worse
    price = min(max(price.quantize(PRICE_STEP), minute.low), minute.high)
    if order.limit_price is not None:
        bound = min if order.side == "buy" else max
        price = bound(price, order.limit_price)
    return _execution(order, price, at or minute.start, room)
