"""What the worker's rules watch, as the ledger knows it now."""

from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from ledger import heartbeats, market, transfers
from ledger.tables import orders
from ledger.tables import runs as runs_table
from trading.alerting import Figure

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_WORKING = ("intended", "sent", "accepted", "partially_filled", "unresolved")


def figures(conn: sa.Connection, *, desk_at: datetime, watched_since: datetime) -> list[Figure]:
    """Return every figure of the ledger that a rule may watch.

    Parameters
    ----------
    desk_at : datetime
        Wall time, to which silence is counted.
    watched_since : datetime
        Wall time from which it is counted at the earliest: a desk that was down heard nobody.

    Returns
    -------
    list of trading.alerting.Figure
        A figure that nobody knows, such as a gain before the account was heard, is left out.
    """
    return [
        *_account(conn),
        *_quotes(conn),
        *_orders(conn),
        *_system(conn, desk_at, watched_since),
    ]


def _account(conn: sa.Connection) -> list[Figure]:
    account = market.latest_account(conn)
    if account is None or account.equity <= 0:
        return []
    equity, held = account.equity, market.latest_positions(conn).values()
    values = {one.symbol: one.market_value for one in held if one.market_value is not None}
    found = [
        Figure("gross_exposure", "", sum(map(abs, values.values()), Decimal(0)) / equity),
        *(Figure("position_share", name, abs(value) / equity) for name, value in values.items()),
        *(
            Figure("open_gain", one.symbol, one.unrealised)
            for one in held
            if one.unrealised is not None
        ),
    ]
    close = transfers.last_close(conn, account)
    if close is not None and close > 0:
        found.append(Figure("day_gain", "", equity / close - 1))
    clock = market.latest_clock(conn)
    if clock is not None:
        _, peak = market.equity_marks(
            conn,
            environment=account.environment,
            account_id=account.account_id,
            session=clock.session,
        )
        if peak:
            found.append(Figure("drawdown", "", max(1 - equity / peak, Decimal(0))))
    return found


def _quotes(conn: sa.Connection) -> list[Figure]:
    """Prices; and their age while the market is open."""
    clock, told = market.latest_clock(conn), market.latest_quotes(conn)
    found = [
        Figure("last_price", symbol, quote.last)
        for symbol, quote in told.items()
        if quote.last is not None
    ]
    if clock is not None and clock.is_open:
        found += [
            Figure("quote_age", symbol, _minutes(clock.now - quote.quoted_at))
            for symbol, quote in told.items()
        ]
    return found


def _orders(conn: sa.Connection) -> list[Figure]:
    clock = market.latest_clock(conn)
    unresolved = _count(conn, orders.c.state == "unresolved")
    found = [Figure("unresolved_orders", "", unresolved)]
    if clock is None:
        return found
    is_working = sa.and_(orders.c.state.in_(_WORKING), orders.c.parent_client_order_id.is_(None))
    oldest = conn.scalar(sa.select(sa.func.min(orders.c.intended_market_at)).where(is_working))
    age = Decimal(0) if oldest is None else _minutes(clock.now - oldest)
    recent = orders.c.intended_market_at > clock.now - _DAY
    refused = _count(conn, sa.and_(orders.c.state == "rejected", recent))
    return [*found, Figure("order_age", "", age), Figure("rejected_orders", "", refused)]


def _system(conn: sa.Connection, desk_at: datetime, watched_since: datetime) -> list[Figure]:
    failed = conn.scalar(
        sa.select(sa.func.count())
        .select_from(runs_table)
        .where(runs_table.c.state == "failed", runs_table.c.updated_at > desk_at - _HOUR)
    )
    return [
        Figure("failed_runs", "", Decimal(failed or 0)),
        *(
            Figure("silence", beat.process, _seconds(desk_at - max(beat.beat_at, watched_since)))
            for beat in heartbeats.all_of(conn)
        ),
    ]


def _count(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Decimal:
    found = conn.scalar(sa.select(sa.func.count()).select_from(orders).where(which))
    return Decimal(found or 0)


def _minutes(span: timedelta) -> Decimal:
    return _seconds(span) / 60


def _seconds(span: timedelta) -> Decimal:
    return max(Decimal(round(span.total_seconds())), Decimal(0))
