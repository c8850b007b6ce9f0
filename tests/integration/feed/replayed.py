"""A live feed on a real venue, ledger and warehouse, moved by hand."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from adapters.market_data.live import MinuteStream, StreamBar
from ledger.migrate import upgrade as upgrade_ledger
from tests.integration.venue.served import ServedVenue
from trading.errors import RetryError
from warehouse import Warehouse, bars, connect
from warehouse.migrate import upgrade as upgrade_warehouse
from worker import desk as desks
from worker.desk import Desk
from worker.feed import Feed
from worker.loop import Task, run
from worker.tape import Tape
from worker.watch import tasks as watch_tasks

Key: TypeAlias = tuple[str, datetime]
VALUES = ("open", "high", "low", "close", "volume")
LONG_AFTER = timedelta(days=3650)


class Replayed:
    """What a test moves and looks at."""

    def __init__(self, venue: ServedVenue, desk: Desk, warehouse: Warehouse) -> None:
        self.venue, self.desk, self.warehouse = venue, desk, warehouse
        self.heard: set[Key] = set()  # from the stream
        self.late: set[Key] = set()  # of those, behind a later minute: perhaps asked for by then
        self._lost: set[Key] = set()
        self._ended: list[Tape] = []  # of feeds that were killed
        self._clock = next(t for t in watch_tasks(desk) if t.name == "clock")
        self._stop = threading.Event()
        self._cuts = 0
        self._newest = datetime.min.replace(tzinfo=UTC)
        self.feed = self._opened()

    def kill(self) -> None:
        """End the feed as kill -9 would, and begin anew with what the warehouse has."""
        self._ended.append(self.feed.tape)
        self.end()
        self._stop = threading.Event()
        self.feed = self._opened()

    @property
    def lost(self) -> set[Key]:
        """What was heard by a feed that ended before it stored it, also while it ended."""
        for tape in self._ended:
            self._lost |= {(told.bar.symbol, told.bar.start) for told in tape.take()}
        return self._lost

    def end(self) -> None:
        self._stop.set()
        self.feed.stream.stop()

    def _opened(self) -> Feed:
        tape = Tape()

        def hear(bar: StreamBar) -> None:
            key = (bar.symbol, bar.start)
            if bar.start < self._newest and key not in self.heard:
                self.late.add(key)
            self._newest = max(bar.start, self._newest)
            self.heard.add(key)
            tape.hear(bar)

        names = self.desk.universe.names
        stream = MinuteStream(self.desk.settings, names, hear, backoff=(0.02, 0.1))
        feed = Feed(self.desk, self.warehouse, stream=stream, tape=tape)
        task = Task("stream", feed.receive, 0.05)
        threading.Thread(target=run, args=(task, self._stop), daemon=True).start()
        self.venue.until(lambda: stream.joined)
        time.sleep(0.1)
        return feed

    def opens(self) -> date:
        """Go to the next opening; return its session."""
        return date.fromisoformat(self.venue.post("/venue/jump", {"to": "next_open"})["session"])

    def step(self, minutes: int) -> bool:
        """Let market time pass; if the stream was cut, wait until it is joined again.

        Returns whether the market is open still.
        """
        joined = self.feed.stream.joined
        told = self.venue.post("/venue/step", {"minutes": minutes})
        cuts = self.struck()["disconnect"]
        if cuts > self._cuts:
            self._cuts = cuts
            self.venue.until(lambda: self.feed.stream.joined > joined)
            time.sleep(0.02)
        return bool(told["is_open"])

    def struck(self) -> Counter[str]:
        """How often each kind of fault has struck."""
        told = self.venue.get("/venue/faults")["faults"]
        return Counter({fault["kind"]: fault["struck"] for fault in told})

    def look(self, times: int = 1) -> None:
        """Do what the worker's tasks do, in spite of what fails."""
        for _ in range(times):
            self._clock.step()
            for task in (self.feed.storer.store, self.feed.look, self.feed.report):
                with suppress(RetryError):
                    task()

    def settle(self) -> None:
        """Look until nothing is missing of a session that has closed."""
        for _ in range(20):
            self.look()
            grid = self.feed.tape.grid
            if grid and not self.feed.tape.waiting and self.feed.healer.settled == grid.session:
                return
        raise AssertionError(f"the session was not settled: {self.feed.tape.grid}")

    def stored(self, session: date) -> pl.DataFrame:
        """The newest value of each minute."""
        now = datetime.fromisoformat(self.venue.get("/venue/status")["now"])
        with self.warehouse.reader() as conn:
            return bars.minutes(
                conn, self.desk.universe.names, session, as_of=now + LONG_AFTER
            ).sort("symbol", "bar_start")

    def versions(self, session: date) -> pl.DataFrame:
        """Every value ever held, in the order it was known."""
        with self.warehouse.reader() as conn:
            found = conn.execute(
                "select * from market.minute_bars where session = $session "
                "order by symbol, bar_start, known_at",
                {"session": session},
            )
            return found.pl()

    def replayed(self, session: date) -> pl.DataFrame:
        """The session's minutes as the venue's data service tells them."""
        rows: list[dict[str, Any]] = []
        token: str | None = None
        query = (
            f"/v2/stocks/bars?symbols={','.join(self.desk.universe.names)}&timeframe=1Min"
            f"&start={session}T00:00:00Z&end={session}T23:59:00Z&limit=10000"
        )
        while True:
            told = self.venue.get(query + (f"&page_token={token}" if token else ""))
            rows += [
                {
                    "symbol": symbol, "bar_start": datetime.fromisoformat(b["t"]),
                    "open": b["o"], "high": b["h"], "low": b["l"], "close": b["c"],
                    "volume": b["v"],
                }
                for symbol, found in told["bars"].items()
                for b in found
            ]  # fmt: skip
            token = told["next_page_token"]
            if not token:
                return pl.DataFrame(rows).sort("symbol", "bar_start")


@contextmanager
def replayed(
    venue: ServedVenue, dsn: str, home: Path, setenv: Callable[[str, str], None]
) -> Iterator[Replayed]:
    """A feed on `venue` with a ledger and a warehouse of its own."""
    for name, value in environment(venue, dsn, home).items():
        setenv(name, value)
    desk = desks.opened()
    upgrade_ledger(dsn)
    upgrade_warehouse(desk.settings)
    warehouse = connect(desk.settings)
    made = Replayed(venue, desk, warehouse)
    yield made
    made.end()
    warehouse.close()
    desk.engine.dispose()


def environment(venue: ServedVenue, dsn: str, home: Path) -> dict[str, str]:
    return {
        "DESK_HOME": str(home),
        "COUNTERSIGN_DATABASE__DSN": dsn,
        "COUNTERSIGN_VENUE__PORT": str(venue.port),
        "COUNTERSIGN_BROKER__KEY_ID": "PKTEST",
        "COUNTERSIGN_BROKER__SECRET_KEY": "secret",
    }


STREAM_FAULTS = {
    "drop_event": 0.30, "duplicate_event": 0.25, "reorder_events": 0.15, "delay_event": 0.15,
    "late_trades": 0.10, "disconnect": 0.05,
}  # fmt: skip


def faults(total: int, *, seed: int) -> dict[str, Any]:
    """`total` faults of the stream of bars, and some of the data service besides."""
    armed: list[dict[str, Any]] = [
        {
            "kind": kind, "count": round(total * share), "probability": 0.7 * share,
            "path": "^(bars|updatedBars)$", "events": 40,
        }
        for kind, share in STREAM_FAULTS.items()
    ]  # fmt: skip
    armed += [
        {"kind": kind, "count": 2, "path": "^/v2/stocks/bars", "probability": 0.3}
        for kind in ("error_before", "malformed", "reset", "drop_reply")
    ]
    return {"seed": seed, "faults": armed}
