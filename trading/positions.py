"""Positions and profits as fills add up, at average cost."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from trading.orders import Side

ZERO = Decimal(0)
_NOTHING = Decimal("1e-9")  # shares: what the ratio of a split leaves that no number writes out


@dataclass(frozen=True)
class Executed:
    """A fill with what it belongs to; in order of market time when folded."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO

    @property
    def signed_quantity(self) -> Decimal:
        """Shares, negative for a sale."""
        return self.quantity if self.side == "buy" else -self.quantity

    @property
    def cash(self) -> Decimal:
        """USD it brought, negative for a purchase, fee included."""
        return -self.signed_quantity * self.price - self.fee


@dataclass(frozen=True)
class Rescaled:
    """Every share of a symbol became `ratio` shares; what was paid for them stays."""

    symbol: str
    ratio: Decimal


@dataclass(frozen=True)
class Lot:
    """A holding at its average cost; negative when short."""

    quantity: Decimal = ZERO
    average_price: Decimal = ZERO


@dataclass(frozen=True)
class Corrected:
    """Shares of a symbol that came or went past the desk, as a person booked them.

    Attributes
    ----------
    kept : Decimal
        What is left of each share held before, from 0 to 1; those that went earned nothing.
    came : Lot
        The shares that came.
    """

    symbol: str
    kept: Decimal
    came: Lot = Lot()


Event: TypeAlias = Executed | Rescaled | Corrected


@dataclass(frozen=True)
class Closing:
    """What an order that closed shares realised, USD after fees."""

    client_order_id: str
    symbol: str
    realised: Decimal


def quantities(fills: Iterable[Executed]) -> dict[str, Decimal]:
    """Return shares by symbol; symbols that add up to none are left out."""
    held: dict[str, Decimal] = {}
    for fill in fills:
        held[fill.symbol] = held.get(fill.symbol, ZERO) + fill.signed_quantity
    return {symbol: quantity for symbol, quantity in held.items() if quantity}


def add(lot: Lot, fill: Executed) -> tuple[Lot, Decimal]:
    """Return the holding after a fill and what the fill realised, USD before fees.

    A fill through zero closes at the old average and opens the rest at its own price.
    """
    change = fill.signed_quantity
    after = lot.quantity + change
    if lot.quantity * change >= 0:
        cost = lot.average_price * lot.quantity + fill.price * change
        return Lot(after, cost / after if after else ZERO), ZERO
    closed = min(abs(change), abs(lot.quantity))
    gain = fill.price - lot.average_price
    realised = closed * (gain if lot.quantity > 0 else -gain)
    if lot.quantity * after > 0:
        return replace(lot, quantity=after), realised
    return Lot(after, fill.price if after else ZERO), realised


def rescale(lot: Lot, ratio: Decimal) -> Lot:
    """Return the holding after each of its shares became `ratio` shares, at the same cost."""
    return Lot(lot.quantity * ratio, lot.average_price / ratio)


def correction(symbol: str, *, held: Decimal, change: Decimal, price: Decimal) -> Corrected:
    """Return what a change of a holding past the desk is; `price` is that of shares that came."""
    after = held + change
    if held * after <= 0:
        return Corrected(symbol, ZERO, Lot(after, price) if after else Lot())
    if abs(after) < abs(held):
        return Corrected(symbol, after / held)
    return Corrected(symbol, Decimal(1), Lot(change, price))


def price_of_change(before: Lot, after: Lot) -> Decimal:
    """Return the price at which shares came, as the averages before and after imply it.

    Where they imply none, as when all shares came or the averages were counted differently, it is
    the average after.
    """
    change = after.quantity - before.quantity
    if before.quantity * change <= 0:
        return after.average_price
    cost = after.quantity * after.average_price - before.quantity * before.average_price
    return cost / change if cost / change > 0 else after.average_price


def booked(lot: Lot, event: Rescaled | Corrected) -> Lot:
    """Return the holding after what happened to it without a fill."""
    if isinstance(event, Rescaled):
        return rescale(lot, event.ratio)
    kept, came = lot.quantity * event.kept, event.came
    after = kept + came.quantity
    cost = kept * lot.average_price + came.quantity * came.average_price
    return Lot(after, cost / after) if after else Lot()


def held(events: Iterable[Event]) -> Lot:
    """Return the holding that the events of one symbol make."""
    lot = Lot()
    for event in events:
        lot = _after(lot, event)
    return lot


def _after(lot: Lot, event: Event) -> Lot:
    return add(lot, event)[0] if isinstance(event, Executed) else booked(lot, event)


def closings(events: Iterable[Event]) -> list[Closing]:
    """Return what each closing order realised, in order of its first closing fill."""
    lots: dict[str, Lot] = {}
    made: dict[str, Closing] = {}
    for fill in events:
        before = lots.get(fill.symbol, Lot())
        if not isinstance(fill, Executed):
            lots[fill.symbol] = booked(before, fill)
            continue
        lots[fill.symbol], realised = add(before, fill)
        if before.quantity * fill.signed_quantity < 0:
            earlier = made.get(fill.client_order_id)
            total = (earlier.realised if earlier else ZERO) + realised - fill.fee
            made[fill.client_order_id] = Closing(fill.client_order_id, fill.symbol, total)
    return list(made.values())


def begun_by(events: Iterable[Event]) -> dict[str, str]:
    """Return by symbol held the order whose fill began the present holding, from nothing.

    One that began past the desk has none.
    """
    lots: dict[str, Lot] = {}
    begun: dict[str, str] = {}
    for event in events:
        before = lots.pop(event.symbol, Lot())
        lot = _after(before, event)
        if before.quantity * lot.quantity <= 0 or abs(lot.quantity) < _NOTHING:
            begun.pop(event.symbol, None)
            if isinstance(event, Executed):
                begun[event.symbol] = event.client_order_id
        if abs(lot.quantity) >= _NOTHING:
            lots[event.symbol] = lot
    return {symbol: name for symbol, name in begun.items() if symbol in lots}


def losses_in_a_row(closed: list[Closing]) -> int:
    """Return how many of the latest closings in a row lost."""
    count = 0
    for closing in reversed(closed):
        if closing.realised >= 0:
            return count
        count += 1
    return count
