"""What people paid in or took out, told apart from what the desk gained or lost.

A booking bears a day and no instant, and its cash may move before or after. So cash and books are
looked at together, and a transfer counts once, when both tell of it. In doubt the loss is taken to
be larger: a deposit counts at the latest with the look after its booking, and without one once its
cash came and stayed; what was taken out counts only once it is booked and gone. Cash of trades past
the desk is no transfer: when a person corrects a position, what was unexplained was for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_RECENT = timedelta(hours=1)  # market time in which no whole night can have passed


@dataclass(frozen=True)
class Look:
    """The account at one look, USD.

    Attributes
    ----------
    rest : Decimal
        Its cash less all that trades, dividends, interest and fees ever brought.
    booked : Decimal
        All transfers ever booked, net.
    last_equity : Decimal or None
        Equity at the previous close, as the broker tells it.
    corrections : int
        Corrections of positions that people ever booked.
    """

    rest: Decimal
    booked: Decimal
    last_equity: Decimal | None
    market_at: datetime
    is_open: bool
    corrections: int = 0

    @property
    def unbooked(self) -> Decimal:
        """Its cash less all that anybody explained."""
        return self.rest - self.booked


@dataclass(frozen=True)
class Transfers:
    """What is known of transfers after a look, USD; what was paid in is positive.

    Attributes
    ----------
    counted : Decimal
        All that counted so far; recorded highs move with it.
    adrift : Decimal
        Cash that moved and that nobody explains.
    due : Decimal
        Booked without its cash: a deposit counts with the next look, a withdrawal once it left.
    presumed : Decimal
        Counted because cash came and stayed, and not booked yet.
    day : Decimal
        Counted since the close that `look.last_equity` is of.
    after_close : Decimal
        Counted since the newest close, of which `look.last_equity` may not be yet.
    rises : bool
        Whether equity at this look may be a high: not while cash is in it that came without a
        word, for the highs move by it once it is booked.
    """

    look: Look
    counted: Decimal = ZERO
    adrift: Decimal = ZERO
    due: Decimal = ZERO
    presumed: Decimal = ZERO
    day: Decimal = ZERO
    after_close: Decimal = ZERO
    rises: bool = True


@dataclass(frozen=True)
class PaidIn:
    """What was paid in, net, USD: ever, and since the close that `last_equity` is of."""

    ever: Decimal = ZERO
    since_close: Decimal = ZERO
    last_equity: Decimal | None = None

    def last_close(self, told: Decimal | None) -> Decimal | None:
        """Return equity at the previous close, as it is told now, with what was paid in since.

        A close told since may have a withdrawal in it already: it is not taken off again.
        """
        if told is None:
            return None
        same = told == self.last_equity
        return told + (self.since_close if same else max(self.since_close, ZERO))


def after(before: Transfers, look: Look, *, agrees: bool) -> Transfers:
    """Return what is known after one more look; the same look again changes nothing.

    Parameters
    ----------
    before : Transfers
        What was known after the look before it.
    agrees : bool
        Whether positions are those that fills and bookings make: if not, cash may have moved
        for shares.
    """
    if look == before.look:
        return before
    cash, booked = look.rest - before.look.rest, look.booked - before.look.booked
    known = min(max(booked, ZERO), before.presumed)  # it counted before it was booked
    ripe = max(before.due, ZERO)
    waits = before.due - ripe + booked - known
    seen = _seen(waits, cash, before.adrift + cash - ripe)
    corrected = look.corrections != before.look.corrections
    adrift = ZERO if corrected else before.adrift + cash - ripe - seen
    guess = max(_lasting(before.adrift, adrift), known - before.presumed) if agrees else ZERO
    moved = ripe + seen + guess
    day, after_close = _of_day(before, look, moved)
    return Transfers(
        look=look,
        counted=before.counted + moved,
        adrift=adrift - guess,
        due=waits - seen,
        presumed=before.presumed - known + guess,
        day=day,
        after_close=after_close,
        rises=adrift - guess - min(before.adrift, ZERO) <= _CENT,
    )


def _seen(booked: Decimal, cash: Decimal, adrift: Decimal) -> Decimal:
    """How much of what was booked moved as cash, at this look or before it."""
    if booked >= 0:
        return min(booked, max(cash, adrift, ZERO))
    return max(booked, min(cash, adrift, ZERO))


def _lasting(before: Decimal, now: Decimal) -> Decimal:
    """What of the cash adrift was so at the look before: a fill seen before its cash is not."""
    if before > 0 and now > 0:
        return min(before, now)
    return max(before, now) if before < 0 and now < 0 else ZERO


def _of_day(before: Transfers, look: Look, moved: Decimal) -> tuple[Decimal, Decimal]:
    """What counted since the close that `last_equity` is of, and since the newest close.

    A broker may tell a close hours after it. On which side of a close that the desk did not see a
    transfer lay, nobody knows: then what was taken out does not count for the day.
    """
    late = before.after_close + moved
    recent = timedelta(0) <= look.market_at - before.look.market_at <= _RECENT
    corrected = before.look.is_open and look.is_open and recent  # not of another close
    if look.last_equity == before.look.last_equity or corrected:
        day = before.day + moved
    else:
        day = late if recent else max(late, ZERO)
    return day, ZERO if look.is_open else late
