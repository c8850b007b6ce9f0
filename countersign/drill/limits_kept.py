"""Whether the limits were kept once the fills were in: pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from config.limits import Limits

_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Bought:
    """An execution."""

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal  # USD per share
    at: datetime


@dataclass(frozen=True)
class Breach:
    """A limit that the book went beyond."""

    subject: str
    sentence: str


def breaches(
    executions: Sequence[Bought],
    *,
    sent_at: Sequence[tuple[str, datetime]],
    first_cash: Decimal,
    limits: Limits,
    sectors: Mapping[str, str],
) -> list[Breach]:
    """Return every limit that was not kept after a fill, each subject once.

    A share of equity may exceed its limit by the collar: so far may a price move between the
    last check and the fill without anybody having done wrong.

    Parameters
    ----------
    executions : sequence of Bought
        All of the account, from the beginning, splits apart.
    sent_at : sequence of (symbol, market time)
        When each order of the desk was written down.
    first_cash : Decimal
        USD in the account before the first.
    """
    found = {breach.subject: breach for breach in _book(executions, first_cash, limits, sectors)}
    return [*found.values(), *_pace(sent_at, limits)]


def _book(
    executions: Sequence[Bought], cash: Decimal, limits: Limits, sectors: Mapping[str, str]
) -> Iterator[Breach]:
    held: dict[str, Decimal] = defaultdict(Decimal)
    prices: dict[str, Decimal] = {}
    for fill in sorted(executions, key=lambda fill: fill.at):
        bought = fill.quantity if fill.side == "buy" else -fill.quantity
        before = held[fill.symbol]
        held[fill.symbol] += bought
        prices[fill.symbol] = fill.price
        cash -= bought * fill.price
        if abs(held[fill.symbol]) <= abs(before):
            continue  # what reduces is never a breach
        values = {symbol: shares * prices[symbol] for symbol, shares in held.items()}
        yield from _too_large(values, cash + sum(values.values()), fill.symbol, limits, sectors)


def _too_large(
    values: Mapping[str, Decimal],
    equity: Decimal,
    symbol: str,
    limits: Limits,
    sectors: Mapping[str, str],
) -> Iterator[Breach]:
    room = 1 + limits.collar
    sector = sectors.get(symbol)
    inside = sum((abs(v) for s, v in values.items() if sectors.get(s) == sector), Decimal(0))
    measured = (
        (symbol, abs(values[symbol]), limits.position_share),
        (f"sector {sector}", inside, limits.sector_share),
        ("gross", sum((abs(v) for v in values.values()), Decimal(0)), limits.gross_exposure),
    )
    for subject, value, limit in measured:
        share = value / equity
        if share > limit * room:
            yield Breach(subject, f"{share:.2%} of equity after a fill; the limit is {limit:.0%}.")


def _pace(sent_at: Sequence[tuple[str, datetime]], limits: Limits) -> Iterator[Breach]:
    days = Counter(at.astimezone(_NEW_YORK).date() for _, at in sent_at)
    of_symbols = Counter((symbol, at.astimezone(_NEW_YORK).date()) for symbol, at in sent_at)
    for day, sent in days.items():
        if sent > limits.orders_per_day:
            said = f"{sent} orders in a session; the limit is {limits.orders_per_day}."
            yield Breach(str(day), said)
    for (symbol, day), sent in of_symbols.items():
        if sent > limits.symbol_orders_per_day:
            said = f"{sent} orders in a session; the limit is {limits.symbol_orders_per_day}."
            yield Breach(f"{symbol} {day}", said)
