"""The exchange's sessions: New York Stock Exchange, early closes included."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _CLOSE, _EARLY_CLOSE = time(9, 30), time(16, 0), time(13, 0)
_SATURDAY = 5

# Weekdays without a session, and sessions that closed at 13:00, as month and day. Taken
# from the calendar XNYS of the package exchange_calendars, whose import costs two seconds
# at every start; a test compares the two day by day.
_CLOSED = {
    1999: "0101 0118 0215 0402 0531 0705 0906 1125 1224",
    2000: "0117 0221 0421 0529 0704 0904 1123 1225",
    2001: "0101 0115 0219 0413 0528 0704 0903 0911 0912 0913 0914 1122 1225",
    2002: "0101 0121 0218 0329 0527 0704 0902 1128 1225",
    2003: "0101 0120 0217 0418 0526 0704 0901 1127 1225",
    2004: "0101 0119 0216 0409 0531 0611 0705 0906 1125 1224",
    2005: "0117 0221 0325 0530 0704 0905 1124 1226",
    2006: "0102 0116 0220 0414 0529 0704 0904 1123 1225",
    2007: "0101 0102 0115 0219 0406 0528 0704 0903 1122 1225",
    2008: "0101 0121 0218 0321 0526 0704 0901 1127 1225",
    2009: "0101 0119 0216 0410 0525 0703 0907 1126 1225",
    2010: "0101 0118 0215 0402 0531 0705 0906 1125 1224",
    2011: "0117 0221 0422 0530 0704 0905 1124 1226",
    2012: "0102 0116 0220 0406 0528 0704 0903 1029 1030 1122 1225",
    2013: "0101 0121 0218 0329 0527 0704 0902 1128 1225",
    2014: "0101 0120 0217 0418 0526 0704 0901 1127 1225",
}
_EARLY = {
    1999: "1126 1231",
    2000: "0703 1124",
    2001: "0703 1123 1224",
    2002: "0705 1129 1224",
    2003: "0703 1128 1224 1226",
    2004: "1126",
    2005: "1125",
    2006: "0703 1124",
    2007: "0703 1123 1224",
    2008: "0703 1128 1224",
    2009: "1127 1224",
    2010: "1126",
    2011: "1125",
    2012: "0703 1123 1224",
    2013: "0703 1129 1224",
    2014: "0703 1128 1224",
}


@dataclass(frozen=True)
class Session:
    """One trading day: its New York date, its opening and its close in UTC."""

    date: date
    open: datetime
    close: datetime

    @property
    def minutes(self) -> int:
        """How many minutes the session lasts (390, or 210 on a half-day)."""
        return int((self.close - self.open).total_seconds() // 60)

    def minute_start(self, index: int) -> datetime:
        """The instant at which minute `index` (from 0) begins."""
        return self.open + timedelta(minutes=index)


class ExchangeCalendar:
    """Sessions in order, found by date or by instant."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self._dates = [s.date for s in self.sessions]
        self._opens = [s.open for s in self.sessions]
        self._closes = [s.close for s in self.sessions]

    def on(self, day: date) -> Session | None:
        """The session of `day`, or None when the exchange is closed that day."""
        index = bisect_left(self._dates, day)
        found = index < len(self._dates) and self._dates[index] == day
        return self.sessions[index] if found else None

    def latest(self, at: datetime) -> Session:
        """The session that has begun last, at or before `at`."""
        return self.sessions[bisect_right(self._opens, at) - 1]

    def opening_after(self, at: datetime) -> Session:
        """The first session that opens after `at`."""
        return self.sessions[bisect_right(self._opens, at)]

    def closing_after(self, at: datetime) -> Session:
        """The first session that closes after `at`: the current one, or the next."""
        return self.sessions[bisect_right(self._closes, at)]

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies within a session."""
        session = self.latest(at)
        return session.open <= at < session.close

    def between(self, first: date, last: date) -> tuple[Session, ...]:
        """Sessions from `first` to `last`, both included."""
        return self.sessions[bisect_left(self._dates, first) : bisect_right(self._dates, last)]

    def before(self, day: date) -> Session:
        """The last session before `day`."""
        return self.sessions[bisect_left(self._dates, day) - 1]

    def shifted(self, day: date, count: int) -> date:
        """The date `count` sessions after the session of `day`."""
        return self._dates[bisect_left(self._dates, day) + count]

    def settlement(self, day: date, count: int) -> date:
        """The date `count` sessions after `day`, or the last one that is known."""
        return self._dates[min(bisect_left(self._dates, day) + count, len(self._dates) - 1)]


@lru_cache(maxsize=1)
def exchange_calendar() -> ExchangeCalendar:
    """The sessions of all years that the replayed market touches."""
    closed = {day for year, text in _CLOSED.items() for day in _days(year, text)}
    early = {day for year, text in _EARLY.items() for day in _days(year, text)}
    first, last = date(min(_CLOSED), 1, 1), date(max(_CLOSED), 12, 31)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    open_days = (d for d in days if d.weekday() < _SATURDAY and d not in closed)
    return ExchangeCalendar(
        [_session(day, _EARLY_CLOSE if day in early else _CLOSE) for day in open_days]
    )


def _days(year: int, text: str) -> list[date]:
    return [date(year, int(day[:2]), int(day[2:])) for day in text.split()]


def _session(day: date, closes: time) -> Session:
    opens, ends = (datetime.combine(day, at, NEW_YORK).astimezone(UTC) for at in (_OPEN, closes))
    return Session(day, opens, ends)
