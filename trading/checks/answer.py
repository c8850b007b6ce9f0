"""What a check answers, before it is known whether the order opens or reduces."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True)
class Answer:
    """Passed or not, with the figure and its limit.

    `later`: time alone may cure a no, so that what is signed waits. `deferred`: a proposal may be
    made in spite of the no, because it is asked again before sending. `warning`: it passes, and
    a person should know why it might not have.
    """

    passed: bool
    sentence: str
    figure: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    fits: Decimal | None = None
    later: bool = False
    deferred: bool = False
    warning: bool = False


class Measure(NamedTuple):
    """A figure, its limit and their unit (fraction, USD, shares, count, seconds)."""

    figure: Decimal
    limit: Decimal
    unit: str


def yes(sentence: str, of: Measure | None = None) -> Answer:
    """Return a pass."""
    return Answer(True, sentence, *(of or ()))


def caution(sentence: str) -> Answer:
    """Return a pass with a warning."""
    return replace(yes(sentence), warning=True)


def no(
    sentence: str,
    of: Measure | None = None,
    *,
    fits: Decimal | None = None,
    later: bool = False,
    deferred: bool = False,
) -> Answer:
    """Return a denial; `fits` is the quantity that would pass.

    `later` and `deferred` as in `Answer`: only what time cures can be deferred.
    """
    return replace(
        Answer(False, sentence, *(of or ())), fits=fits, later=later or deferred, deferred=deferred
    )


def unknown(what: str, *, deferred: bool = False) -> Answer:
    """Return the denial for an input nobody has; it may come."""
    return no(f"Not known: {what}. No answer is a no.", later=True, deferred=deferred)


def worst(answers: list[Answer]) -> Answer:
    """Return the first lasting denial, else the first denial, warning or answer.

    A denial says what the others say that deny as gravely: they stand when the first is mended.
    """
    denials = [answer for answer in answers if not answer.passed]
    lasting = [answer for answer in denials if not answer.later]
    warnings = [answer for answer in answers if answer.warning]
    gravest = lasting or denials
    if not gravest:
        return (warnings or answers)[0]
    said = dict.fromkeys(answer.sentence for answer in gravest)
    return replace(gravest[0], sentence=" ".join(said))
