"""What the account can afford: margin, buying power, shares that are free to sell."""

from dataclasses import dataclass
from decimal import Decimal

from venue.orders import Order
from venue.paper import PaperVenue

MULTIPLIER = Decimal(2)
INITIAL = Decimal("0.5")  # Regulation T
MAINTENANCE = Decimal("0.3")
_SHORT_BUFFER = Decimal("1.03")  # a short market order is valued 3 % above the ask
DAY_TRADE_SESSIONS = 5
PATTERN_DAY_TRADES = 4
ZERO = Decimal(0)


@dataclass(frozen=True)
class Funds:
    """The account's figures, in dollars."""

    cash: Decimal
    settled_cash: Decimal
    long_value: Decimal
    short_value: Decimal
    equity: Decimal
    last_equity: Decimal
    reserved: Decimal

    @property
    def initial_margin(self) -> Decimal:
        """Margin the positions needed when they were opened."""
        return INITIAL * (self.long_value - self.short_value)

    @property
    def maintenance_margin(self) -> Decimal:
        """Margin the positions need to be kept."""
        return MAINTENANCE * (self.long_value - self.short_value)

    @property
    def buying_power(self) -> Decimal:
        """What may still be bought, open orders counted as filled."""
        return max((self.equity - self.initial_margin) * MULTIPLIER - self.reserved, ZERO)


def funds_of(venue: PaperVenue) -> Funds:
    """The account's figures at the last prices."""
    values = [p.qty * venue.price(p.symbol) for p in venue.book.positions.values()]
    return Funds(
        cash=venue.book.cash,
        settled_cash=venue.book.settled_cash,
        long_value=sum((v for v in values if v > 0), ZERO),
        short_value=sum((v for v in values if v < 0), ZERO),
        equity=venue.book.cash + sum(values, ZERO),
        last_equity=venue.book.last_equity,
        reserved=sum((opening_value(venue, o) for o in venue.open_orders()), ZERO),
    )


def day_trades(venue: PaperVenue) -> int:
    """Day trades of the last five sessions, the current one included."""
    today = venue.calendar.latest(venue.now).date
    first = venue.calendar.shifted(today, 1 - DAY_TRADE_SESSIONS)
    return sum(first <= t.session <= today for t in venue.book.day_trades)


def reduces(venue: PaperVenue, symbol: str, side: str) -> bool:
    """Whether an order on `side` makes the position in `symbol` smaller."""
    held = venue.book.qty(symbol)
    return held > 0 if side == "sell" else held < 0


def opening_value(venue: PaperVenue, order: Order) -> Decimal:
    """Dollars an open order keeps from being spent otherwise."""
    if order.parent or order.order_class == "oco" or order.status == "held":
        return ZERO  # exits
    if reduces(venue, order.symbol, order.side):
        return ZERO
    if order.leaves is None:
        return (order.notional or ZERO) - order.filled_value
    return order.leaves * valued_at(
        venue, order.symbol, order.side, order.limit_price or order.stop_now
    )


def valued_at(venue: PaperVenue, symbol: str, side: str, price: Decimal | None) -> Decimal:
    """The price at which an opening order is counted against buying power."""
    if side == "buy" and price is not None:
        return price
    quote = venue.market.quote(symbol, venue.now)
    ask = quote.ask if quote else ZERO
    return ask if side == "buy" else max(price or ZERO, ask * _SHORT_BUFFER)


def held_for_orders(venue: PaperVenue, symbol: str, *, without: str | None = None) -> Decimal:
    """Shares of a position that open orders will already give away.

    Orders of one group exclude one another and count once.
    """
    groups: dict[str, Decimal] = {}
    for order in venue.open_orders(symbol):
        counts = order.status != "held" and order.id != without
        if counts and reduces(venue, symbol, order.side):
            group = order.parent or order.id
            leaves = order.leaves
            if leaves is None:
                leaves = (order.notional or ZERO) / venue.price(symbol)
            groups[group] = max(groups.get(group, ZERO), leaves)
    return sum(groups.values(), ZERO)
