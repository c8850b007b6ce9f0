"""What is known of deposits and withdrawals after the last look at the account."""

from decimal import Decimal

import sqlalchemy as sa

from ledger import market
from ledger.tables import bookings, fills
from ledger.tables import transfers as table
from trading.broker import BrokerAccount, BrokerClock
from trading.transfers import Look, PaidIn, Transfers, after


def follow(
    conn: sa.Connection, account: BrokerAccount, clock: BrokerClock, *, agrees: bool
) -> tuple[Transfers | None, Transfers]:
    """Note what a look at the account tells; the same look again changes nothing.

    Parameters
    ----------
    agrees : bool
        Whether positions are those that fills and bookings make.

    Returns
    -------
    (Transfers or None, Transfers)
        What was known before it, None at the first look at this account; and what is now.
    """
    row = conn.execute(sa.select(table).with_for_update()).one_or_none()
    before = None if row is None or row.account_id != account.account_id else _told(row)
    look = _look(conn, account, clock)
    now = Transfers(look) if before is None else after(before, look, agrees=agrees)
    counts = {name: value for name, value in vars(now).items() if name != "look"}
    market.replace_only_row(conn, table, {"account_id": account.account_id, **vars(look), **counts})
    return before, now


def paid_in(conn: sa.Connection, account_id: str) -> PaidIn:
    """Return what was paid into an account, as far as it counts."""
    row = conn.execute(sa.select(table).where(table.c.account_id == account_id)).one_or_none()
    return PaidIn() if row is None else PaidIn(row.counted, row.day, row.last_equity)


def last_close(conn: sa.Connection, account: market.Account) -> Decimal | None:
    """Return equity at the previous close with what was paid in since, USD."""
    return paid_in(conn, account.account_id).last_close(account.last_equity)


def _look(conn: sa.Connection, account: BrokerAccount, clock: BrokerClock) -> Look:
    value = fills.c.quantity * fills.c.price
    paid = sa.case((fills.c.side == "buy", -value), else_=value) - fills.c.fee
    traded = _total(conn, paid, fills.c.busted_at.is_(None))
    moved = bookings.c.kind == "transfer"
    return Look(
        rest=account.cash - traded - _total(conn, bookings.c.cash, ~moved),
        booked=_total(conn, bookings.c.cash, moved),
        last_equity=account.last_equity,
        market_at=clock.now,
        is_open=clock.is_open,
        corrections=_count(conn, bookings.c.kind == "correction"),
    )


def _total(
    conn: sa.Connection, amount: sa.ColumnElement[Decimal], which: sa.ColumnElement[bool]
) -> Decimal:
    return Decimal(conn.scalar(sa.select(sa.func.sum(amount)).where(which)) or 0)


def _count(conn: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(bookings).where(which)) or 0


def _told(row: sa.Row[tuple[object, ...]]) -> Transfers:
    told = row._asdict()
    look = Look(**{name: told[name] for name in Look.__dataclass_fields__})
    counts = {name: told[name] for name in Transfers.__dataclass_fields__ if name != "look"}
    return Transfers(look, **counts)
