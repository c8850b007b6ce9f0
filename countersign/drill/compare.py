"""Ledger against venue, order by order: pure, so that it can be shown to fail."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from countersign.drill.limits_kept import Breach

_PRICE_TOLERANCE = Decimal("0.0001")  # USD: the venue rounds the average price
_CENT = Decimal("0.01")
_FINAL = frozenset({"filled", "canceled", "rejected", "expired"})


@dataclass(frozen=True)
class Signed:
    """A leg as it was signed, and how the ledger says it ended without an order, if it did."""

    leg: str
    client_order_id: str  # derived from proposal and leg
    symbol: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None
    ended: str | None = None
    protects: bool = False  # a stop of what is held, signed for itself


@dataclass(frozen=True)
class Kept:
    """An order in the ledger; `leg` is the leg it was written down for."""

    client_order_id: str
    leg: str
    parent: str | None  # client order id of the entry it hangs on
    state: str
    filled: Decimal
    average_price: Decimal | None
    reason: str | None = None


@dataclass(frozen=True)
class There:
    """An order at the venue, its state in the desk's words."""

    client_order_id: str
    parent: str | None  # client order id of the entry it hangs on
    symbol: str
    side: str
    quantity: Decimal
    state: str
    filled: Decimal
    average_price: Decimal | None


@dataclass(frozen=True)
class Execution:
    """A fill, as one side tells it; price in USD per share."""

    execution_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True)
class LedgerSide:
    """What the desk has on record; positions as its fills and bookings add up."""

    orders: Sequence[Kept]
    executions: Sequence[Execution]
    positions: Mapping[str, Decimal]


@dataclass(frozen=True)
class VenueSide:
    """What the venue has; shares gained by splits and cash from dividends stand apart."""

    orders: Sequence[There]
    executions: Sequence[Execution]
    positions: Mapping[str, Decimal]
    cash: Decimal
    first_cash: Decimal
    split_shares: Mapping[str, Decimal] = field(default_factory=dict)
    dividends: Decimal = Decimal(0)


@dataclass(frozen=True)
class Finding:
    """Something that must not be; `kind` is one of the counts of the result."""

    kind: str  # duplicates | lost | unsigned | unexplained | limit_breaches
    subject: str
    sentence: str


def compare(
    signed: Sequence[Signed],
    ledger: LedgerSide,
    venue: VenueSide,
    *,
    strangers: Collection[str] = (),
    breaches: Sequence[Breach] = (),
) -> list[Finding]:
    """Return everything that is wrong; nothing when ledger, venue and signatures agree.

    Parameters
    ----------
    signed : sequence of Signed
        Every leg that people signed, as they signed it.
    ledger, venue : LedgerSide, VenueSide
        Read after everything has come to rest.
    strangers : collection of str
        Client order ids planted at the venue that the desk has raised an alert about.
    breaches : sequence of Breach
        Limits that fills went beyond, found elsewhere.
    """
    return [
        *_duplicates(signed, ledger, venue),
        *_lost(signed, ledger, venue),
        *_unsigned(signed, ledger, venue, strangers),
        *_apart(signed, ledger, venue, strangers),
        *_executions(ledger, venue, strangers),
        *_positions(ledger, venue),
        *_book(venue),
        *(Finding("limit_breaches", breach.subject, breach.sentence) for breach in breaches),
    ]


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings there are of each kind, all kinds named."""
    kinds = ("duplicates", "lost", "unsigned", "unexplained", "limit_breaches")
    found = Counter(finding.kind for finding in findings)
    return {kind: found[kind] for kind in kinds}


def _duplicates(
    signed: Sequence[Signed], ledger: LedgerSide, venue: VenueSide
) -> Iterator[Finding]:
    """More than one order of a leg at the venue, more shares than signed, a fill told twice."""
    leg_of = {kept.client_order_id: kept.leg for kept in ledger.orders if kept.parent is None}
    leg_of |= {one.client_order_id: one.leg for one in signed}
    entries = [told for told in venue.orders if told.parent is None]
    orders = Counter(
        leg_of[told.client_order_id] for told in entries if told.client_order_id in leg_of
    )
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for told in entries:
        if told.client_order_id in leg_of:
            shares[leg_of[told.client_order_id]] += told.filled
    for one in signed:
        if orders[one.leg] > 1:
            yield Finding("duplicates", one.leg, f"{orders[one.leg]} orders at the venue.")
        elif shares[one.leg] > one.quantity:
            said = f"{shares[one.leg]} shares filled, {one.quantity} signed."
            yield Finding("duplicates", one.leg, said)
    yield from _closed_twice(signed, ledger, venue)
    yield from _twice("ledger", ledger.executions)
    yield from _twice("venue", venue.executions)


def _closed_twice(
    signed: Sequence[Signed], ledger: LedgerSide, venue: VenueSide
) -> Iterator[Finding]:
    """Stops of what is held that closed more, with those that took their place, than was signed."""
    first = {kept.client_order_id: kept.parent for kept in ledger.orders if kept.parent}
    closed: dict[str, Decimal] = defaultdict(Decimal)
    for told in venue.orders:
        name = told.client_order_id
        closed[told.parent or first.get(name) or name] += told.filled
    for one in signed:
        if one.protects and closed[one.client_order_id] > one.quantity:
            said = f"{closed[one.client_order_id]} shares closed, {one.quantity} signed."
            yield Finding("duplicates", one.leg, said)


def _twice(side: str, executions: Sequence[Execution]) -> Iterator[Finding]:
    for name, times in Counter(fill.execution_id for fill in executions).items():
        if times > 1:
            yield Finding("duplicates", name, f"The {side} has this execution {times} times.")


def _lost(signed: Sequence[Signed], ledger: LedgerSide, venue: VenueSide) -> Iterator[Finding]:
    """Signed legs that are neither at the venue nor ended with a recorded reason."""
    there = {told.client_order_id for told in venue.orders}
    kept = {order.client_order_id: order for order in ledger.orders}
    for one in signed:
        order = kept.get(one.client_order_id)
        if one.client_order_id in there:
            continue  # whether the ledger tells the same of it is asked elsewhere
        if order is None:
            if not one.ended:
                yield Finding("lost", one.leg, "Signed, never sent, and no reason on record.")
        elif order.state not in _FINAL:
            yield Finding("lost", one.leg, f"{order.state} here, and not at the venue.")
        elif order.state == "filled" or not order.reason:
            said = f"{order.state} here without a reason, and not at the venue."
            yield Finding("lost", one.leg, said)


def _unsigned(
    signed: Sequence[Signed],
    ledger: LedgerSide,
    venue: VenueSide,
    strangers: Collection[str],
) -> Iterator[Finding]:
    terms = {one.client_order_id: one for one in signed}
    renewed = {kept.client_order_id: kept.parent for kept in ledger.orders if kept.parent}
    for told in venue.orders:
        name = told.client_order_id
        if name in strangers or name in terms or told.parent in terms:
            continue
        # A stop that the desk made anew after a sale: on the side that closes, within its size.
        first = terms.get(renewed.get(name) or "") if told.parent is None else None
        if (
            first is None
            or (told.side == first.side) != first.protects
            or told.quantity > first.quantity
        ):
            said = f"{told.side} {told.quantity} {told.symbol} at the venue, which nobody signed."
            yield Finding("unsigned", told.client_order_id, said)


def _apart(
    signed: Sequence[Signed],
    ledger: LedgerSide,
    venue: VenueSide,
    strangers: Collection[str],
) -> Iterator[Finding]:
    """Orders that ledger, venue and signature do not tell alike."""
    kept = {order.client_order_id: order for order in ledger.orders}
    terms = {one.client_order_id: one for one in signed}
    for told in venue.orders:
        name = told.client_order_id
        if name in strangers:
            continue
        order = kept.get(name)
        if order is None:
            yield Finding("unexplained", name, "The venue has it, the ledger does not.")
        elif difference := _difference(order, told) or _beyond(terms.get(name), told):
            yield Finding("unexplained", name, difference)
    there = {told.client_order_id for told in venue.orders}
    for order in ledger.orders:
        if order.client_order_id not in there and order.filled:
            said = f"{order.filled} filled here, and the venue does not have it."
            yield Finding("unexplained", order.client_order_id, said)


def _difference(order: Kept, told: There) -> str | None:
    if order.state != told.state:
        return f"{order.state} here, {told.state} at the venue."
    if order.filled != told.filled:
        return f"{order.filled} filled here, {told.filled} at the venue."
    ours, theirs = order.average_price or Decimal(0), told.average_price or Decimal(0)
    if abs(ours - theirs) > _PRICE_TOLERANCE:
        return f"Filled at {ours} here, at {theirs} at the venue."
    return None


def _beyond(one: Signed | None, told: There) -> str | None:
    """What an order of a leg does that was not signed."""
    if one is None:
        return None  # a stop or target: it hangs on an entry that was signed with it
    if (one.symbol, one.side, one.quantity) != (told.symbol, told.side, told.quantity):
        wanted = f"{one.side} {one.quantity} {one.symbol}"
        return f"{wanted} was signed, {told.side} {told.quantity} {told.symbol} is there."
    if one.limit_price is None or told.average_price is None:
        return None
    worse = told.average_price - one.limit_price
    if (worse if one.side == "buy" else -worse) > _PRICE_TOLERANCE:
        return f"Filled at {told.average_price}, signed with the limit {one.limit_price}."
    return None


def _executions(
    ledger: LedgerSide, venue: VenueSide, strangers: Collection[str]
) -> Iterator[Finding]:
    ours = {fill.execution_id: fill for fill in ledger.executions}
    theirs = {
        fill.execution_id: fill
        for fill in venue.executions
        if fill.client_order_id not in strangers
    }
    for name in sorted(theirs.keys() - ours.keys()):
        yield Finding("unexplained", name, "An execution that the ledger does not have.")
    for name in sorted(ours.keys() - theirs.keys()):
        yield Finding("unexplained", name, "An execution that the venue does not have.")
    for name in sorted(ours.keys() & theirs.keys()):
        if _traded(ours[name]) != _traded(theirs[name]):
            said = f"{_traded(ours[name])} here, {_traded(theirs[name])} at the venue."
            yield Finding("unexplained", name, said)


def _traded(fill: Execution) -> tuple[str, str, str, Decimal, Decimal]:
    return (fill.client_order_id, fill.symbol, fill.side, fill.quantity, fill.price)


def _positions(ledger: LedgerSide, venue: VenueSide) -> Iterator[Finding]:
    for symbol in sorted({*ledger.positions, *venue.positions}):
        ours, theirs = (side.positions.get(symbol, Decimal(0)) for side in (ledger, venue))
        if ours != theirs:
            said = f"{ours} held by the ledger's account, {theirs} at the venue."
            yield Finding("unexplained", symbol, said)


def _book(venue: VenueSide) -> Iterator[Finding]:
    """Positions and cash that executions, splits and dividends do not add up to."""
    held: dict[str, Decimal] = defaultdict(Decimal, venue.split_shares)
    cash = venue.first_cash + venue.dividends
    for fill in venue.executions:
        bought = fill.quantity if fill.side == "buy" else -fill.quantity
        held[fill.symbol] += bought
        cash -= bought * fill.price
    for symbol in sorted({*held, *venue.positions}):
        theirs = venue.positions.get(symbol, Decimal(0))
        if held[symbol] != theirs:
            said = f"{theirs} held at the venue; executions and splits make {held[symbol]}."
            yield Finding("unexplained", symbol, said)
    if abs(cash - venue.cash) > _CENT:
        said = f"{venue.cash} USD at the venue; executions and dividends make {cash}."
        yield Finding("unexplained", "cash", said)
