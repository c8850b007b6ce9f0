"""The hours around a session in which a feed may carry trades, and when they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from adapters.market_data.live import MINUTE
from quality.calendar import Calendar

# From four in the morning to the open, and for four hours after the close, an early one too.
BEFORE_OPEN: Final = timedelta(hours=5, minutes=30)
AFTER_CLOSE: Final = timedelta(hours=4)


@dataclass(frozen=True)
class Span:
    """Minutes outside a session's regular hours that start in [first, until)."""

    session: date
    first: datetime
    until: datetime
    is_over: bool  # nothing more can come in these hours


class ExtendedHours:
    """Knows which extended hours are to be asked for.

    Nobody can tell a minute without a trade from one that was lost there, so no single gap is
    looked for: the hours are asked for as a whole once they are over, and as far as they have come
    whenever the stream was joined, since what it told while nobody listened is lost.

    Parameters
    ----------
    calendar : Calendar
        The exchange's sessions.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._done: set[datetime] = set()  # first instants of the hours that were asked for
        self._joined = 0

    def due(self, session: date, now: datetime, *, joined: int) -> list[Span]:
        """Return what is to be asked for, around `session` and before the next one.

        Parameters
        ----------
        session : date
            The session that opened last.
        now : datetime
            Market time.
        joined : int
            How often the stream was joined so far.
        """
        is_anew = joined != self._joined
        return [span for span in self._spans(session, now) if span.is_over or is_anew]

    def settled(self, span: Span) -> None:
        """Note that a span was asked for; one that is not over is asked for again."""
        if span.is_over:
            self._done.add(span.first)

    def listened(self, joined: int) -> None:
        """Note that all that was due since the stream was joined has been asked for."""
        self._joined = joined

    def _spans(self, session: date, now: datetime) -> Iterator[Span]:
        upcoming = self._calendar.next(session)
        opens, closes = self._calendar.open(session), self._calendar.close(session)
        following = self._calendar.open(upcoming)
        for day, first, until in (
            (session, opens - BEFORE_OPEN, opens),
            (session, closes, closes + AFTER_CLOSE),
            (upcoming, following - BEFORE_OPEN, following),
        ):
            if first not in self._done and now >= first + MINUTE:
                yield Span(day, first, min(until, now), is_over=now >= until)
