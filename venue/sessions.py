"""The exchange's sessions: New York Stock Exchange, early closes included."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_FIRST, _LAST = "1999-01-01", "2014-12-31"
_CACHE = "calendar.json"


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


def calendar_in(folder: Path) -> ExchangeCalendar:
    """The calendar, read from `folder` when it was kept there (building it takes seconds)."""
    kept = folder / _CACHE
    if kept.exists():
        return _parsed(kept.read_text())
    text = _built()
    folder.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(kept)
    return _parsed(text)


@lru_cache(maxsize=1)
def _built() -> str:
    import exchange_calendars  # noqa: PLC0415  imports pandas: 2 s that a restart need not pay

    schedule = exchange_calendars.get_calendar("XNYS", start=_FIRST, end=_LAST).schedule
    rows = zip(schedule.index, schedule["open"], schedule["close"], strict=True)
    return json.dumps([[str(d.date()), o.timestamp(), c.timestamp()] for d, o, c in rows])


@lru_cache(maxsize=4)
def _parsed(text: str) -> ExchangeCalendar:
    return ExchangeCalendar(
        [
            Session(
                date.fromisoformat(day),
                datetime.fromtimestamp(opens, UTC),
                datetime.fromtimestamp(closes, UTC),
            )
            for day, opens, closes in json.loads(text)
        ]
    )
