"""Stops that gave way to a sale, and the ones that take their place for what it leaves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import alerts, audit, orders, sales, state
from ledger.orders import FINAL
from ledger.tables import bookings, legs, positions, proposals
from ledger.tables import orders as table
from trading.ledger import Book, Stamp
from trading.orders import OCO, RENEWED_FROM, STOPS, YIELDED, Order, OrderState, renewed
from trading.wording import shares

# A stop with a trail follows the price: nobody signed a new one from where it stands now. It is
# told as missing instead.
_KINDS = ("stop", "stop_limit")
_BOOK = (proposals.c.environment, proposals.c.account_id)
_TRAILING = "trailing_stop"
_MOST_REFUSALS = 5  # the broker refused so many for one stop: from here on people must look
SOLD = "Taken back by the desk: all of its shares were sold."
TAKEN_OVER = "Taken back by the desk for a sale. What is left has another stop."
LEFT = "Taken back by the desk for a sale. A trail is not begun anew: people were told."


@dataclass(frozen=True)
class Chain:
    """A stop as it was signed, and those that took its place; oldest first."""

    members: Sequence[sa.Row[Any]]

    @property
    def signed(self) -> sa.Row[Any]:
        """The stop that came with its signature."""
        return self.members[0]

    @property
    def is_owed(self) -> bool:
        """Whether the desk took its newest away, made a smaller one, or was refused."""
        newest = self.members[-1]
        if newest.state == OrderState.CANCELED and newest.reason == YIELDED:
            return True
        if newest.attempt <= RENEWED_FROM:
            return False
        refused = len([one for one in self.members if one.state == OrderState.REJECTED])
        if newest.state == OrderState.REJECTED:
            return refused < _MOST_REFUSALS
        return bool(newest.state not in FINAL)

    @property
    def missing(self) -> Decimal:
        """Shares that were signed, that no stop of the chain has sold, and none covers."""
        newest = self.members[-1]
        sold = sum((one.filled_quantity for one in self.members), Decimal(0))
        works = newest.quantity - newest.filled_quantity if newest.state not in FINAL else 0
        return Decimal(self.signed.quantity) - sold - works


def _book(stop: sa.Row[Any]) -> Book:
    return Book(stop.environment, stop.account_id)


def mark_yielded(conn: sa.Connection, client_order_id: str, *, at: Stamp) -> None:
    """Note that the desk cancels a stop for a sale of its shares; anything else stays as it is."""
    before = orders.by_id(conn, client_order_id, lock=True)
    if before is not None and before.order_type in STOPS and not before.state.is_final:
        orders.change(conn, before, before, at=at, reason=YIELDED)


def owed(conn: sa.Connection) -> list[str]:
    """Return the symbols of which a stop gave way, or is one that took its place."""
    marked = sa.or_(table.c.reason == YIELDED, table.c.attempt > RENEWED_FROM)
    named = conn.scalars(
        sa.select(table.c.symbol)
        .where(table.c.order_type.in_(STOPS), marked)
        .distinct()
        .order_by(table.c.symbol)
    ).all()
    return [
        symbol
        for symbol in named
        if _trails_given_way(conn, symbol) or any(one.is_owed for one in _chains(conn, symbol))
    ]


def closing_shares(conn: sa.Connection, symbol: str) -> dict[str, Decimal]:
    """Return by side the shares of own working orders that are neither stops nor attached."""
    rows = conn.execute(
        sa.select(table.c.side, sa.func.sum(table.c.quantity - table.c.filled_quantity))
        .where(
            table.c.symbol == symbol,
            table.c.state.not_in(FINAL),
            table.c.parent_client_order_id.is_(None),
            sa.not_(orders.protective(table)),
        )
        .group_by(table.c.side)
    )
    return {side: Decimal(total) for side, total in rows}


def intend(
    conn: sa.Connection,
    symbol: str,
    *,
    book: Book,
    held: Decimal,
    price: Decimal | None,
    closing: Mapping[str, Decimal],
    is_open: bool,
    owner: str,
    build: str,
    until: datetime,
    at: Stamp,
) -> list[Order]:
    """Write down the stops that are missing of what is held beyond the sales; return them.

    Parameters
    ----------
    book : Book
        Of what was signed for another one nothing is made or settled.
    held : Decimal
        Shares the broker holds; negative when short.
    price : Decimal or None
        What they trade at, USD per share; None when nobody knows: then no stop is made.
    closing : mapping
        Shares on their way out by side, as read before `held` was asked for.
    is_open : bool
        Whether the market is: a stop for the day only does not outlive it.
    """
    halted = not state.locked(conn).state.admits(reduces=True)
    # Between a stop's cancel and the intent of the sale its shares must stay free.
    if halted or sales.is_in_hand(conn, symbol, owner=owner, at=at):
        return []
    owing = [
        chain
        for chain in _chains(conn, symbol, lock=True)
        if chain.is_owed and _book(chain.signed) == book
    ]
    made: list[Order] = []
    for side in ("sell", "buy"):
        mine = [chain for chain in owing if chain.signed.side == side]
        trails = [
            one
            for one in _trails_given_way(conn, symbol)
            if one.side == side and _book(one) == book
        ]
        position = held if side == "sell" else -held
        if position <= 0:
            _settle(conn, [*trails, *(chain.members[-1] for chain in mine)], SOLD)
            continue
        if sales.is_coming(conn, symbol, side, at=at):
            continue
        leaving = max(closing.get(side, Decimal(0)), closing_shares(conn, symbol).get(side, 0))
        bare = position - leaving - covered(conn, symbol, side)
        for chain, quantity in _shared(conn, mine, bare, price, at, is_open=is_open):
            bare -= quantity
            stop = _add(conn, chain, quantity, owner=owner, build=build, until=until, at=at)
            made += [stop] if stop else []
        if bare <= 0 and not leaving:
            _settle(conn, [chain.members[-1] for chain in mine], TAKEN_OVER)
        if trails and (bare > 0 or not leaving):
            _tell_trails(conn, trails, bare, at)
    return made


def _shared(
    conn: sa.Connection,
    owing: Sequence[Chain],
    bare: Decimal,
    price: Decimal | None,
    at: Stamp,
    *,
    is_open: bool,
) -> list[tuple[Chain, Decimal]]:
    """Share what is bare out among the chains that owe a stop, the nearest to the price first."""
    found: list[tuple[Chain, Decimal]] = []
    is_long = bool(owing) and owing[0].signed.side == "sell"
    for chain in sorted(owing, key=lambda one: one.signed.stop_price, reverse=is_long):
        quantity = min(bare, chain.missing)
        if quantity > 0 and _may_work(conn, chain, price, at, is_open=is_open):
            bare -= quantity
            found.append((chain, quantity))
    return found


def _may_work(
    conn: sa.Connection, chain: Chain, price: Decimal | None, at: Stamp, *, is_open: bool
) -> bool:
    """Whether a stop of a chain makes sense now; where the price has passed it, people are told."""
    if price is None or (chain.signed.time_in_force == "day" and not is_open):
        return False
    if (chain.signed.stop_price >= price) == (chain.signed.side == "sell"):
        _tell_passed(conn, chain.signed, price, at)
        return False
    return True


def _chains(conn: sa.Connection, symbol: str, *, lock: bool = False) -> list[Chain]:
    """The stops of a symbol that close a position, each with what took its place."""
    query = (
        sa.select(table, legs.c.leg_no, legs.c.reduces, proposals.c.entered_by, *_BOOK)
        .join(legs, legs.c.leg_id == table.c.leg_id)
        .join(proposals, proposals.c.proposal_id == table.c.proposal_id)
        .where(
            table.c.symbol == symbol,
            table.c.order_type.in_(_KINDS),
            sa.or_(table.c.parent_client_order_id.is_not(None), legs.c.reduces),
        )
        .order_by(table.c.intended_at, table.c.attempt)
    )
    rows = conn.execute(query.with_for_update(of=table) if lock else query).all()
    members: dict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in rows:
        # The stop of an entry and its successors hang on the entry; one that was signed for
        # itself has its successors hang on it.
        members[row.parent_client_order_id or row.client_order_id].append(row)
    found = [Chain(tuple(each)) for each in members.values()]
    split_at = last_split(conn, symbol)
    return [chain for chain in found if not _is_superseded(chain, rows, split_at)]


def _trails_given_way(conn: sa.Connection, symbol: str) -> Sequence[sa.Row[Any]]:
    """Trailing stops that the desk cancelled for a sale, of which nobody was told yet."""
    return conn.execute(
        sa.select(table, *_BOOK)
        .join(proposals, proposals.c.proposal_id == table.c.proposal_id)
        .where(
            table.c.symbol == symbol,
            table.c.order_type == _TRAILING,
            table.c.state == OrderState.CANCELED,
            table.c.reason == YIELDED,
        )
    ).all()


def _tell_trails(
    conn: sa.Connection, trails: Sequence[sa.Row[Any]], bare: Decimal, at: Stamp
) -> None:
    """Tell people of shares that a sale left without the trailing stop they had, once."""
    _settle(conn, trails, LEFT)
    if bare <= 0:
        return  # all that is held has another stop
    symbol = trails[0].symbol
    alerts.raise_once(
        conn,
        severity="critical",
        kind="stop_missing",
        subject=symbol,
        message=f"{symbol}'s trailing stop gave way to a sale, and {shares(bare)} shares have no "
        "stop. A trail is not begun anew without a signature: protect what is held under "
        "Approvals, or sell it.",
        desk_at=at.desk_at,
        market_at=at.market_at,
        actor=at.source,
    )


def _is_superseded(chain: Chain, rows: Sequence[sa.Row[Any]], split_at: datetime | None) -> bool:
    """Whether a split or another stop that people signed came after the newest of a chain."""
    newest = chain.members[-1]
    if split_at is not None and split_at > newest.intended_at:
        return True  # its price and shares are those of before: people are asked to sign new ones
    return any(
        row.parent_client_order_id is None
        and row.entered_by is None  # what a person asks for stands beside the others
        and row.proposal_id != newest.proposal_id
        and row.intended_at > newest.intended_at
        and row.state != OrderState.REJECTED
        and row not in chain.members
        for row in rows
    )


def covered(conn: sa.Connection, symbol: str, side: str) -> Decimal:
    """Return the shares that working stops on one side close.

    The stop of a pair is the broker's own, and known once the broker has told of it: until then
    the pair's target stands for it.
    """
    child = table.alias()
    told = sa.exists().where(
        child.c.parent_client_order_id == table.c.client_order_id, child.c.order_type.in_(STOPS)
    )
    fresh_pair = sa.and_(
        table.c.symbol == symbol, table.c.side == side, table.c.order_class == OCO, sa.not_(told)
    )
    total = conn.scalar(
        sa.select(sa.func.sum(table.c.quantity - table.c.filled_quantity)).where(
            sa.or_(closes(symbol, side), fresh_pair), table.c.state.not_in(FINAL)
        )
    )
    return Decimal(total or 0)


def without(conn: sa.Connection, symbol: str, side: str) -> Decimal:
    """Return the shares held that no working stop covers and that are not on their way out.

    Parameters
    ----------
    side : str
        The one that closes: sell of a long position, buy of a short one.
    """
    held = conn.scalar(sa.select(positions.c.quantity).where(positions.c.symbol == symbol))
    position = Decimal(held or 0) if side == "sell" else -Decimal(held or 0)
    leaving = closing_shares(conn, symbol).get(side, Decimal(0))
    return max(position - leaving - covered(conn, symbol, side), Decimal(0))


def last_split(conn: sa.Connection, symbol: str) -> datetime | None:
    """Return when (desk time) the broker last booked shares of a symbol without a trade."""
    booked: datetime | None = conn.scalar(
        sa.select(sa.func.max(bookings.c.recorded_at)).where(
            bookings.c.symbol == symbol,
            bookings.c.quantity != 0,
            bookings.c.market_at.is_(None),
        )
    )
    return booked


def closes(symbol: str, side: str) -> sa.ColumnElement[bool]:
    """Whether a row of orders is a stop of what is held; that of an entry without a fill is not."""
    entry = table.alias()
    idle = sa.exists().where(
        entry.c.client_order_id == table.c.parent_client_order_id,
        entry.c.filled_quantity == 0,
        sa.not_(orders.protective(entry)),
    )
    signed_for_itself = sa.exists().where(legs.c.leg_id == table.c.leg_id, legs.c.reduces)
    return sa.and_(
        table.c.symbol == symbol,
        table.c.side == side,
        table.c.order_type.in_(STOPS),
        sa.or_(table.c.parent_client_order_id.is_not(None), signed_for_itself),
        sa.not_(idle),
    )


def _tell_passed(conn: sa.Connection, stop: sa.Row[Any], price: Decimal, at: Stamp) -> None:
    alerts.raise_once(
        conn,
        severity="critical",
        kind="stop_passed",
        subject=stop.symbol,
        message=f"{stop.symbol} trades at {price}, beyond the stop at {stop.stop_price} that a "
        "sale took away. What the sale left has none: sell it.",
        desk_at=at.desk_at,
        market_at=at.market_at,
        actor=at.source,
    )


def _settle(conn: sa.Connection, stops: Sequence[sa.Row[Any]], why: str) -> None:
    """What gave way and has ended does not come back for a later position.

    One whose cancel is still under way is left as it is: it must be owed once it has ended.
    """
    for stop in stops:
        conn.execute(
            sa.update(table)
            .where(
                table.c.client_order_id == stop.client_order_id,
                table.c.reason == YIELDED,
                table.c.state.in_(FINAL),
            )
            .values(reason=why)
        )


def _add(
    conn: sa.Connection,
    chain: Chain,
    quantity: Decimal,
    *,
    owner: str,
    build: str,
    until: datetime,
    at: Stamp,
) -> Order | None:
    """Write down a chain's next stop; None where another dispatcher did at the same moment."""
    first = chain.signed
    # Numbers of their own: the parts of an entry count from 1.
    attempt = max(RENEWED_FROM, *(one.attempt for one in chain.members)) + 1
    order = renewed(
        orders.stored_order(first), leg_no=first.leg_no, attempt=attempt, quantity=quantity
    )
    parent = first.parent_client_order_id or first.client_order_id
    if not orders.add(conn, order, build=build, owner=owner, until=until, at=at, parent=parent):
        return None
    audit.append(
        conn, at=at.desk_at, actor=owner, action="order.renew", subject=order.client_order_id,
        payload={
            "proposal": order.proposal_id, "instead_of": chain.members[-1].client_order_id,
            "quantity": quantity, "stop_price": order.stop_price, "build": build,
        },
    )  # fmt: skip
    return order
