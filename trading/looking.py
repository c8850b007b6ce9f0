"""Taking the picture that the checks judge just before an order is sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from config.limits import Limits
from quant.typing import FloatArray
from trading.broker import Broker, BrokerAccount, BrokerClock, BrokerPosition, BrokerQuote
from trading.ledger import DeskNow, SignedLeg
from trading.picture import (
    AccountNow,
    DataNow,
    Holding,
    MarketNow,
    ModelNow,
    Picture,
    QuoteNow,
    spread,
)
from trading.transfers import PaidIn


class Clock(Protocol):
    """The market's time, whoever told it."""

    @property
    def now(self) -> datetime:
        """Market time."""

    @property
    def is_open(self) -> bool:
        """Whether it trades."""


def take_picture(
    broker: Broker,
    *,
    now: DeskNow,
    clock: BrokerClock,
    signed: SignedLeg,
    environment: str,
    limits: Limits,
    build: str,
    data: Mapping[str, DataNow],
    model: ModelNow | None,
    average_volume: Mapping[str, Decimal],
    recent_returns: Callable[[Sequence[str]], Mapping[str, FloatArray]],
    betas: Callable[[Sequence[str]], Mapping[str, Decimal]],
    sectors: Mapping[str, str],
    restricted: frozenset[str],
) -> Picture:
    """Return the picture of a signed leg, from fresh answers of the broker.

    `recent_returns` and `betas` are asked for everything held, working or about to be: what the
    whole book may lose is judged once more before anything is sent.

    Raises
    ------
    BrokerUnavailableError
        If an answer is missing: nothing is judged on half a picture.
    """
    symbol = signed.leg.symbol
    account = broker.account()
    positions = broker.positions()
    book = {symbol, *(held.symbol for held in positions), *(o.symbol for o in now.working)}
    quotes = quotes_now(broker.quotes([symbol]), clock, limits)
    asset = broker.asset(symbol)
    return Picture(
        limits=limits,
        environment=signed.environment,
        sending=True,
        proposal_id=signed.proposal_id,
        account_environment=environment,
        trading_state=now.trading_state,
        reconciled=now.reconciled,
        market=MarketNow(
            now=clock.now,
            is_open=clock.is_open,
            next_open=clock.next_open,
            next_close=clock.next_close,
        ),
        account=account_now(account, paid_in=now.paid_in, day_high=now.day_high, peak=now.peak),
        positions={held.symbol: _holding(held) for held in positions},
        working=now.working,
        activity=now.activity,
        model=model,
        by_hand=signed.terms.entered_by is not None,
        command=signed.command,
        signed=signed.terms,
        quotes=quotes,
        data=data,
        assets={} if asset is None else {symbol: asset},
        average_volume=average_volume,
        sectors=sectors,
        betas=betas(sorted(book)),
        restricted=restricted,
        open_stop_risk=now.open_stop_risk,
        stop_demanded=signed.terms.entered_by is None,
        returns=recent_returns(sorted(book)),
        consecutive_losses=now.consecutive_losses,
        builds=now.builds | {build},
    )


def _holding(held: BrokerPosition) -> Holding:
    """Return a position; what is halted or delisted may have no price."""
    if held.market_price is None:
        return Holding(held.quantity, held.average_price, is_priced=False)
    return Holding(held.quantity, held.market_price)


def account_now(
    account: BrokerAccount,
    *,
    paid_in: PaidIn,
    day_high: Decimal | None,
    peak: Decimal | None,
) -> AccountNow:
    """Return the account with its marks; before any is on record the present one counts."""
    before = paid_in.last_close(account.last_equity)
    marks = [mark for mark in (account.equity, before, peak) if mark is not None]
    return AccountNow(
        equity=account.equity,
        cash=account.cash,
        settled_cash=account.settled_cash,
        buying_power=account.buying_power,
        blocked=account.blocked,
        last_equity=before,
        day_high=day_high,
        peak=max(marks),
        day_trades=account.day_trades,
        account_id=account.account_id,
        paid_in=paid_in.ever,
    )


def quotes_now(
    told: Mapping[str, BrokerQuote], clock: Clock, limits: Limits
) -> dict[str, QuoteNow]:
    """Return quotes by symbol with their ages on the market's clock.

    While the market is open, the last trade counts only where it is as fresh as a quote must be:
    after a gap bid and ask are the first to tell. Theirs is no price where they lie further apart
    than an order's limit may lie from it.
    """
    return {symbol: _quote_now(quote, clock, limits) for symbol, quote in told.items()}


def _quote_now(quote: BrokerQuote, clock: Clock, limits: Limits) -> QuoteNow:
    traded = None if quote.traded_at is None else _age(quote.traded_at, clock)
    fresh = traded is not None and traded <= limits.quote_age_seconds
    apart = spread(quote.bid, quote.ask)
    return QuoteNow(
        bid=quote.bid,
        ask=quote.ask,
        last=quote.last if fresh or not clock.is_open else None,
        age_seconds=_age(quote.quoted_at, clock),
        is_stub=apart is not None and apart > limits.collar,
    )


def _age(at: datetime, clock: Clock) -> int:
    """Market seconds since an instant; 0 for one that lies ahead."""
    return max(int((clock.now - at).total_seconds()), 0)
