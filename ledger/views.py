"""What the broker said in one look: account, positions, quotes, and the session's equity."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ledger import fills, market, transfers
from ledger.tables import equity_points
from trading.broker import BrokerClock
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
    before, now = transfers.follow(
        conn, view.account, view.clock, agrees=_held(view) == fills.holdings(conn)
    )
    where = environment or _environment(conn)
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
    moved = now.counted if before is None else now.counted - before.counted
    market.move_highs(conn, environment=where, account_id=view.account.account_id, by=moved)
    session = _session(conn, view.clock, where)
    if session is not None:
        market.record_equity(conn, _point(view, where, session, now.counted), rises=now.rises)
    return _ZERO if before is None else now.look.unbooked - before.look.unbooked


def _held(view: BrokerView) -> dict[str, Decimal]:
    return {held.symbol: held.quantity for held in view.positions if held.quantity}


def _account(view: BrokerView, environment: str, desk_at: datetime) -> market.Account:
    told = {name: value for name, value in vars(view.account).items() if name != "blocked"}
    if view.account.blocked and view.account.status == "ACTIVE":
        told["status"] = "BLOCKED"
    return market.Account(
        **told, environment=environment, as_of=view.clock.now, received_at=desk_at
    )


def _environment(conn: sa.Connection) -> str:
    """Where the desk trades, as far as the ledger knows; a running replay says so itself."""
    account = market.latest_account(conn)
    if account is not None:
        return account.environment
    clock = market.latest_clock(conn)
    return "replay" if clock is not None and clock.replay else "paper"


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


def _point(
    view: BrokerView, environment: str, session: date, paid_in: Decimal
) -> market.EquityPoint:
    values = [held.market_value or _ZERO for held in view.positions]
    return market.EquityPoint(
        environment=environment,
        session=session,
        equity=view.account.equity,
        cash=view.account.cash,
        gross=sum((abs(value) for value in values), _ZERO),
        net=sum(values, _ZERO),
        paid_in=paid_in,
        account_id=view.account.account_id,
    )
