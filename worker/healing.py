"""Asks for the minutes that the stream did not bring, and stores them marked as healed."""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import polars as pl

from adapters.market_data.live import MINUTE, MinutesUnavailableError
from ledger.market import Clock
from quality.calendar import Calendar
from warehouse import Warehouse
from warehouse import minutes as stored_minutes
from warehouse.versions import Appended
from worker.extended import ExtendedHours
from worker.grid import Grid, Seen, Window
from worker.storing import patiently, write_minutes
from worker.tape import Origin, Tape

log = logging.getLogger(__name__)

# Late trades still change a real session's last bars; a replay's are final at once.
_SETTLED_AFTER = timedelta(minutes=5)


class GapsRemainError(MinutesUnavailableError):
    """Minutes are missing and nobody delivered them; they are asked for again."""


class History(Protocol):
    """Where minutes can be asked for after the fact."""

    def between(self, symbols: Sequence[str], first: datetime, until: datetime) -> pl.DataFrame:
        """Bars that start in [first, until): symbol, bar_start, open, high, low, close, volume."""


class Healer:
    """Keeps the tape's session whole: its gaps while it runs, all of it once it has closed.

    The hours around it are asked for too; a feed that carries none there answers with nothing.

    A minute is asked for when it was over at the look before and is still missing, so that a bar
    on its way is not asked for. What had no trade is remembered, and asked for once more at the
    end of the session only.

    Parameters
    ----------
    tape : Tape
        What was heard.
    history : History
        Whom to ask.
    warehouse : Warehouse
        Where the answers go.
    calendar : Calendar
        The exchange's sessions.
    symbols : sequence of str
        Who is expected.
    origin : Origin
        Written on every row.
    flush : callable
        Stores what the tape holds, so that what the stream brought is not marked as healed.
    """

    def __init__(
        self,
        tape: Tape,
        history: History,
        warehouse: Warehouse,
        calendar: Calendar,
        symbols: Sequence[str],
        *,
        origin: Origin,
        flush: Callable[[], None],
    ) -> None:
        self._tape, self._history, self._warehouse = tape, history, warehouse
        self._calendar, self._symbols = calendar, tuple(symbols)
        self._origin, self._flush = origin, flush
        self._extended = ExtendedHours(calendar)
        self._joined = 0
        self.settled: date | None = None  # the last session that was asked for as a whole
        self.over = 0  # minutes of the session that were over at the last look
        self.restated = 0  # values that were replaced, since the process started

    def look(self, clock: Clock, *, joined: int = 0) -> None:
        """Follow the market's clock: change sessions, ask for gaps, settle what has closed.

        Parameters
        ----------
        clock : Clock
            The market's, as it was heard last.
        joined : int
            How often the stream was joined so far.

        Raises
        ------
        GapsRemainError
            If minutes stay missing although they were asked for.
        """
        self._joined = joined
        session = self._begun(clock.now)
        grid = self._tape.grid
        if grid is None or grid.session < session:
            if grid is not None:
                self._leave(grid, session, clock.now)
            grid = self._watch(session)
        before, self.over = self.over, grid.over_by(clock.now)
        if clock.is_open or clock.now >= grid.closes:
            self._ask(grid, grid.windows(self._tape.gaps(before)), clock.now)
        lag = timedelta(0) if clock.replay else _SETTLED_AFTER
        has_closed = before == grid.minutes and clock.now >= grid.closes + lag
        if has_closed and self.settled != session:
            self._settle(grid, clock.now)
        if clock.is_open or clock.now >= grid.closes:
            self._ask_around(session, clock.now)
        left = grid.missing(before)
        if left and clock.is_open:
            raise GapsRemainError(
                f"{left} minutes of {session} are missing and were not delivered when asked for"
            )

    def _begun(self, now: datetime) -> date:
        """Return the session that opened last."""
        closed = self._calendar.last_closed(now)
        following = self._calendar.next(closed)
        return following if now >= self._calendar.open(following) else closed

    def _watch(self, session: date) -> Grid:
        """Look at a session from now on, knowing what the warehouse has of it."""
        opens, closes = self._calendar.open(session), self._calendar.close(session)
        grid = Grid(session, opens, closes, self._symbols)
        with patiently(), self._warehouse.reader() as conn:
            known = stored_minutes.keys(conn, self._symbols, session)
        for symbol, start in known.select("symbol", "bar_start").iter_rows():
            grid.mark(symbol, start, Seen.HEARD)
        self.over = 0
        self._tape.watch(grid)
        return grid

    def _leave(self, grid: Grid, session: date, now: datetime) -> None:
        """Settle what passed while nobody looked: a replay jumps, a process sleeps."""
        for passed in self._calendar.sessions(grid.session, session)[:-1]:
            if passed == self.settled:
                continue
            try:
                self._settle(grid if passed == grid.session else self._watch(passed), now)
                self._ask_around(passed, now)
            except MinutesUnavailableError as e:
                # Today's minutes must not wait for it: the daily run asks again.
                log.warning("the minutes of %s were not settled: %s", passed, e)

    def _settle(self, grid: Grid, now: datetime) -> None:
        """Ask for a whole session that has closed: an update that was lost shows only so."""
        try:
            self._ask(grid, [Window(0, grid.minutes - 1, self._symbols)], now)
        except GapsRemainError:
            if grid.count(Seen.HEARD) + grid.count(Seen.HEALED):
                raise
            log.warning("nobody has a minute of %s: was it a session?", grid.session)
        self.settled = grid.session

    def _ask(self, grid: Grid, windows: Sequence[Window], now: datetime) -> None:
        for window in windows:
            first, until = grid.start_of(window.first), grid.start_of(window.last + 1)
            self._flush()
            came = self._history.between(window.symbols, first, until)
            span = f"{first:%Y-%m-%d %H:%M} to {until:%H:%M} UTC"
            if came.is_empty():
                raise GapsRemainError(
                    f"No minute of {', '.join(window.symbols[:5])} from {span} came; an empty "
                    "answer is none."
                )
            tally = self._store(came, grid.session, max(now, self._tape.newest or now))
            self._tape.answer(window, came["symbol"].to_list(), came["bar_start"].to_list())
            self.restated += tally.restated
            log.info("asked for %s: %s healed, %s restated", span, tally.new, tally.restated)

    def _ask_around(self, session: date, now: datetime) -> None:
        """Ask for the extended hours that are over, or in which the stream was joined anew."""
        for span in self._extended.due(session, now, joined=self._joined):
            self._flush()
            came = self._history.between(self._symbols, span.first, span.until)
            if not came.is_empty():
                tally = self._store(came, span.session, max(now, self._tape.newest or now))
                self.restated += tally.restated
                log.info(
                    "asked for extended hours, %s to %s UTC: %s healed, %s restated",
                    f"{span.first:%Y-%m-%d %H:%M}", f"{span.until:%H:%M}",
                    tally.new, tally.restated,
                )  # fmt: skip
            self._extended.settled(span)
        self._extended.listened(self._joined)

    def _store(self, came: pl.DataFrame, session: date, now: datetime) -> Appended:
        """Store what came: known from the market time at which it was asked for."""
        frame = came.with_columns(
            session=pl.lit(session),
            source=pl.lit(self._origin.source),
            feed=pl.lit(self._origin.feed),
            simulated=pl.lit(self._origin.simulated),
            healed=pl.lit(value=True),
            known_at=pl.max_horizontal(pl.col("bar_start") + MINUTE, pl.lit(now)),
        )
        return write_minutes(self._warehouse, frame, learned_at=now)
