"""How long to wait before a source is asked again."""

from __future__ import annotations

from collections.abc import Mapping
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


def seconds_asked(headers: Mapping[str, str | None], *, now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait; None when it does not say.

    Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3). Without it, the instant
    of X-RateLimit-Reset, in seconds since 1970, as Alpaca tells it.
    """
    asked = headers.get("Retry-After")
    if asked is not None:
        return _seconds(asked.strip(), now)
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    return max(float(reset) - now.timestamp(), 0.0) if reset.isdigit() else None


def _seconds(text: str, now: datetime) -> float | None:
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)
