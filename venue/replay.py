"""Moving market time: minute by minute, past holds only when the operator says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from venue.errors import Refusal
from venue.execution import begin_minute, close_session, end_minute, open_session
from venue.live import tell_daily, tell_minute, tell_quotes
from venue.paper import PaperVenue
from venue.sessions import Session

_MINUTES_BETWEEN_BREATHS = 30
_BY_THE_MINUTE = ("bars", "trades", "quotes")


class Mover:
    """Moves one venue's clock: by itself at its pace, and when the operator asks."""

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self._moving = asyncio.Lock()

    async def run(self) -> None:
        """Advance at the clock's pace until cancelled."""
        tick = self._venue.config.tick
        before = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(tick)
            now = asyncio.get_running_loop().time()
            # A machine that slept must not make the market leap.
            passed = min(now - before, 10 * tick)
            before = now
            if self._venue.clock.running:
                await self.advance(passed * self._venue.clock.pace)

    async def advance(self, minutes: float) -> None:
        """Let `minutes` of market time pass, as far as no hold stands in the way."""
        async with self._moving:
            venue = self._venue
            if venue.hold() or venue.replay.ended(venue.clock):
                return
            with venue.change():
                venue.clock = venue.replay.skipped(venue.clock)
            await self._move(venue.now + timedelta(minutes=minutes), through_holds=False)

    async def step(self, minutes: int) -> None:
        """Advance whole minutes, also while paused and through a hold before the close."""
        venue = self._venue
        hold = venue.hold()
        if hold and hold.name == "after_close":
            raise Refusal(
                409,
                40910000,
                f"The clock is held {hold.reason}. Post /venue/sessions/"
                f"{venue.calendar.latest(venue.now).date}/done, or jump.",
            )
        self._lift_hold()
        await self.advance(minutes)

    async def jump(self, target: datetime) -> None:
        """Go forward to `target` through every hold, all minutes processed."""
        async with self._moving:
            await self._move(target, through_holds=True)

    def _lift_hold(self) -> None:
        venue = self._venue
        hold = venue.hold()
        if hold and hold.name != "after_close":
            session = venue.calendar.latest(venue.now).date
            with venue.change():
                venue.clock = replace(venue.clock, overridden=session)

    def resume(self) -> None:
        """Run, and lift the hold before the current close."""
        self._lift_hold()
        with self._venue.change():
            self._venue.clock = replace(self._venue.clock, running=True)

    def landing(self, to: str) -> datetime:
        """The instant a jump's word means, counted from now."""
        venue = self._venue
        session = venue.calendar.closing_after(venue.now)
        words = {
            "next_open": venue.calendar.opening_after(venue.now).open,
            "before_close": venue.replay.before_close(session),
            "close": session.close,
        }
        target = words.get(to) or self._close_of(to)
        last = venue.calendar.on(venue.replay.last)
        assert last is not None  # the replay's last date is a session
        if target > last.close:
            raise Refusal(422, 42210000, f"The replay ends on {last.date}; {to} is later.")
        if target <= venue.now:
            raise Refusal(
                422, 42210000, f"Jumps go forward: it is {venue.now}, {to} is at {target}."
            )
        return target

    def _close_of(self, to: str) -> datetime:
        with suppress(ValueError):
            session = self._venue.calendar.on(date.fromisoformat(to))
            if session:
                return session.close
        raise Refusal(
            422,
            40010001,
            f"`to` must be next_open, before_close, close or the date of a session, was {to!r}.",
        )

    async def _move(self, target: datetime, *, through_holds: bool) -> None:
        venue = self._venue
        passed = 0
        while venue.now < target:
            if through_holds:
                _pass_close(venue)
            elif venue.hold() or not _market_hours(venue):
                return
            stop = min(_next_stop(venue), target)
            with venue.change():
                _arrive(venue, stop)
            passed += 1
            if passed % _MINUTES_BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)


def _next_stop(venue: PaperVenue) -> datetime:
    """The next instant at which anything can happen: every minute, when anyone waits for it."""
    session = venue.calendar.closing_after(venue.now)
    waited_for = venue.book.positions or any(venue.wanted(c) for c in _BY_THE_MINUTE)
    if waited_for or venue.now < session.open or venue.open_orders():
        return venue.replay.next_stop(venue.clock)
    before_close = venue.replay.before_close(session)
    return before_close if venue.now < before_close else session.close


def _market_hours(venue: PaperVenue) -> bool:
    """Whether time passes by the minute: from shortly before an opening to the close."""
    session = venue.calendar.closing_after(venue.now)
    return session.date <= venue.replay.last and session.open - venue.now <= timedelta(minutes=5)


def _pass_close(venue: PaperVenue) -> None:
    """Leave a closed session behind: it counts as done."""
    session = venue.calendar.latest(venue.now)
    if venue.now >= session.close:
        with venue.change():
            venue.clock = venue.replay.skipped(venue.clock.with_done(session.date))


def _arrive(venue: PaperVenue, at: datetime) -> None:
    """Set the clock to `at` and do what is due there; at most one boundary lies there."""
    session = venue.calendar.closing_after(venue.now)
    venue.clock = replace(venue.clock, now=at)
    since = at - session.open
    if since < timedelta(0) or since % timedelta(minutes=1):
        return
    index = int(since.total_seconds() // 60)
    if index == 0:
        open_session(venue, session)
    else:
        end_minute(venue, session, index - 1)
        tell_minute(venue, session, index - 1)
    if at == session.close:
        _close(venue, session)
    else:
        begin_minute(venue, session, index)
        tell_quotes(venue)


def _close(venue: PaperVenue, session: Session) -> None:
    close_session(venue, session)
    tell_daily(venue, session)


@asynccontextmanager
async def running(mover: Mover) -> AsyncIterator[None]:
    """Keep a clock moving while the context is open."""
    task = asyncio.create_task(mover.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
