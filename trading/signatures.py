"""Who may sign, how many must, and how the desk says what happened."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from trading import wording
from trading.proposals import Leg

VETO_REASONS = ("price", "size", "news", "data", "model", "other")

_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class SignOutcome:
    """What became of a click."""

    recorded: bool
    code: str
    sentence: str  # for the person who clicked
    state: str  # of the proposal afterwards
    given: int
    needed: int

    @property
    def missing_signatures(self) -> int:
        """How many people must still sign."""
        return max(self.needed - self.given, 0)


def signatures_needed(*, notional: Decimal, four_eyes_notional: Decimal) -> int:
    """Return how many different people must sign.

    Parameters
    ----------
    notional : Decimal
        USD of all orders of the symbol and side in the session together, the one to sign
        included, so that splitting does not help.
    four_eyes_notional : Decimal
        USD; above it two must sign.
    """
    return 2 if notional > four_eyes_notional else 1


def seconds_ago(then: datetime, now: datetime) -> str:
    """Return ``2 seconds`` or ``3 minutes``: how long `then` is past, in words."""
    seconds = max(int((now - then).total_seconds()), 0)
    if seconds < 2:
        return "a moment"
    if seconds < 120:
        return f"{seconds} seconds"
    minutes = seconds // 60
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


def lost_race(*, verb: str, name: str, then: datetime, now: datetime, act: str) -> str:
    """Return the sentence for the one who came second."""
    return f"{name} {verb} this {seconds_ago(then, now)} before you. Your {act} was not recorded."


def drift(*, reference: Decimal, price: Decimal) -> Decimal:
    """Return the price's move from its reference as a fraction, signed.

    Raises
    ------
    ValueError
        If the reference is not positive.
    """
    if reference <= 0:
        raise ValueError(f"A reference price must be > 0, was {reference}.")
    return price / reference - 1


def beyond(moved: Decimal, *, side: str, bound: Decimal, direction: str) -> bool:
    """Return whether a move is more than the signature covers.

    Parameters
    ----------
    moved : Decimal
        From `drift`.
    direction : str
        ``adverse`` (a buyer minds a rise, a seller a fall) or ``both``.
    """
    if direction == "adverse":
        return (moved if side == "buy" else -moved) > bound
    return abs(moved) > bound


def has_lapsed(leg: Leg, price: Decimal, bound: Decimal, direction: str) -> bool:
    """Return whether `price` (USD per share) lies beyond what a signature on `leg` covers."""
    moved = drift(reference=leg.reference_price, price=price)
    return beyond(moved, side=leg.side, bound=bound, direction=direction)


def drifted_sentence(leg: Leg, price: Decimal, bound: Decimal, direction: str) -> str:
    """Say why nothing is signed at this price."""
    moved = wording.signed_percent(drift(reference=leg.reference_price, price=price))
    covered = wording.percent(bound, decimals=2)
    edge = f"±{covered}" if direction == "both" else f"{covered} against the order"
    return (
        f"{leg.symbol} is at {wording.price(price)}, {moved} from the "
        f"{wording.price(leg.reference_price)} proposed; a signature covers {edge}. "
        "Your signature was not recorded. Ask for a new price."
    )


def twice_sentence(*, signed_at: datetime, valid_until: datetime) -> str:
    """Say to one who signed (both instants market time) that a second person must."""
    return (
        f"You signed at {clock(signed_at)}. A second person must sign before "
        f"{clock(valid_until)}; you cannot sign twice."
    )


def expired_sentence(valid_until: datetime, *, act: str) -> str:
    """Say that a click came at or after the end of the validity (market time)."""
    return f"This expired at {clock(valid_until)} New York. Your {act} was not recorded."


def clock(instant: datetime) -> str:
    """Return the time of day in New York, like ``09:31``."""
    return f"{instant.astimezone(_NEW_YORK):%H:%M}"
