"""What a check answers, before it is known whether the order opens or reduces."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True)
class Answer:
    """Passed or not, with the figure and its limit. `later`: time alone may cure a no."""

    passed: bool
    sentence: str
    figure: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    fits: Decimal | None = None
    later: bool = False


class Measure(NamedTuple):
    """A figure, its limit and their unit (fraction, USD, shares, count, seconds)."""

    figure: Decimal
    limit: Decimal
    unit: str


def yes(sentence: str, of: Measure | None = None) -> Answer:
    """Return a pass."""
    return Answer(True, sentence, *(of or ()))


def no(
    sentence: str,
    of: Measure | None = None,
    *,
    fits: Decimal | None = None,
    later: bool = False,
) -> Answer:
    """Return a denial; `fits` is the quantity that would pass, `later` that time may cure it."""
    return replace(Answer(False, sentence, *(of or ())), fits=fits, later=later)


def unknown(what: str) -> Answer:
    """Return the denial for an input nobody has; it may come."""
    return no(f"Not known: {what}. No answer is a no.", later=True)


def worst(answers: list[Answer]) -> Answer:
    """Return the first denial that time will not cure, else the first denial, else the first."""
    denials = [answer for answer in answers if not answer.passed]
    lasting = [answer for answer in denials if not answer.later]
    return (lasting or denials or answers)[0]
