"""What quantity would pass where the proposed one does not."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from trading.picture import Picture
from trading.pretrade import denials, judge, judge_leg
from trading.proposals import CheckResult, Leg

_ZERO = Decimal(0)
_DUPLICATE = "duplicate"  # the one check that a smaller quantity can fail and a larger one pass


def fitting_quantity(picture: Picture, leg: Leg) -> Decimal:
    """Return the largest whole quantity, at most the leg's own, that passes every check.

    Parameters
    ----------
    picture : Picture
        The desk before the leg.
    leg : Leg
        With the quantity that was wanted.

    Returns
    -------
    Decimal
        Shares; 0 when none passes, or when the leg's quantity is not a number > 0.
    """
    if not leg.quantity.is_finite():
        return _ZERO
    fits = int(_largest(picture, leg))
    while fits > 0 and denials(judge_leg(picture, replace(leg, quantity=Decimal(fits)))):
        fits -= 1  # at most one step for each recent order of the same symbol and side
    return Decimal(fits)


def judged(picture: Picture, leg: Leg) -> tuple[CheckResult, ...]:
    """Return the verdict on one leg; the first denial says what quantity would pass every check.

    What would fit one check alone is no help to the person who reads it, so no other says any.
    """
    results = judge(picture, [leg])
    denied = denials(results)
    if not denied:
        return results
    fits = fitting_quantity(picture, leg) or None
    return tuple(
        replace(result, fits=fits if result is denied[0] else None) if result.denies else result
        for result in results
    )


def _largest(picture: Picture, leg: Leg) -> Decimal:
    """Bisect over the checks that only a larger quantity can fail."""
    low, high = _ZERO, leg.quantity.to_integral_value(rounding=ROUND_DOWN)
    while low < high:
        middle = (low + high + 1) // 2
        if _passes(picture, replace(leg, quantity=middle)):
            low = middle
        else:
            high = middle - 1
    return low


def _passes(picture: Picture, leg: Leg) -> bool:
    return all(result.code == _DUPLICATE for result in denials(judge_leg(picture, leg)))
