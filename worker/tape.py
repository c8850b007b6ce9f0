"""What the stream told and the warehouse does not have yet, safe in any thread.

The stream may drop, double, swap and delay. Nothing here trusts its order: an update outranks the
bar it replaces whichever comes first, a bar that was asked for meanwhile outranks the stream's late
one, and of what is told twice the warehouse keeps one.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from adapters.market_data.live import StreamBar
from worker.grid import Gap, Grid, Seen, Window

_NEW_YORK = ZoneInfo("America/New_York")
_TICK = timedelta(microseconds=1)
_AFTER_HOURS = timedelta(hours=4)
# A session of 500 symbols, about 60 MB. What does not fit is asked for later.
_MOST_WAITING = 200_000


@dataclass(frozen=True)
class Origin:
    """Who delivers the bars, by which feed, and whether they are made up."""

    source: str
    feed: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A bar and the market time at which it was told."""

    bar: StreamBar
    at: datetime


@dataclass(frozen=True)
class Tally:
    """What the stream told so far."""

    bars: int = 0
    updates: int = 0
    outranked: int = 0  # came after what replaces them
    dropped: int = 0  # found no room; asked for later


class Tape:
    """Takes bars in, hands them out for storing, and knows which minutes are missing.

    Parameters
    ----------
    most_waiting : int
        How many bars are kept while the warehouse is away; beyond, the oldest give way.
    """

    def __init__(self, *, most_waiting: int = _MOST_WAITING) -> None:
        self._lock = threading.Lock()
        self._most = most_waiting
        self._waiting: deque[Told] = deque()
        self._taken: list[Told] = []
        self._updated: dict[tuple[str, datetime], int] = {}  # trades of the newest update
        self._grid: Grid | None = None
        self._newest: datetime | None = None
        self._tally = Tally()

    @property
    def newest(self) -> datetime | None:
        """The end of the newest bar heard: how far market time has come, by the stream."""
        return self._newest

    @property
    def waiting(self) -> int:
        """How many bars are not stored yet."""
        return len(self._waiting) + len(self._taken)

    @property
    def tally(self) -> Tally:
        """What the stream told so far."""
        return self._tally

    @property
    def grid(self) -> Grid | None:
        """The session that is watched; None before the first. Marked only through the tape."""
        return self._grid

    def hear(self, bar: StreamBar) -> None:
        """Take a bar in; fits `MinuteStream`'s callback."""
        with self._lock:
            at = max(bar.end, self._newest or bar.end)
            if self._is_believable(bar):
                self._newest = at
            if self._is_outranked(bar):
                self._tally = replace(self._tally, outranked=self._tally.outranked + 1)
                return
            if bar.is_update:
                self._updated[bar.symbol, bar.start] = bar.trades
                self._tally = replace(self._tally, updates=self._tally.updates + 1)
            else:
                self._tally = replace(self._tally, bars=self._tally.bars + 1)
            self._waiting.append(Told(bar, at))
            self._mark(bar, Seen.HEARD)
            self._make_room()

    def take(self) -> list[Told]:
        """Hand out what waits, in the order it came; `stored` or `put_back` must follow."""
        with self._lock:
            self._taken, self._waiting = list(self._waiting), deque()
            return self._taken

    def stored(self) -> None:
        """Forget what was handed out: the warehouse has it."""
        with self._lock:
            self._taken = []

    def put_back(self) -> None:
        """Keep what was handed out for the next time."""
        with self._lock:
            self._waiting.extendleft(reversed(self._taken))
            self._taken = []
            self._make_room()

    def watch(self, grid: Grid) -> None:
        """Look at another session from now on; `grid` knows what the warehouse has of it."""
        with self._lock:
            self._grid = grid
            self._updated = {
                key: trades for key, trades in self._updated.items() if key[1] >= grid.opens
            }
            for told in (*self._taken, *self._waiting):
                self._mark(told.bar, Seen.HEARD)

    def gaps(self, over: int) -> list[Gap]:
        """Return what is missing of the session's first `over` minutes."""
        with self._lock:
            return self._grid.gaps(over) if self._grid else []

    def answer(self, window: Window, symbols: Sequence[str], starts: Sequence[datetime]) -> None:
        """Note the answer to a question about the session that is watched, once it is stored."""
        with self._lock:
            if self._grid:
                self._grid.answer(window, symbols, starts)

    def _is_believable(self, bar: StreamBar) -> bool:
        """Whether its stamp may tell the time: one from another day would stop the clock."""
        return self._grid is None or bar.end <= self._grid.closes + _AFTER_HOURS

    def _is_outranked(self, bar: StreamBar) -> bool:
        known = self._updated.get((bar.symbol, bar.start))
        if bar.is_update:
            return known is not None and bar.trades < known
        seen = self._grid.seen(bar.symbol, bar.start) if self._grid else None
        return known is not None or seen is Seen.HEALED

    def _make_room(self) -> None:
        while len(self._waiting) > self._most:
            self._mark(self._waiting.popleft().bar, Seen.MISSING)
            self._tally = replace(self._tally, dropped=self._tally.dropped + 1)

    def _mark(self, bar: StreamBar, seen: Seen) -> None:
        if self._grid:
            self._grid.mark(bar.symbol, bar.start, seen)


def rows(told: Sequence[Told], origin: Origin) -> pl.DataFrame:
    """Return the rows of `market.minute_bars` that were told, with `learned_at`.

    A bar that comes in time counts as known from the end of its minute; a late one, and an update,
    from the market time at which it was told.
    """
    learned: dict[tuple[str, datetime], datetime] = {}
    found = []
    for one in told:
        bar, key = one.bar, (one.bar.symbol, one.bar.start)
        # Two values of one minute must not be learned at one time.
        at = max(one.at, learned[key] + _TICK) if key in learned else one.at
        learned[key] = at
        found.append(
            {
                "symbol": bar.symbol,
                "session": bar.start.astimezone(_NEW_YORK).date(),
                "bar_start": bar.start,
                "open": bar.open,
                "high": bar.high,
                "low": bar.low,
                "close": bar.close,
                "volume": bar.volume,
                "source": origin.source,
                "feed": origin.feed,
                "simulated": origin.simulated,
                "healed": False,
                "known_at": at,
                "learned_at": at,
            }
        )
    return pl.DataFrame(found)
