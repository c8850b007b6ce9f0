"""What the broker said in one look: account, positions, quotes, and the session's equity."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ledger import bookings, market
from ledger.tables import equity_points, fills
from trading.broker import BrokerAccount, BrokerClock
from trading.ledger import BrokerView

_NEW_YORK = ZoneInfo("America/New_York")
_ZERO = Decimal(0)


def record(
    conn: sa.Connection, view: BrokerView, *, environment: str | None, desk_at: datetime
) -> Decimal:
    """Write a complete look at the broker down, its fills apart.

    Parameters
    ----------
    environment : str or None
        Of the account; None keeps the one on record.

    Returns
    -------
    Decimal
        USD by which cash moved since the last look without a fill or booking that explains it.
    """
    before = market.latest_account(conn)
    where = environment or _environment(conn, before)
    unexplained = _unexplained(conn, before, view.account)
    market.record_account(conn, _account(view, where, desk_at))
    market.record_positions(
        conn,
        [
            market.Position(**vars(held), as_of=view.clock.now, received_at=desk_at)
            for held in view.positions
        ],
    )
    market.record_quotes(
        conn, [market.Quote(**vars(quote), received_at=desk_at) for quote in view.quotes]
    )
    session = _session(conn, view.clock, where)
    if session is not None:
        market.record_equity(conn, _point(view, where, session))
    return unexplained


def _account(view: BrokerView, environment: str, desk_at: datetime) -> market.Account:
    told = {name: value for name, value in vars(view.account).items() if name != "blocked"}
    if view.account.blocked and view.account.status == "ACTIVE":
        told["status"] = "BLOCKED"
    return market.Account(
        **told, environment=environment, as_of=view.clock.now, received_at=desk_at
    )


def _environment(conn: sa.Connection, account: market.Account | None) -> str:
    """Where the desk trades, as far as the ledger knows; a running replay says so itself."""
    if account is not None:
        return account.environment
    clock = market.latest_clock(conn)
    return "replay" if clock is not None and clock.replay else "paper"


def _unexplained(conn: sa.Connection, before: market.Account | None, now: BrokerAccount) -> Decimal:
    if before is None or before.account_id != now.account_id:
        return _ZERO
    value = fills.c.quantity * fills.c.price
    paid = sa.case((fills.c.side == "buy", -value), else_=value) - fills.c.fee
    made, gone = (
        conn.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(paid), 0)).where(at > before.received_at)
        )
        for at in (fills.c.recorded_at, fills.c.busted_at)
    )
    explained = Decimal(made or 0) - Decimal(gone or 0)
    return now.cash - before.cash - explained - bookings.cash_since(conn, before.received_at)


def _session(conn: sa.Connection, clock: BrokerClock, environment: str) -> date | None:
    """The session whose equity this is; None when the market is closed and none is meant."""
    today = clock.now.astimezone(_NEW_YORK).date()
    if clock.is_open:
        return today
    replayed = market.latest_clock(conn)
    if replayed is not None and replayed.replay and replayed.now <= clock.now:
        return replayed.session
    # After the close of a session that was seen open.
    known = conn.scalar(
        sa.select(sa.func.count()).where(
            equity_points.c.environment == environment, equity_points.c.session == today
        )
    )
    return today if known else None


def _point(view: BrokerView, environment: str, session: date) -> market.EquityPoint:
    values = [held.market_value or _ZERO for held in view.positions]
    return market.EquityPoint(
        environment=environment,
        session=session,
        equity=view.account.equity,
        cash=view.account.cash,
        gross=sum((abs(value) for value in values), _ZERO),
        net=sum(values, _ZERO),
    )
