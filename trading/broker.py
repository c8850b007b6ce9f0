"""What the desk asks of a broker, in the desk's words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from trading.orders import Fill, Order, OrderState, Side


@dataclass(frozen=True)
class BrokerOrder:
    """An order as the broker holds it."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    state: OrderState
    filled_quantity: Decimal
    average_price: Decimal | None
    submitted_at: datetime  # market time
    updated_at: datetime  # market time
    parent_client_order_id: str | None = None  # set on the stop or target of a bracket


@dataclass(frozen=True)
class BrokerFill:
    """An execution as the broker reports it."""

    fill: Fill
    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    fee: Decimal
    market_at: datetime


@dataclass(frozen=True)
class BrokerBooking:
    """Shares or cash booked without a trade: a split, a dividend, interest, a fee."""

    booking_id: str
    kind: str  # split, dividend, interest, fee, transfer
    symbol: str | None
    day: date  # exchange-local; of a split the ex-date, whose open it precedes
    quantity: Decimal  # shares by which the holding grew, negative: shrank
    cash: Decimal  # USD, negative: paid


@dataclass(frozen=True)
class BrokerPosition:
    """A holding; negative when short. Prices in USD per share."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    market_price: Decimal | None
    market_value: Decimal | None
    unrealised: Decimal | None


@dataclass(frozen=True)
class BrokerAccount:
    """The account, in its currency."""

    account_id: str
    equity: Decimal
    last_equity: Decimal | None  # at the previous close
    cash: Decimal
    settled_cash: Decimal | None
    buying_power: Decimal
    currency: str
    status: str
    blocked: bool
    day_trades: int | None = None  # opened and closed on one day, of the last five sessions


@dataclass(frozen=True)
class BrokerClock:
    """The broker's time."""

    now: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


@dataclass(frozen=True)
class BrokerQuote:
    """Best bid and ask, and the last trade, each with its own time; USD per share."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    quoted_at: datetime  # market time, of bid and ask
    traded_at: datetime | None = None  # market time, of `last`


@dataclass(frozen=True)
class BrokerAsset:
    """Whether and how a symbol may be traded there."""

    symbol: str
    tradable: bool
    fractionable: bool
    shortable: bool
    easy_to_borrow: bool
    kind: str = "us_equity"
    flags: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class TradingDay:
    """One session of the broker's calendar, its hours as instants."""

    session: date
    opens_at: datetime
    closes_at: datetime


class Broker(Protocol):
    """A broker. Every method raises BrokerUnavailableError when no usable answer came."""

    def submit(self, order: Order) -> BrokerOrder:
        """Send an order once.

        Raises OrderRejectedError when the broker said no, RateLimitedError when it refused to
        look, OutcomeUnknownError whenever the order may or may not be there. An order that was
        there already under the same id is returned.
        """

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """Return the order of that id; None only when the broker says it has none."""

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel; one that can no longer be cancelled is no error."""

    def orders(self, *, since: datetime) -> Sequence[BrokerOrder]:
        """Return all orders, open or not, submitted since an instant; legs of brackets too."""

    def open_orders(self) -> Sequence[BrokerOrder]:
        """Return all open orders, legs of brackets too."""

    def children(self, broker_order_id: str) -> Sequence[BrokerOrder]:
        """Return the stop and target attached to an order, with their parent's client id."""

    def bookings(self, *, since: datetime) -> Sequence[BrokerBooking]:
        """Return what was booked without a trade from the day of an instant on, oldest first."""

    def fills(self, *, since: datetime) -> Sequence[BrokerFill]:
        """Return all executions since an instant."""

    def positions(self) -> Sequence[BrokerPosition]:
        """Return all holdings; empty means flat, for an error raises."""

    def account(self) -> BrokerAccount:
        """Return the account."""

    def clock(self) -> BrokerClock:
        """Return the market's time."""

    def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        """Return the sessions from `first` to `last`."""

    def quotes(self, symbols: Sequence[str]) -> dict[str, BrokerQuote]:
        """Return the newest quote of each symbol that has one."""

    def asset(self, symbol: str) -> BrokerAsset | None:
        """Return what the broker says of a symbol; None when it does not know it."""
