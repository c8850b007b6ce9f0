"""Lots, first in first out: what each holding cost, what its sales realised, whose it was.

The first share bought of a symbol is the first one sold, over the whole account. A lot belongs to
the strategy and model that opened it, whoever closes it: theirs are its gains and its dividends.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TypeAlias

from trading.orders import Side

ZERO = Decimal(0)
_PLACES = Decimal("1e-9")  # of a share, after a split


@dataclass(frozen=True, order=True)
class Sleeve:
    """Whose a lot is; both are empty for what belongs to the account as a whole."""

    symbol: str
    strategy: str
    model: str  # empty: entered by hand


@dataclass(frozen=True)
class Trade:
    """An execution; quantity unsigned, price USD per share, fee USD."""

    trade_id: str
    session: date
    sleeve: Sleeve
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO


@dataclass(frozen=True)
class Booked:
    """Shares and cash that moved without a trade, before the session's trades.

    A split has shares, and cash for what was no whole share; a dividend, interest, a fee or a
    transfer has cash alone. `symbol` is empty for the account's own.
    """

    booking_id: str
    session: date
    kind: str
    symbol: str
    quantity: Decimal
    cash: Decimal


@dataclass(frozen=True)
class Corrected:
    """Shares that came or went past the desk, as a person booked them: nobody's profit.

    What comes belongs to the account as a whole. Price in USD per share, of what came.
    """

    booking_id: str
    session: date
    symbol: str
    quantity: Decimal  # negative: gone
    price: Decimal


Event: TypeAlias = Trade | Booked | Corrected


@dataclass(frozen=True)
class OpenLot:
    """Shares held, negative when short, at the price of today's share; its part of the fee."""

    trade_id: str
    sleeve: Sleeve
    opened: date
    quantity: Decimal
    price: Decimal
    fee: Decimal


@dataclass(frozen=True)
class ClosedLot:
    """Shares closed by one trade: what they cost, what they brought, USD net of both fees."""

    opened_by: str
    closed_by: str
    sleeve: Sleeve
    opened: date
    closed: date
    quantity: Decimal  # of the lot: negative for a short
    open_price: Decimal
    close_price: Decimal
    fees: Decimal

    @property
    def realised(self) -> Decimal:
        """Gain in USD, net of fees."""
        return self.quantity * (self.close_price - self.open_price) - self.fees


@dataclass
class Book:
    """All lots, and the cash that each sleeve took or gave since it was last asked.

    `marks` are the last closes before the session that is accounted for, USD per share.
    """

    marks: dict[str, Decimal] = field(default_factory=dict)
    lots: dict[str, list[OpenLot]] = field(default_factory=lambda: defaultdict(list))
    closed: list[ClosedLot] = field(default_factory=list)
    flows: dict[Sleeve, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    fees: dict[Sleeve, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    income: dict[Sleeve, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def apply(self, event: Event) -> None:
        """Take an event into the book."""
        match event:
            case Trade():
                self._trade(event)
            case Booked():
                self._book(event)
            case Corrected():
                self._correct(event)

    @property
    def open_lots(self) -> list[OpenLot]:
        """Every open lot, symbol by symbol, the oldest first."""
        return [lot for symbol in sorted(self.lots) for lot in self.lots[symbol]]

    def position(self, symbol: str) -> Decimal:
        """Return the sum of the symbol's lots, in shares."""
        return sum((lot.quantity for lot in self.lots[symbol]), ZERO)

    def _trade(self, trade: Trade) -> None:
        left = trade.quantity if trade.side == "buy" else -trade.quantity
        queue = self.lots[trade.sleeve.symbol]
        while left and queue and queue[0].quantity * left < 0:
            left += self._close(queue, trade, left)
        if left:
            fee = trade.fee * abs(left) / trade.quantity
            queue.append(
                OpenLot(trade.trade_id, trade.sleeve, trade.session, left, trade.price, fee)
            )
            self._flow(trade.sleeve, -left * trade.price, fee)

    def _close(self, queue: list[OpenLot], trade: Trade, left: Decimal) -> Decimal:
        """Close what fits of the oldest lot; return the shares closed, signed as the lot's."""
        lot = queue[0]
        size = min(abs(lot.quantity), abs(left))
        shares = size if lot.quantity > 0 else -size
        open_fee, close_fee = lot.fee * size / abs(lot.quantity), trade.fee * size / trade.quantity
        self.closed.append(
            ClosedLot(
                opened_by=lot.trade_id, closed_by=trade.trade_id, sleeve=lot.sleeve,
                opened=lot.opened, closed=trade.session, quantity=shares,
                open_price=lot.price, close_price=trade.price, fees=open_fee + close_fee,
            )
        )  # fmt: skip
        self._flow(lot.sleeve, shares * trade.price, close_fee)
        if size == abs(lot.quantity):
            queue.pop(0)
        else:
            queue[0] = replace(lot, quantity=lot.quantity - shares, fee=lot.fee - open_fee)
        return shares

    def _correct(self, made: Corrected) -> None:
        """Let the oldest shares go, or new ones come, at the last close: that earns nothing."""
        left, queue = made.quantity, self.lots[made.symbol]
        while left and queue and queue[0].quantity * left < 0:
            lot = queue.pop(0)
            size = min(abs(lot.quantity), abs(left))
            gone = size if lot.quantity > 0 else -size
            self.flows[lot.sleeve] += gone * self._worth(lot, made.session)
            if size < abs(lot.quantity):
                fee = lot.fee * (1 - size / abs(lot.quantity))
                queue.insert(0, replace(lot, quantity=lot.quantity - gone, fee=fee))
            left += gone
        if left:
            sleeve = Sleeve(made.symbol, "", "")
            queue.append(OpenLot(made.booking_id, sleeve, made.session, left, made.price, ZERO))
            self.flows[sleeve] -= left * self.marks.get(made.symbol, made.price)

    def _worth(self, lot: OpenLot, session: date) -> Decimal:
        """A share's price before the session, USD; what it cost if it was bought in the session."""
        if lot.opened == session:
            return lot.price
        return self.marks.get(lot.sleeve.symbol, lot.price)

    def _flow(self, sleeve: Sleeve, cash: Decimal, fee: Decimal) -> None:
        self.flows[sleeve] += cash - fee
        self.fees[sleeve] += fee

    def _book(self, booked: Booked) -> None:
        if booked.quantity:
            self._split(booked)
        if not booked.cash:
            return
        lots = self.lots[booked.symbol]
        held = self.position(booked.symbol)
        if not held:
            sleeve = Sleeve(booked.symbol, "", "")
            self._earn(sleeve, booked.cash)
            return
        left = booked.cash
        for lot in lots[:-1]:
            part = booked.cash * lot.quantity / held
            self._earn(lot.sleeve, part)
            left -= part
        self._earn(lots[-1].sleeve, left)

    def _earn(self, sleeve: Sleeve, cash: Decimal) -> None:
        self.flows[sleeve] += cash
        self.income[sleeve] += cash

    def _split(self, booked: Booked) -> None:
        """Spread new shares over the lots; the last takes the rest, so that the sum is exact."""
        lots, held = self.lots[booked.symbol], self.position(booked.symbol)
        if not held:
            return
        after = held + booked.quantity
        given = ZERO
        for n, lot in enumerate(lots):
            last = n == len(lots) - 1
            shares = after - given if last else (lot.quantity * after / held).quantize(_PLACES)
            given += shares
            if shares:
                lots[n] = replace(lot, quantity=shares, price=lot.price * lot.quantity / shares)
        self.lots[booked.symbol] = [lot for lot in lots if lot.quantity] if after else []


@dataclass(frozen=True)
class Result:
    """What a sleeve did in one session, USD.

    Attributes
    ----------
    profit : Decimal
        Change of its value plus the cash it gave, net of fees.
    value : Decimal
        Of its lots at the close.
    """

    session: date
    sleeve: Sleeve
    profit: Decimal
    value: Decimal
    fees: Decimal
    income: Decimal


def results(
    events: Iterable[Event],
    closes: Mapping[date, Mapping[str, Decimal]],
    *,
    book: Book | None = None,
) -> list[Result]:
    """Return what each sleeve did in each session.

    Parameters
    ----------
    events : iterable of Trade, Booked or Corrected
        In order of session; bookings of a session before its trades.
    closes : mapping of date to mapping of str to Decimal
        Prices as quoted, USD per share, of every session to account for. A symbol without one
        keeps its last; before the first it is worth what it cost.
    book : Book, optional
        Is left as it stands after the last session.

    Returns
    -------
    list of Result
        By session and sleeve. Over all sessions the profits of a sleeve add up to what it
        realised and what it would realise at the last closes, dividends included.

    Raises
    ------
    ValueError
        If an event's session is not among those of `closes`.
    """
    book = Book() if book is None else book
    by_session = {day: list(some) for day, some in groupby(events, lambda event: event.session)}
    unknown = sorted(set(by_session) - set(closes))
    if unknown:
        raise ValueError(
            f"{len(unknown)} sessions have events and no closes, the first {unknown[0]}."
        )
    marks = book.marks
    before: dict[Sleeve, Decimal] = {}
    found: list[Result] = []
    for session in sorted(closes):
        for event in by_session.get(session, ()):
            _rescale(marks, book, event)
            book.apply(event)
        marks.update(closes[session])
        values = _values(book, marks)
        touched = sorted({*values, *before, *book.flows})
        found += [_result(session, sleeve, book, values, before) for sleeve in touched]
        before = values
        for counted in (book.flows, book.fees, book.income):
            counted.clear()
    return found


def _rescale(marks: dict[str, Decimal], book: Book, event: Event) -> None:
    """Bring a symbol's last price to the shares after a split, for a session without a close."""
    if not isinstance(event, Booked) or not event.quantity or event.symbol not in marks:
        return
    held = book.position(event.symbol)
    if held and held + event.quantity:
        marks[event.symbol] *= held / (held + event.quantity)


def _values(book: Book, marks: Mapping[str, Decimal]) -> dict[Sleeve, Decimal]:
    values: dict[Sleeve, Decimal] = defaultdict(Decimal)
    for lot in book.open_lots:
        values[lot.sleeve] += lot.quantity * marks.get(lot.sleeve.symbol, lot.price)
    return dict(values)


def _result(
    session: date,
    sleeve: Sleeve,
    book: Book,
    values: Mapping[Sleeve, Decimal],
    before: Mapping[Sleeve, Decimal],
) -> Result:
    value = values.get(sleeve, ZERO)
    return Result(
        session=session,
        sleeve=sleeve,
        profit=value - before.get(sleeve, ZERO) + book.flows.get(sleeve, ZERO),
        value=value,
        fees=book.fees.get(sleeve, ZERO),
        income=book.income.get(sleeve, ZERO),
    )
