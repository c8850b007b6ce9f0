"""One partition per exchange session."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from config import settings as settings_module
from config.settings import Settings
from quality.calendar import exchange

NEW_YORK: Final = ZoneInfo("America/New_York")


def session_partitions(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Return one partition for each session the desk may hold.

    In replay the sample ends on a known day. Otherwise the set grows with the calendar, up to
    and including today's session (a window would otherwise exist only once it has closed).
    """
    first = settings.history.first_session
    replay = settings.mode == "embedded"
    last = settings.history.last_session if replay else date.today()  # noqa: DTZ011 - whole days; a day more or less adds or hides a partition nobody can fill
    return dg.TimeWindowPartitionsDefinition(
        start=first.isoformat(),
        end=_next_weekday(last).isoformat() if replay else None,  # its window must have closed
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * 1-5",
        timezone=NEW_YORK.key,
        end_offset=0 if replay else 1,
        exclusions=_holidays(first, max(last, exchange().days[-1])),
    )


def _next_weekday(day: date) -> date:
    return day + timedelta(days=3 if day.weekday() == 4 else 1)


def _holidays(first: date, last: date) -> list[datetime]:
    """Weekdays without a session, as midnight in New York."""
    held = set(exchange().sessions(first, last))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [
        datetime.combine(day, time(), NEW_YORK)
        for day in days
        if day.weekday() < 5 and day not in held
    ]


def as_session(key: str) -> date:
    """Return the session a partition key names."""
    return date.fromisoformat(key)


# Read once, when the code location loads: which sessions exist is a property of the desk, and
# Dagster needs it where assets are declared.
SESSIONS: Final = session_partitions(settings_module.load())
