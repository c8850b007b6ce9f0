"""The cash ledger: what came and went, session by session, against what the broker says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trading.lots import Booked, Event, Trade

ZERO = Decimal(0)
_BOOKED = ("dividend", "interest", "transfer")


@dataclass(frozen=True)
class CashDay:
    """One session's cash in USD; what was paid is negative.

    Attributes
    ----------
    closing : Decimal
        `opening` and all that moved.
    told : Decimal or None
        What the broker said at the close; None when it was not heard.
    """

    session: date
    opening: Decimal
    trades: Decimal
    fees: Decimal
    dividends: Decimal
    interest: Decimal
    transfers: Decimal
    other: Decimal
    closing: Decimal
    told: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """What the broker has beyond the desk's own count."""
        return None if self.told is None else self.told - self.closing


def cash_days(events: Iterable[Event], told: Mapping[date, Decimal]) -> list[CashDay]:
    """Count the account's cash from the first session whose cash the broker told.

    Parameters
    ----------
    events : iterable of Trade, Booked or Corrected
        In any order. What came before that session is in its cash already. A correction of a
        position moves no cash: what was paid past the desk stays a difference.
    told : mapping of date to Decimal
        Cash at the close of each session, as the broker said it, USD.

    Returns
    -------
    list of CashDay
        The first session's own opening is what its cash was before its events; each later one
        opens with the closing before it, never with what the broker said.
    """
    if not told:
        return []
    moved = _moved(events)
    first = min(told)
    balance = told[first] - sum(moved[first].values(), ZERO)
    found = []
    for session in sorted({*told, *(day for day in moved if day >= first)}):
        sums = moved[session]
        closing = balance + sum(sums.values(), ZERO)
        found.append(
            CashDay(
                session=session, opening=balance, trades=sums["trade"], fees=sums["fee"],
                dividends=sums["dividend"], interest=sums["interest"],
                transfers=sums["transfer"], other=sums["other"], closing=closing,
                told=told.get(session),
            )
        )  # fmt: skip
        balance = closing
    return found


def _moved(events: Iterable[Event]) -> dict[date, dict[str, Decimal]]:
    moved: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for event in events:
        sums = moved[event.session]
        if isinstance(event, Trade):
            sign = -1 if event.side == "buy" else 1
            sums["trade"] += sign * event.quantity * event.price
            sums["fee"] -= event.fee
        elif isinstance(event, Booked):
            kind = event.kind if event.kind in {*_BOOKED, "fee"} else "other"
            sums[kind] += event.cash
    return moved
