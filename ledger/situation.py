"""The ledger's half of what the pre-trade checks look at: account, orders, quotes, signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from config.limits import DAY_MINUTES
from ledger import market, state, transfers
from ledger.covering import WITH_ENTRY, gives_way, set_aside
from ledger.orders import FINAL
from ledger.tables import (
    heartbeats,
    legs,
    orders,
    reconciliations,
)
from trading.broker import BrokerQuote
from trading.orders import OrderState
from trading.picture import (
    AccountNow,
    Activity,
    Holding,
    MarketNow,
    RecentOrder,
    Reconciled,
    WorkingOrder,
)
from trading.state import TradingState
from trading.transfers import PaidIn

_WORKING = ("intended", "sent", "accepted", "partially_filled", "unresolved")
_BEATS_WITHIN = timedelta(seconds=60)
_MINUTE = timedelta(minutes=1)
_RECENT = timedelta(minutes=DAY_MINUTES)  # the longest window in which a repetition is denied
_NEW_YORK = ZoneInfo("America/New_York")
_ZERO = Decimal(0)
_WITH_LEG = sa.select(orders, legs.c.leg_no, legs.c.reduces).join(
    legs, orders.c.leg_id == legs.c.leg_id
)

# Stops and targets are the broker's making: they are neither repetition nor pace.
_SENT_BY_US = orders.c.parent_client_order_id.is_(None)


@dataclass(frozen=True)
class Situation:
    """What the ledger knows at one moment; None is "nobody knows"."""

    account_environment: str | None
    trading_state: TradingState
    reconciled: Reconciled | None
    market: MarketNow | None
    account: AccountNow | None
    day_high: Decimal | None  # highest equity on record, of the session and ever, USD
    peak: Decimal | None
    paid_in: PaidIn
    positions: dict[str, Holding] | None
    working: tuple[WorkingOrder, ...]
    activity: Activity
    quotes: dict[str, BrokerQuote]
    builds: frozenset[str]


def situation(
    conn: sa.Connection, *, desk_at: datetime, market_at: datetime | None = None
) -> Situation:
    """Return what the ledger knows now; read in one transaction it is of one moment.

    Parameters
    ----------
    desk_at : datetime
        Wall time, from which ages are counted.
    market_at : datetime, optional
        The broker's time, where it was just asked; else the clock on record tells the session.
    """
    clock = market.latest_clock(conn)
    account = market.latest_account(conn)
    high, peak = _marks(conn, account, clock, market_at)
    paid_in = transfers.paid_in(conn, "" if account is None else account.account_id)
    return Situation(
        account_environment=None if account is None else account.environment,
        trading_state=state.current(conn).state,
        reconciled=_reconciled(conn, desk_at),
        market=None
        if clock is None
        else MarketNow(clock.now, clock.is_open, clock.next_open, clock.next_close),
        account=None if account is None else _account(account, paid_in, high, peak),
        day_high=high,
        peak=peak,
        paid_in=paid_in,
        positions=None if account is None else _positions(conn),
        working=_working(conn),
        activity=_activity(conn, desk_at, clock),
        quotes=_quotes(conn),
        builds=_builds(conn, desk_at),
    )


def _reconciled(conn: sa.Connection, desk_at: datetime) -> Reconciled | None:
    row = conn.execute(
        sa.select(reconciliations).order_by(reconciliations.c.seq.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    disputed = {told["symbol"] for told in row.differences if told["grave"] and told["symbol"]}
    # One from the future was noted by a clock that ran ahead: how old it is, nobody knows.
    age = int(abs(desk_at - row.finished_at).total_seconds())
    return Reconciled(clean=row.clean, age_seconds=age, disputed=frozenset(disputed))


def _account(
    account: market.Account, paid_in: PaidIn, high: Decimal | None, peak: Decimal | None
) -> AccountNow:
    before = paid_in.last_close(account.last_equity)
    return AccountNow(
        equity=account.equity,
        cash=account.cash,
        settled_cash=account.settled_cash,
        buying_power=account.buying_power,
        blocked=account.status != "ACTIVE",
        last_equity=before,
        day_high=max(account.equity, before or _ZERO, high or _ZERO),
        peak=max(account.equity, peak or _ZERO),
        day_trades=account.day_trades,
        paid_in=paid_in.ever,
    )


def _marks(
    conn: sa.Connection,
    account: market.Account | None,
    clock: market.Clock | None,
    market_at: datetime | None,
) -> tuple[Decimal | None, Decimal | None]:
    if market_at is not None:
        session = market_at.astimezone(_NEW_YORK).date()
    elif clock is not None:
        session = clock.session
    else:
        return None, None
    if account is None:
        return None, None
    return market.equity_marks(
        conn, environment=account.environment, account_id=account.account_id, session=session
    )


def _positions(conn: sa.Connection) -> dict[str, Holding]:
    return {
        symbol: Holding(held.quantity, held.market_price or held.average_price)
        for symbol, held in market.latest_positions(conn).items()
    }


def _working(conn: sa.Connection) -> tuple[WorkingOrder, ...]:
    told = market.latest_quotes(conn)
    rows = conn.execute(WITH_ENTRY.where(orders.c.state.in_(_WORKING))).all()
    aside = set_aside(rows)
    return tuple(
        WorkingOrder(
            symbol=row.symbol,
            side=row.side,
            leaves=row.quantity - row.filled_quantity,
            price=row.limit_price or row.stop_price or _last(told, row.symbol),
            order_type=row.order_type,
            proposal_id=row.proposal_id,
            leg_no=row.leg_no,
            attached=gives_way(row),
            set_aside=aside.get(row.client_order_id, _ZERO),
        )
        for row in rows
    )


def _last(quotes: dict[str, market.Quote], symbol: str) -> Decimal:
    quote = quotes.get(symbol)
    return _ZERO if quote is None else quote.last or quote.ask or quote.bid or _ZERO


def _activity(conn: sa.Connection, desk_at: datetime, clock: market.Clock | None) -> Activity:
    newest: Sequence[sa.Row[tuple[object, ...]]] = conn.execute(
        _WITH_LEG.where(orders.c.intended_at > desk_at - _RECENT, _SENT_BY_US)
    ).all()
    today = _today(conn, clock)
    return Activity(
        last_minute=sum(row.intended_at > desk_at - _MINUTE for row in newest),
        today=sum(today.values()),
        symbol_today=today,
        recent=tuple(
            RecentOrder(
                symbol=row.symbol,
                side=row.side,
                quantity=row.quantity,
                age_seconds=int((desk_at - row.intended_at).total_seconds()),
                proposal_id=row.proposal_id,
                leg_no=row.leg_no,
                in_vain=_is_in_vain(row),
            )
            for row in newest
        ),
    )


def _is_in_vain(order: sa.Row[Any]) -> bool:
    """Whether an order ended without a share, on the broker's word.

    One that was cancelled and never seen at the broker may have a first send under way still.
    """
    told = order.state == OrderState.REJECTED or order.broker_order_id is not None
    return told and order.state in FINAL and order.filled_quantity == 0


def _today(conn: sa.Connection, clock: market.Clock | None) -> dict[str, int]:
    """Orders per symbol since the session's midnight in New York."""
    if clock is None:
        return {}
    local = sa.func.timezone("America/New_York", orders.c.intended_market_at)
    counted = conn.execute(
        sa.select(orders.c.symbol, sa.func.count())
        .where(sa.cast(local, sa.Date) == clock.session, _SENT_BY_US)
        .group_by(orders.c.symbol)
    )
    return {symbol: int(count) for symbol, count in counted}


def _quotes(conn: sa.Connection) -> dict[str, BrokerQuote]:
    return {symbol: quote.told for symbol, quote in market.latest_quotes(conn).items()}


def _builds(conn: sa.Connection, desk_at: datetime) -> frozenset[str]:
    rows = conn.execute(
        sa.select(heartbeats.c.build).where(heartbeats.c.beat_at > desk_at - _BEATS_WITHIN)
    )
    return frozenset(row.build for row in rows)
