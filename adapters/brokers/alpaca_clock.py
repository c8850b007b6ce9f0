"""Market time, counted on from the broker's last word of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from trading.broker import BrokerClock

_SLEPT_SECONDS = 1.0  # by which the machine's two clocks differ once it was asleep, or put right


@dataclass(frozen=True)
class _Heard:
    told: BrokerClock
    monotonic: float
    wall: float


class CountedClock:
    """Asks for the broker's clock once in a while, and counts on in between.

    It asks at once where the next open or close should have come by now, until the broker says
    that it has; and where the machine slept, whose monotonic clock stood meanwhile.

    Parameters
    ----------
    ask : callable
        Returns the broker's clock.
    seconds : float
        How long an answer is counted on from; 0 where time jumps, as in a replay.
    monotonic, wall : callable
        Seconds on the machine's clocks.
    """

    def __init__(
        self,
        ask: Callable[[], BrokerClock],
        *,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ask, self._seconds = ask, seconds
        self._monotonic, self._wall = monotonic, wall
        self._heard: _Heard | None = None  # replaced as a whole: threads share it

    def now(self) -> BrokerClock:
        """Return the market's time, asked for or counted."""
        return self._counted() or self._asked()

    def _counted(self) -> BrokerClock | None:
        heard = self._heard
        if heard is None:
            return None
        passed = self._monotonic() - heard.monotonic
        slept = abs(self._wall() - heard.wall - passed) > _SLEPT_SECONDS
        if slept or passed >= self._seconds:
            return None
        now = heard.told.now + timedelta(seconds=passed)
        turns_at = min(heard.told.next_open, heard.told.next_close)
        return replace(heard.told, now=now) if now < turns_at else None

    def _asked(self) -> BrokerClock:
        told = self._ask()
        self._heard = _Heard(told, self._monotonic(), self._wall())
        return told
