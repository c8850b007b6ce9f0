"""What the pre-trade checks look at: one frozen picture of the desk, the market and the limits.

A None or a missing key means that nobody knows; the checks then deny an opening order.
Money is in USD, prices in USD per share, shares of equity are fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from config.limits import Limits
from quant.typing import FloatArray
from trading.broker import BrokerAsset
from trading.orders import Side
from trading.state import TradingState

ZERO = Decimal(0)


@dataclass(frozen=True)
class SignedTerms:
    """What was signed, by whom, and under which terms."""

    state: str  # of the proposal
    intact: bool  # the stored bytes have the hash that every signature names
    valid_until: datetime  # market time
    signers: tuple[str, ...]  # person ids whose signature stands
    allowed_signers: frozenset[str]  # of those, who may sign now
    signatures_needed: int
    entered_by: str | None
    drift_bound: Decimal
    drift_direction: str  # adverse | both
    account_id: str | None = None  # the account whose book people saw when they signed


@dataclass(frozen=True)
class DataNow:
    """The quality verdict on a symbol's newest data, and its age in closed sessions."""

    status: str  # passed | released | held | confirmed
    sessions_old: int
    checks: int = 0
    checks_passed: int = 0


@dataclass(frozen=True)
class ModelNow:
    """The model behind the proposal, and what its state counts for now."""

    version: str
    status: str  # champion | challenger | retired | demoted
    advisory_allowed: bool  # may a model trade here that has not passed its gates?
    reason: str = ""  # why a champion counts as a challenger


@dataclass(frozen=True)
class Reconciled:
    """The last comparison of broker and ledger."""

    clean: bool
    age_seconds: int  # wall
    disputed: frozenset[str] = frozenset()  # symbols in its differences


@dataclass(frozen=True)
class MarketNow:
    """The broker's clock."""

    now: datetime
    is_open: bool
    next_open: datetime | None
    next_close: datetime | None


@dataclass(frozen=True)
class QuoteNow:
    """A quote and its age in market seconds."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None  # None too where the last trade is too old to be the price
    age_seconds: int
    is_stub: bool = False  # bid and ask lie too far apart for their middle to be a price

    @property
    def price(self) -> Decimal | None:
        """The last trade where bid and ask do not deny it, else their middle."""
        if self.last is not None and self._may_trade_at(self.last):
            return self.last
        return self.middle

    @property
    def middle(self) -> Decimal | None:
        """The middle of bid and ask; None where one is missing or they lie too far apart."""
        if self.bid is None or self.ask is None or self.is_stub:
            return None
        return (self.bid + self.ask) / 2

    def _may_trade_at(self, price: Decimal) -> bool:
        below = self.bid is not None and price < self.bid
        above = self.ask is not None and price > self.ask
        return not below and not above


def spread(bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    """Return how far bid and ask lie apart, crossed or not, as a fraction of their middle."""
    return None if bid is None or ask is None else abs(ask - bid) / (bid + ask) * 2


@dataclass(frozen=True)
class AccountNow:
    """The account, and the marks its losses are measured from."""

    equity: Decimal
    cash: Decimal
    settled_cash: Decimal | None
    buying_power: Decimal
    blocked: bool
    last_equity: Decimal | None  # prior close, adjusted for cash flows as the highs are
    day_high: Decimal | None  # highest equity of the session
    peak: Decimal | None  # highest equity ever, adjusted for cash flows
    day_trades: int | None = None  # opened and closed on one day, of the last five sessions
    account_id: str | None = None  # as the broker names it; None where only the ledger was asked
    paid_in: Decimal = ZERO  # net, since the desk looks at the account; the highs moved with it


@dataclass(frozen=True)
class Holding:
    """A position; negative when short."""

    quantity: Decimal
    price: Decimal
    is_priced: bool = True  # False: nobody tells its price now, and `price` is what was paid


@dataclass(frozen=True)
class WorkingOrder:
    """An own order that is not final, or a leg counted as if it were sent already."""

    symbol: str
    side: Side
    leaves: Decimal
    price: Decimal  # its limit, else the last price
    order_type: str
    proposal_id: str | None = None
    leg_no: int | None = None
    attached: bool = False  # the stop or target of an entry: it gives way to a closing order
    # Shares that no other stop may be for; of orders that exclude one another only one counts.
    set_aside: Decimal = ZERO


@dataclass(frozen=True)
class RecentOrder:
    """An order of the last day, final or not."""

    symbol: str
    side: Side
    quantity: Decimal
    age_seconds: int  # wall
    proposal_id: str
    leg_no: int
    in_vain: bool = False  # the broker's last word on it: it ended, and no share was filled


@dataclass(frozen=True)
class Activity:
    """How much was sent lately."""

    last_minute: int  # wall
    today: int  # market session
    symbol_today: Mapping[str, int]
    recent: tuple[RecentOrder, ...]


@dataclass(frozen=True)
class Picture:
    """Everything the checks may look at."""

    limits: Limits
    environment: str  # what the proposal says: replay | paper | live
    sending: bool  # False when a proposal is made, True just before it is sent
    proposal_id: str
    account_environment: str | None
    trading_state: TradingState | None
    reconciled: Reconciled | None
    market: MarketNow | None
    account: AccountNow | None
    positions: Mapping[str, Holding] | None
    working: tuple[WorkingOrder, ...] | None
    activity: Activity | None
    model: ModelNow | None = None
    by_hand: bool = False  # entered by a person: no model stands behind it
    command: str | None = None  # flatten: a signed command, which HALTED lets pass
    signed: SignedTerms | None = None
    quotes: Mapping[str, QuoteNow] = field(default_factory=dict)
    data: Mapping[str, DataNow] = field(default_factory=dict)
    assets: Mapping[str, BrokerAsset] = field(default_factory=dict)
    average_volume: Mapping[str, Decimal] = field(default_factory=dict)  # shares a session
    sectors: Mapping[str, str] = field(default_factory=dict)
    betas: Mapping[str, Decimal] = field(default_factory=dict)  # 1 where it is not known
    restricted: frozenset[str] = frozenset()
    open_stop_risk: Decimal | None = None  # USD, to the stops of all open trades
    stop_demanded: bool = False  # the sizes rest on a stop: an entry without one risks all
    # Simple returns of the same past sessions by symbol, oldest first; None: nobody computed them.
    returns: Mapping[str, FloatArray] | None = None
    consecutive_losses: int | None = None  # of the strategy
    builds: frozenset[str] | None = None  # of every process that may send

    def held(self, symbol: str) -> Decimal:
        """Shares held; 0 when none."""
        holding = (self.positions or {}).get(symbol)
        return ZERO if holding is None else holding.quantity

    def working_shares(self, symbol: str, side: Side) -> Decimal:
        """Shares of own open orders on one side, legs counted before this one included.

        Stops and targets of entries are left out: they close no more than is held, and are
        cancelled before another order closes it.
        """
        mine = [o for o in self.working or () if o.symbol == symbol and o.side == side]
        return sum((o.leaves for o in mine if not o.attached), ZERO)

    def protecting(self, symbol: str, side: Side) -> list[WorkingOrder]:
        """Own stops and targets on one side for which the broker sets shares of it aside."""
        mine = [o for o in self.working or () if o.symbol == symbol and o.side == side]
        return [o for o in mine if o.set_aside > 0]

    def market_price(self, symbol: str) -> Decimal | None:
        """The quote's price, else the one the position is valued at; None when neither is told."""
        quote = self.quotes.get(symbol)
        if quote is not None and quote.price is not None:
            return quote.price
        holding = (self.positions or {}).get(symbol)
        return holding.price if holding is not None and holding.is_priced else None
