"""Positions and profits as fills add up, at average cost."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

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


def closings(events: Iterable[Executed | Rescaled]) -> list[Closing]:
    """Return what each closing order realised, in order of its first closing fill."""
    lots: dict[str, Lot] = {}
    made: dict[str, Closing] = {}
    for fill in events:
        if isinstance(fill, Rescaled):
            lots[fill.symbol] = rescale(lots.get(fill.symbol, Lot()), fill.ratio)
            continue
        before = lots.get(fill.symbol, Lot())
        lots[fill.symbol], realised = add(before, fill)
        if before.quantity * fill.signed_quantity < 0:
            earlier = made.get(fill.client_order_id)
            total = (earlier.realised if earlier else ZERO) + realised - fill.fee
            made[fill.client_order_id] = Closing(fill.client_order_id, fill.symbol, total)
    return list(made.values())


def begun_by(events: Iterable[Executed | Rescaled]) -> dict[str, str]:
    """Return by symbol held the order whose fill began the present holding, from nothing."""
    lots: dict[str, Lot] = {}
    begun: dict[str, str] = {}
    for event in events:
        before = lots.get(event.symbol, Lot())
        if isinstance(event, Rescaled):
            lots[event.symbol] = rescale(before, event.ratio)
            continue
        lots[event.symbol], _ = add(before, event)
        after = lots[event.symbol].quantity
        if abs(after) < _NOTHING:
            del lots[event.symbol]
            begun.pop(event.symbol, None)
        elif before.quantity * after <= 0:
            begun[event.symbol] = event.client_order_id
    return begun


def losses_in_a_row(closed: list[Closing]) -> int:
    """Return how many of the latest closings in a row lost."""
    count = 0
    for closing in reversed(closed):
        if closing.realised >= 0:
            return count
        count += 1
    return count
