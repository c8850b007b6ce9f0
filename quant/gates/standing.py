"""What a model's recorded state counts for: a waiver ends, and holds on paper only."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Standing:
    """A model's state as it counts; ``reason`` says why a champion counts as a challenger."""

    status: str  # champion | challenger | retired | demoted
    reason: str = ""


def standing(status: str, waived_until: datetime | None, *, at: datetime, live: bool) -> Standing:
    """Return what a model's recorded state counts for.

    Parameters
    ----------
    status : str
        As it was recorded.
    waived_until : datetime or None
        End of the first waiver that its promotion leaned on (aware UTC); None where it met every
        gate.
    at : datetime
        Market time (aware UTC).
    live : bool
        Whether the desk trades real money.

    Returns
    -------
    Standing
        A champion by a waiver that has ended, or does not hold here, is a challenger.
    """
    if status != "champion" or waived_until is None:
        return Standing(status)
    if live:
        return Standing(
            "challenger",
            "It was made champion by a waiver, which holds on paper only: here it is a challenger.",
        )
    if waived_until <= at:
        return Standing(
            "challenger",
            f"It was made champion by a waiver that ended on {waived_until:%Y-%m-%d %H:%M} UTC: "
            "until it is promoted anew it is a challenger.",
        )
    return Standing(status)
