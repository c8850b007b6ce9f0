"""Minute bars into the warehouse while the market is open."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.market_data.live import MinuteHistory, MinuteStream
from assets.desk_time import ClockUnknownError
from ledger import alerts, feeds
from ledger import market as ledger_market
from ledger.feeds import FeedState
from ledger.market import Clock
from quality.calendar import exchange
from trading.errors import RetryError
from warehouse import Warehouse, connect
from worker.desk import Desk
from worker.grid import Seen
from worker.healing import Healer, History
from worker.heart import heartbeat
from worker.loop import Task
from worker.storing import Storer
from worker.tape import Origin, Tape

log = logging.getLogger(__name__)

ALERT_KIND = feeds.STALE_ALERT
_SUBJECT = "minute bars"
_STREAM_SECONDS = 2.0
_BATCH_SECONDS = 2.0
_GAP_SECONDS = 5.0
_REPORT_SECONDS = 1.0
# A replay passes a market minute in a second, and the desk's own ways take some of that.
_LOOKS_BEFORE_ALERT = 3
_JOIN_AGAIN_AFTER = timedelta(seconds=30)  # wall time


class StreamEndedError(RetryError):
    """The stream of minute bars ended; it is opened again."""


def tasks(desk: Desk) -> list[Task]:
    """Return what the feed does."""
    feed = Feed(desk, connect(desk.settings))
    return [
        Task("stream", feed.receive, _STREAM_SECONDS),
        Task("minute bars", feed.storer.store, _BATCH_SECONDS),
        Task("gaps", feed.look, _GAP_SECONDS),
        Task("feed state", feed.report, _REPORT_SECONDS),
        heartbeat(desk, "feed"),
    ]


class Feed:
    """The stream, what it told, and what is done about what it did not tell.

    Parameters
    ----------
    desk : Desk
        Settings, universe, ledger and clocks.
    warehouse : Warehouse
        Where the bars go.
    history : History, optional
        Whom to ask for what the stream did not bring; the broker's data service if not given.
    stream : MinuteStream, optional
        What to listen to; the broker's if not given. It must hand bars to `tape`.
    tape : Tape, optional
        A fresh one if not given.
    """

    def __init__(
        self,
        desk: Desk,
        warehouse: Warehouse,
        *,
        history: History | None = None,
        stream: MinuteStream | None = None,
        tape: Tape | None = None,
    ) -> None:
        told, symbols = desk.settings.broker, desk.universe.names
        origin = Origin(told.kind, told.feed, simulated=told.kind == "venue")
        self._desk = desk
        self.tape = tape or Tape()
        self.stream = stream or MinuteStream(desk.settings, symbols, self.tape.hear)
        self.storer = Storer(self.tape, warehouse, origin)
        self.healer = Healer(
            self.tape,
            history or MinuteHistory(desk.settings),
            warehouse,
            exchange(),
            symbols,
            origin=origin,
            flush=self.storer.store,
        )
        self._staleness = _Staleness(timedelta(seconds=desk.limits.intraday_data_age_seconds))

    def receive(self) -> None:
        """Listen until the stream ends."""
        self.stream.run()
        raise StreamEndedError("the stream of minute bars ended")

    def look(self) -> None:
        """Ask for what is missing."""
        self.healer.look(self._clock(), joined=self.stream.joined)

    def report(self) -> None:
        """Say in the ledger how the feed stands; alert people when no bar comes."""
        clock, grid = self._clock(), self.tape.grid
        if grid is None:
            return
        newest, desk_at = _later(self.tape.newest, grid.heard_until), self._desk.clock.now()
        is_running = clock.is_open and grid.opens <= clock.now < grid.closes
        news = self._staleness.look(
            clock.now, opens=grid.opens if is_running else None, newest_at=newest
        )
        state = FeedState(
            session=grid.session,
            market_at=clock.now,
            newest_at=newest,
            stale_since=self._staleness.since,
            gaps=grid.missing(self.healer.over),
            healed=grid.count(Seen.HEALED),
            no_trade=grid.count(Seen.NO_TRADE),
            waiting=self.tape.waiting,
            batches=self.storer.batches,
            bars=self.tape.tally.bars,
            restated=self.storer.restated + self.healer.restated,
            reconnects=max(self.stream.joined - 1, 0),
        )
        with self._desk.engine.begin() as conn:
            feeds.record(conn, state, desk_at=desk_at)
            if news == "stale":
                alerts.raise_once(
                    conn, severity="warning", kind=ALERT_KIND, subject=_SUBJECT,
                    message=_sentence(state), desk_at=desk_at, market_at=clock.now, actor="feed",
                )  # fmt: skip
            elif news == "flows":
                alerts.clear(conn, kind=ALERT_KIND, subject=_SUBJECT, desk_at=desk_at, actor="feed")
        if self._staleness.should_join_again(clock.now, desk_at):
            log.warning("no bar comes although one is due: joining the stream again")
            self.stream.stop()

    def _clock(self) -> Clock:
        with self._desk.engine.connect() as conn:
            clock = ledger_market.latest_clock(conn)
        if clock is None:
            raise ClockUnknownError("the market's clock has not been heard yet")
        return clock


@dataclass
class _Staleness:
    """Whether a bar is overdue, for how many looks in a row, and what people know of it.

    A stream that was joined a moment ago has missed nothing yet: signals wait for its first bar,
    but nobody is alarmed.
    """

    stale_after: timedelta  # market time; a bar may be overdue for so long
    since: datetime | None = None  # market time from which a bar is overdue
    looks: int = 0
    alerted: bool | None = None  # None: not known what an earlier process said
    listening_since: datetime | None = None  # market time
    joined_at: datetime = field(default=datetime.min.replace(tzinfo=UTC))  # wall time

    def look(
        self, now: datetime, *, opens: datetime | None, newest_at: datetime | None
    ) -> str | None:
        """Return `stale` or `flows` when people must be told so, else None.

        `opens` is None while no bar is due.
        """
        self.listening_since = self.listening_since or now
        late = feeds.overdue(now, opens=opens or now, newest_at=newest_at)
        if late <= self.stale_after:
            self.since, self.looks = None, 0
            news = None if self.alerted is False else "flows"
            self.alerted = False
            return news
        self.since = now - late
        heard_for = max(opens or now, self.listening_since)
        if feeds.overdue(now, opens=heard_for, newest_at=newest_at) > self.stale_after:
            self.looks += 1
        if self.looks < _LOOKS_BEFORE_ALERT or self.alerted:
            return None
        self.alerted = True
        return "stale"

    def should_join_again(self, now: datetime, desk_at: datetime) -> bool:
        """Whether the stream is deaf and has not been joined anew a moment ago."""
        if self.looks < _LOOKS_BEFORE_ALERT or desk_at - self.joined_at < _JOIN_AGAIN_AFTER:
            return False
        self.joined_at, self.listening_since, self.looks = desk_at, now, 0
        return True


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants: a process that begins anew knows what was stored before."""
    known = [at for at in (one, other) if at is not None]
    return max(known, default=None)


def _sentence(state: FeedState) -> str:
    since = state.stale_since
    assert since is not None  # asked for only then
    minutes = int((state.market_at - since) / timedelta(minutes=1))
    last = f"the last one ended at {state.newest_at:%H:%M} UTC" if state.newest_at else "none yet"
    return (
        f"The live feed is stale: no minute bar for {minutes} minutes after one was due ({last}). "
        "Intraday signals wait until bars flow again; the feed joins the stream anew."
    )
