"""Who may sign, how many must, and how the desk says what happened."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

VETO_REASONS = ("price", "size", "news", "data", "model", "other")


@dataclass(frozen=True)
class SignOutcome:
    """What became of a click."""

    recorded: bool
    code: str
    sentence: str  # for the person who clicked
    state: str  # of the proposal afterwards
    given: int
    needed: int


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
