"""The exchange's calendar: which days are sessions, when they open and close."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from adapters.market_data.schedule import schedule


class OutsideCalendarError(ValueError):
    """A day was asked for that the calendar does not reach."""


@dataclass(frozen=True)
class Calendar:
    """Sessions of one exchange in order, with their opening and closing instants (UTC)."""

    name: str
    days: tuple[date, ...]
    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]
    early: frozenset[date]

    @cached_property
    def ordinals(self) -> npt.NDArray[np.int64]:
        """Days of the sessions since 1970-01-01, ascending."""
        epoch = date(1970, 1, 1).toordinal()
        return np.array([d.toordinal() - epoch for d in self.days], dtype=np.int64)

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on `day`."""
        at = bisect_left(self.days, day)
        return at < len(self.days) and self.days[at] == day

    def sessions(self, first: date, last: date) -> tuple[date, ...]:
        """Sessions from `first` to `last`, both included."""
        return self.days[bisect_left(self.days, first) : bisect_right(self.days, last)]

    def previous(self, day: date) -> date:
        """Return the last session before `day`."""
        at = bisect_left(self.days, day) - 1
        if at < 0:
            raise OutsideCalendarError(self._outside(day))
        return self.days[at]

    def next(self, day: date) -> date:
        """Return the first session after `day`."""
        at = bisect_right(self.days, day)
        if at >= len(self.days):
            raise OutsideCalendarError(self._outside(day))
        return self.days[at]

    def open(self, session: date) -> datetime:
        """Return the opening instant of `session` (UTC)."""
        return self.opens[self._at(session)]

    def close(self, session: date) -> datetime:
        """Return the closing instant of `session` (UTC), early closes included."""
        return self.closes[self._at(session)]

    def is_early_close(self, session: date) -> bool:
        """Whether `session` closes before the usual hour."""
        return session in self.early

    def minutes(self, session: date) -> int:
        """Count the regular minutes of `session`."""
        return int((self.close(session) - self.open(session)).total_seconds() // 60)

    def last_closed(self, at: datetime) -> date:
        """Return the newest session that has closed at the instant `at` (aware)."""
        index = bisect_right(self.closes, at) - 1
        if index < 0:
            raise OutsideCalendarError(self._outside(at.date()))
        return self.days[index]

    def _at(self, session: date) -> int:
        at = bisect_left(self.days, session)
        if at >= len(self.days) or self.days[at] != session:
            raise OutsideCalendarError(
                f"{session} is no session of {self.name}. Ask `is_session` first."
            )
        return at

    def _outside(self, day: date) -> str:
        return (
            f"The calendar of {self.name} runs from {self.days[0]} to {self.days[-1]}; "
            f"{day} needs a session beyond it."
        )


@lru_cache(maxsize=4)
def exchange(name: str = "XNYS") -> Calendar:
    """Return the calendar of an exchange (by its ISO 10383 code), read once per process."""
    told = schedule(name)
    return Calendar(
        name=name,
        days=tuple(told.sessions.tolist()),
        opens=_instants(told.opens),
        closes=_instants(told.closes),
        early=frozenset(told.sessions[told.early].tolist()),
    )


def _instants(naive: npt.NDArray[np.datetime64]) -> tuple[datetime, ...]:
    return tuple(instant.replace(tzinfo=UTC) for instant in naive.tolist())
