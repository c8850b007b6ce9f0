"""How long to wait before a source is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random


@dataclass(frozen=True)
class Pauses:
    """Waits that double from try to try, with jitter, so that many askers do not come at once."""

    first: float  # seconds before the second try
    longest: float  # seconds

    def after(self, failed: int, jitter: Random) -> float:
        """Return the seconds to wait after the try number `failed`, from 1.

        Between half and all of the doubled pause: never at once, never twice the same.
        """
        whole = min(self.first * 2.0 ** (failed - 1), self.longest)
        return whole * jitter.uniform(0.5, 1.0)


def seconds_asked(header: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or a date (RFC 9110).

    None when there is none, or none that can be read.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)
