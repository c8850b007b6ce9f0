"""What the broker last said: quotes, clock, account, positions, equity by session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger.tables import accounts, equity_points, market_clock, positions, quotes
from trading.broker import BrokerQuote


@dataclass(frozen=True)
class Quote:
    """The last bid, ask and trade of a symbol, USD per share."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    quoted_at: datetime  # market time, of bid and ask
    received_at: datetime  # desk time
    traded_at: datetime | None = None  # market time, of `last`

    @property
    def told(self) -> BrokerQuote:
        """The quote as the broker told it."""
        return BrokerQuote(
            self.symbol, self.bid, self.ask, self.last, self.quoted_at, self.traded_at
        )


@dataclass(frozen=True)
class Clock:
    """The market's clock and, in replay, how it runs."""

    now: datetime  # market time
    session: date  # New York date of `now`
    is_open: bool
    next_open: datetime | None
    next_close: datetime | None
    early_close: bool
    replay: bool
    state: str  # running | paused | held | ended | live
    hold_reason: str | None
    pace: Decimal | None  # market minutes per second
    first_session: date | None
    last_session: date | None
    received_at: datetime  # desk time


@dataclass(frozen=True)
class Account:
    """The account at the broker, in its currency."""

    account_id: str
    environment: str  # replay | paper | live
    equity: Decimal
    last_equity: Decimal | None  # at the previous close
    cash: Decimal
    settled_cash: Decimal | None
    buying_power: Decimal
    currency: str
    status: str
    as_of: datetime  # market time
    received_at: datetime  # desk time
    day_trades: int | None = None  # of the last five sessions


@dataclass(frozen=True)
class Position:
    """A holding; quantity is negative when short."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    market_price: Decimal | None
    market_value: Decimal | None
    unrealised: Decimal | None
    as_of: datetime  # market time
    received_at: datetime  # desk time


@dataclass(frozen=True)
class EquityPoint:
    """Equity at the close of a session, in the account's currency."""

    environment: str
    session: date
    equity: Decimal
    cash: Decimal
    gross: Decimal
    net: Decimal
    high: Decimal | None = None  # highest equity seen in the session
    paid_in: Decimal = Decimal(0)  # by people, net, since the desk looks at the account
    account_id: str | None = None  # None: it may be any one's


def record_quotes(conn: sa.Connection, received: Iterable[Quote]) -> None:
    """Keep each symbol's newest quote; an older one never replaces it."""
    # In one order of symbols, so that two writers cannot deadlock.
    rows = [vars(quote) for quote in sorted(received, key=lambda quote: quote.symbol)]
    if not rows:
        return
    statement = insert(quotes).values(rows)
    told = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[quotes.c.symbol],
            set_={name: told[name] for name in rows[0] if name != "symbol"},
            where=quotes.c.quoted_at <= told.quoted_at,
        )
    )


def latest_quotes(conn: sa.Connection) -> dict[str, Quote]:
    """Return the newest quote of every symbol."""
    return {row.symbol: Quote(**row._asdict()) for row in conn.execute(sa.select(quotes))}


def record_clock(conn: sa.Connection, clock: Clock) -> None:
    """Keep what the broker's clock said."""
    replace_only_row(conn, market_clock, vars(clock))


def latest_clock(conn: sa.Connection) -> Clock | None:
    """Return what the broker's clock said last, or None before the first answer."""
    row = conn.execute(_without_key(market_clock)).one_or_none()
    return None if row is None else Clock(**row._asdict())


def record_account(conn: sa.Connection, account: Account) -> None:
    """Keep what the broker said of the account."""
    replace_only_row(conn, accounts, vars(account))


def latest_account(conn: sa.Connection) -> Account | None:
    """Return what the broker said of the account last, or None before the first answer."""
    row = conn.execute(_without_key(accounts)).one_or_none()
    return None if row is None else Account(**row._asdict())


def record_positions(conn: sa.Connection, held: Iterable[Position]) -> None:
    """Replace all positions by a *complete* answer of the broker; an empty one means flat.

    Never call this after a failed or partial query.
    """
    rows = [vars(position) for position in held]
    conn.execute(sa.text("LOCK TABLE desk.positions IN SHARE ROW EXCLUSIVE MODE"))
    conn.execute(sa.delete(positions))
    if rows:
        conn.execute(sa.insert(positions), rows)


def latest_positions(conn: sa.Connection) -> dict[str, Position]:
    """Return the positions by symbol, as the broker last said in full."""
    return {
        row.symbol: Position(**row._asdict())
        for row in conn.execute(sa.select(positions).order_by(positions.c.symbol))
    }


def record_equity(conn: sa.Connection, point: EquityPoint, *, rises: bool = True) -> None:
    """Keep the equity of a session: a later figure replaces it, the account's high stays.

    Parameters
    ----------
    rises : bool
        Whether this equity may be a high.
    """
    high = point.equity if rises else None
    statement = insert(equity_points).values(**(vars(point) | {"high": high}))
    told = statement.excluded
    changes: dict[str, Any] = {
        name: told[name] for name in ("equity", "cash", "gross", "net", "paid_in", "account_id")
    }
    changes["high"] = sa.case(
        (_is_of(told.account_id), sa.func.greatest(equity_points.c.high, told.high)),
        else_=told.high,
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[equity_points.c.environment, equity_points.c.session], set_=changes
        )
    )


def move_highs(conn: sa.Connection, *, environment: str, account_id: str, by: Decimal) -> None:
    """Move every recorded high of an account by what was paid in, or taken out, USD."""
    if by:
        conn.execute(
            sa.update(equity_points)
            .where(equity_points.c.environment == environment, _is_of(account_id))
            .values(high=equity_points.c.high + by)
        )


def equity_marks(
    conn: sa.Connection, *, environment: str, account_id: str, session: date
) -> tuple[Decimal | None, Decimal | None]:
    """Return an account's highest equity, of the session and ever; None before any is known."""
    its = sa.and_(equity_points.c.environment == environment, _is_of(account_id))
    high = conn.scalar(
        sa.select(equity_points.c.high).where(its, equity_points.c.session == session)
    )
    peak = conn.scalar(sa.select(sa.func.max(equity_points.c.high)).where(its))
    return high, peak


def _is_of(account_id: str | sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a point is of an account; one that names none is of every one."""
    its = sa.func.coalesce(equity_points.c.account_id, account_id)
    return its.is_not_distinct_from(account_id)


def equity_curve(conn: sa.Connection, *, environment: str, account_id: str) -> list[EquityPoint]:
    """Return an account's equity by session, oldest first."""
    query = (
        sa.select(equity_points)
        .where(equity_points.c.environment == environment, _is_of(account_id))
        .order_by(equity_points.c.session)
    )
    return [EquityPoint(**row._asdict()) for row in conn.execute(query)]


def returns(points: Sequence[EquityPoint]) -> list[float]:
    """Return what each session after the first gained, as a fraction of the equity before it.

    What people paid in or took out is no gain: it counts as moved at the close. Every equity must
    be positive.
    """
    return [
        float((now.equity - now.paid_in + before.paid_in) / before.equity) - 1.0
        for before, now in pairwise(points)
    ]


def replace_only_row(conn: sa.Connection, table: sa.Table, values: dict[str, object]) -> None:
    """Keep these values in a table that has a single row."""
    statement = insert(table).values(**values)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.only_row],
            set_={name: statement.excluded[name] for name in values},
        )
    )


def _without_key(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(column for column in table.c if column.name != "only_row"))
