"""The replay clock: where market time stands, and what holds it. Pure; nothing here moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from venue.sessions import ExchangeCalendar, Session

BEFORE_CLOSE = timedelta(minutes=5)
BEFORE_OPEN = timedelta(minutes=5)

State = Literal["running", "paused", "held", "ended"]


@dataclass(frozen=True)
class Hold:
    """Why the clock stands."""

    name: str
    reason: str


@dataclass(frozen=True)
class Clock:
    """Market time and the operator's and the desk's say over it.

    `pace` is in market minutes per wall second. `done` is the latest session
    whose daily run the desk posted as done. `holds` are named holds that stop
    the clock before a close (name to reason). `overridden` is the session whose
    before-close hold the operator lifted. `sessions_done` counts posted sessions.
    """

    now: datetime
    running: bool = True
    pace: float = 1.0
    done: date | None = None
    holds: Mapping[str, str] = field(default_factory=dict)
    overridden: date | None = None
    sessions_done: int = 0

    def with_done(self, session: date) -> "Clock":
        """The clock with `session` posted as done; posting it again changes nothing."""
        if self.done is not None and session <= self.done:
            return self
        return replace(self, done=session, sessions_done=self.sessions_done + 1)


@dataclass(frozen=True)
class Replay:
    """The calendar of a replay and its last session."""

    calendar: ExchangeCalendar
    last: date

    def before_close(self, session: Session) -> datetime:
        """The instant at which a session is held while something is undecided."""
        return session.close - BEFORE_CLOSE

    def hold(self, clock: Clock, *, orders_working: bool) -> Hold | None:
        """What holds the clock where it stands, or None.

        `orders_working` says whether an order that would lapse at this close was
        accepted before the hold; those sent during it are let through when it ends.
        """
        session = self.calendar.latest(clock.now)
        if clock.now >= session.close:
            if clock.done is None or clock.done < session.date:
                return Hold("after_close", "after the close, until the daily run is done")
            return None
        if clock.now < self.before_close(session) or clock.overridden == session.date:
            return None
        if clock.holds:
            name, reason = next(iter(clock.holds.items()))
            return Hold(name, reason)
        if orders_working:
            return Hold("working_orders", "before the close, while orders are working")
        return None

    def ended(self, clock: Clock) -> bool:
        """Whether the last session is over and its daily run done."""
        session = self.calendar.latest(clock.now)
        over = session.date >= self.last and clock.now >= session.close
        return over and clock.done is not None and clock.done >= self.last

    def state(self, clock: Clock, hold: Hold | None) -> State:
        """The word for what the clock is doing."""
        if self.ended(clock):
            return "ended"
        if not clock.running:
            return "paused"
        return "held" if hold else "running"

    def next_stop(self, clock: Clock) -> datetime:
        """The next instant at which something happens by itself: an opening, a minute's end."""
        session = self.calendar.closing_after(clock.now)
        if clock.now < session.open:
            return session.open
        passed = int((clock.now - session.open).total_seconds() // 60)
        return session.minute_start(passed + 1)

    def skipped(self, clock: Clock) -> Clock:
        """The clock after the closed market's hours have passed at once."""
        session = self.calendar.latest(clock.now)
        if clock.now < session.close:
            return clock
        return replace(
            clock, now=max(clock.now, self.calendar.opening_after(clock.now).open - BEFORE_OPEN)
        )
