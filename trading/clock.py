"""The two clocks of the desk, both handed in; nothing in the domain asks the machine."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Something that tells an instant."""

    def now(self) -> datetime:
        """Return the present as an aware instant in UTC."""


class MarketClock(Clock, Protocol):
    """The broker's time: sessions, validity, ages of data."""


class DeskClock(Clock, Protocol):
    """Wall time: leases, grace times, heartbeats, audit."""
