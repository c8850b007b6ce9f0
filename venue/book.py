"""The account: cash, positions, what has settled. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass(frozen=True)
class Position:
    """Signed shares, their average entry price, and the shares opened in `session`."""

    symbol: str
    qty: Decimal
    entry: Decimal
    session: date
    opened: Decimal = ZERO

    @property
    def cost(self) -> Decimal:
        """Signed cost basis in dollars."""
        return self.qty * self.entry


@dataclass(frozen=True)
class DayTrade:
    """A position opened and reduced in one session by `order_id`."""

    session: date
    symbol: str
    order_id: str


@dataclass(frozen=True)
class Book:
    """Everything the account owns. `unsettled` are (settlement date, dollars)."""

    cash: Decimal
    positions: Mapping[str, Position] = field(default_factory=dict)
    unsettled: tuple[tuple[date, Decimal], ...] = ()
    day_trades: tuple[DayTrade, ...] = ()
    last_equity: Decimal = ZERO

    @property
    def settled_cash(self) -> Decimal:
        """Cash without proceeds that are still to settle."""
        return self.cash - sum((a for _, a in self.unsettled if a > 0), ZERO)

    def qty(self, symbol: str) -> Decimal:
        """Signed shares held of `symbol`."""
        held = self.positions.get(symbol)
        return held.qty if held else ZERO

    def filled(
        self,
        symbol: str,
        signed_qty: Decimal,
        price: Decimal,
        *,
        session: date,
        settles: date,
        order_id: str,
    ) -> "Book":
        """The book after buying (positive) or selling (negative) shares at `price`."""
        held = self.positions.get(symbol) or Position(symbol, ZERO, ZERO, session)
        if held.session != session:
            held = replace(held, session=session, opened=ZERO)
        amount = -signed_qty * price
        positions = dict(self.positions)
        after = _after(held, signed_qty, price)
        positions[symbol] = after
        if after.qty == 0:
            # Kept for the session (with no shares) would show as a position: drop it.
            del positions[symbol]
        return replace(
            self,
            cash=self.cash + amount,
            positions=positions,
            unsettled=(*self.unsettled, (settles, amount)),
            day_trades=self._with_day_trade(held, signed_qty, session, order_id),
        )

    def _with_day_trade(
        self, held: Position, signed_qty: Decimal, session: date, order_id: str
    ) -> tuple[DayTrade, ...]:
        reduces = held.qty * signed_qty < 0 and held.opened != 0
        trade = DayTrade(session, held.symbol, order_id)
        if not reduces or trade in self.day_trades:
            return self.day_trades
        return (*self.day_trades, trade)

    def split(self, symbol: str, ratio: Decimal) -> "Book":
        """The book after each share of `symbol` became `ratio` shares."""
        held = self.positions.get(symbol)
        if held is None:
            return self
        after = replace(
            held, qty=held.qty * ratio, entry=held.entry / ratio, opened=held.opened * ratio
        )
        return replace(self, positions={**self.positions, symbol: after})

    def paid(self, amount: Decimal) -> "Book":
        """The book after `amount` dollars came in (or, negative, went out), settled."""
        return replace(self, cash=self.cash + amount)

    def settled(self, today: date) -> "Book":
        """The book on the morning of `today`: trades due by then have settled."""
        due = tuple((d, a) for d, a in self.unsettled if d > today)
        return replace(self, unsettled=due)


def _after(held: Position, signed_qty: Decimal, price: Decimal) -> Position:
    qty = held.qty + signed_qty
    grows = held.qty * signed_qty >= 0
    if grows:
        entry = (held.cost + signed_qty * price) / qty
        return replace(held, qty=qty, entry=entry, opened=held.opened + signed_qty)
    if qty * held.qty >= 0:
        closed = min(abs(signed_qty), abs(held.opened)) * (1 if held.opened > 0 else -1)
        return replace(held, qty=qty, opened=held.opened - closed)
    return replace(held, qty=qty, entry=price, opened=qty)


def as_record(book: Book) -> dict[str, Any]:
    """The book as JSON values."""
    return {
        "cash": str(book.cash),
        "positions": [
            [p.symbol, str(p.qty), str(p.entry), p.session.isoformat(), str(p.opened)]
            for p in book.positions.values()
        ],
        "unsettled": [[d.isoformat(), str(a)] for d, a in book.unsettled],
        "day_trades": [[t.session.isoformat(), t.symbol, t.order_id] for t in book.day_trades],
        "last_equity": str(book.last_equity),
    }


def from_record(record: Mapping[str, Any]) -> Book:
    """The book that `as_record` described."""
    positions = (
        Position(s, Decimal(q), Decimal(e), date.fromisoformat(d), Decimal(o))
        for s, q, e, d, o in record["positions"]
    )
    return Book(
        cash=Decimal(record["cash"]),
        positions={p.symbol: p for p in positions},
        unsettled=tuple((date.fromisoformat(d), Decimal(a)) for d, a in record["unsettled"]),
        day_trades=tuple(DayTrade(date.fromisoformat(d), s, o) for d, s, o in record["day_trades"]),
        last_equity=Decimal(record["last_equity"]),
    )
