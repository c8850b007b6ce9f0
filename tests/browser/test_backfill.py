"""Ten years loaded in Dagster's own screens, killed half-way and loaded again, end the same."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest
from playwright.sync_api import Page, expect

import ledger
import warehouse
from config import settings as settings_file
from config.settings import Settings
from countersign.graphql import Dagster
from countersign.processes import reaper
from countersign.processes.plan import LOCATION
from ledger import daily_runs, market
from quality.calendar import exchange
from tests.desk.running import WholeDesk, until

pytestmark = [pytest.mark.browser, pytest.mark.desk, pytest.mark.timeout(900), pytest.mark.long]

# The first and the last session of ten years on the exchange.
FIRST, LAST = date(2001, 1, 2), date(2010, 12, 31)
_PATIENCE_SECONDS = 240
_LOADING = ("first_materialisation", "backfill", "daily_run", "train_model", "__ASSET_JOB")
_UNFINISHED = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
# What the run writes of its sessions. What tells when and by which run it was written is left out,
# and the page of a report, which is named after the sessions of its part of the load.
_ROWS = {
    "market.daily_bars": "* exclude (recorded_at)",
    "quality.verdicts": "* exclude (recorded_at, report)",
    "quality.findings": "* exclude (recorded_at)",
    "quality.quarantine": "* exclude (recorded_at)",
}

Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Loads:
    """What a person and a test see of the loads of a desk."""

    desk: WholeDesk
    settings: Settings
    dagster: Dagster

    def rows(self) -> Rows:
        """Return what stands in the warehouse of the ten years."""
        store = warehouse.connect(self.settings, read_only=True)
        try:
            with store.reader() as conn:
                return {
                    table: conn.execute(
                        f"select {columns} from {table} "
                        "where session between $first and $last order by all",
                        {"first": FIRST, "last": LAST},
                    ).fetchall()
                    for table, columns in _ROWS.items()
                }
        finally:
            store.close()

    def forget(self) -> None:
        """Take the ten years out of the warehouse, as if they had never been loaded."""
        store = warehouse.connect(self.settings)
        try:
            with store.writer(*_ROWS) as conn:
                for table in _ROWS:
                    conn.execute(
                        f"delete from {table} where session between $first and $last",
                        {"first": FIRST, "last": LAST},
                    )
        finally:
            store.close()

    def are_over(self) -> bool:
        """Whether no run is under way that loads bars, and none is due for a closed session."""
        engine = ledger.engine(self.settings.database.url("desk"), pool_size=1)
        try:
            with engine.connect() as conn:
                clock = market.latest_clock(conn)
                closed = None if clock is None else exchange().last_closed(clock.now)
                is_decided = closed is not None and (
                    closed < self.settings.venue.start
                    or daily_runs.state_of(conn, closed) == "done"
                )
        finally:
            engine.dispose()
        return is_decided and not any(self.dagster.newest_run(job, _UNFINISHED) for job in _LOADING)

    def kill_worker(self) -> None:
        """Kill the process of the backfill's run as the kernel would."""
        run_id = self.dagster.newest_run("__ASSET_JOB", ["STARTED"])
        known = reaper.workers(self.settings.database.url("dagster"))
        (worker,) = (worker for worker in known if worker.run_id == run_id)
        os.kill(worker.pid, signal.SIGKILL)


@pytest.fixture
def loads(desk: WholeDesk) -> Iterator[Loads]:
    """The loads of a desk whose market stands still, so that no daily run misses what is taken."""
    told = settings_file.load(desk.environment)
    loads = Loads(desk, told, Dagster(f"http://127.0.0.1:{told.dagster.port}", LOCATION))
    until(loads.are_over, seconds=_PATIENCE_SECONDS, why="the desk goes on loading")
    _tell(desk, "pause")
    until(loads.are_over, seconds=_PATIENCE_SECONDS, why="the desk goes on loading")
    yield loads
    _tell(desk, "run")


def _tell(desk: WholeDesk, word: str) -> None:
    done = desk.run("venue", word)
    assert done.returncode == 0, done.stderr


def test_ten_years_killed_half_way_and_loaded_again_are_equal(loads: Loads, page: Page) -> None:
    undisturbed = loads.rows()
    sessions = len(exchange().sessions(FIRST, LAST))
    assert len(undisturbed["quality.verdicts"]) >= 3 * sessions  # AAPL, IBM, MSFT; GOOG from 2004
    loads.forget()
    assert not any(loads.rows().values())

    with _writers_one_by_one(loads.settings) as turns:
        _launch(loads, page, sessions)
        turns.let_one_write()
        loads.kill_worker()
    stored = loads.rows()["market.daily_bars"]
    assert 0 < len(stored) < len(undisturbed["market.daily_bars"])
    assert set(stored) < set(undisturbed["market.daily_bars"])

    _launch(loads, page, sessions)
    page.get_by_role("link", name="View", exact=True).click()
    expect(page.get_by_text("100% completed")).to_be_visible(timeout=_PATIENCE_SECONDS * 1000)
    # Once as the head of a column, once as what became of this backfill: that is told when the
    # daemon looks at backfills again, which it does every 30 seconds.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(
        2, timeout=_PATIENCE_SECONDS * 1000
    )
    # Dagster tries the killed run again by itself; that must not matter either.
    until(loads.are_over, seconds=_PATIENCE_SECONDS, why="the killed run's second try goes on")

    for table, rows in loads.rows().items():
        assert rows == undisturbed[table], f"{table} differs"


def _launch(loads: Loads, page: Page, sessions: int) -> None:
    """Start a backfill of the ten years as a person does, in the asset's own page."""
    page.set_default_timeout(_PATIENCE_SECONDS * 1000)  # the screens share the cores with the run
    page.goto(f"{loads.desk.address('webserver')}/assets/daily_bars")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_placeholder("2000-03-01")
    chosen.fill(f"[{FIRST}...{LAST}]")
    chosen.press("Enter")
    expect(dialog.get_by_text(f"{sessions:,} partitions")).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_role("link", name="View", exact=True)).to_be_visible()


@dataclass(frozen=True)
class Turns:
    """The lock of the daily bars, held for the test until it lets a writer in."""

    held: psycopg.Connection
    queued: psycopg.Connection
    pool: ThreadPoolExecutor

    def let_one_write(self) -> None:
        """Let the writer that waits write once, and return when it waits to write again."""
        until(lambda: self._waiting() == 1, seconds=_PATIENCE_SECONDS, why="nobody wants to write")
        # The server serves a lock in the order in which it was asked for.
        mine: Future[None] = self.pool.submit(_take, self.queued)
        until(lambda: self._waiting() == 2, seconds=30, why="the test does not queue")
        self.held.execute("select pg_advisory_unlock_all()")
        mine.result(timeout=_PATIENCE_SECONDS)
        until(lambda: self._waiting() == 1, seconds=_PATIENCE_SECONDS, why="nothing is left")

    def _waiting(self) -> int:
        row = self.held.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted "
            "and (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)",
            [_LOCK],
        ).fetchone()
        assert row is not None
        return int(row[0])


_LOCK = "warehouse:market.daily_bars"


@contextmanager
def _writers_one_by_one(settings: Settings) -> Iterator[Turns]:
    """Hold the lock that every writer of daily bars takes, and let it go at the end."""
    dsn = settings.database.url("desk")
    with (
        psycopg.connect(dsn, autocommit=True) as held,
        psycopg.connect(dsn, autocommit=True) as queued,
        ThreadPoolExecutor(1) as pool,
    ):
        _take(held)
        yield Turns(held, queued, pool)


def _take(session: psycopg.Connection) -> None:
    session.execute(f"set lock_timeout = '{_PATIENCE_SECONDS}s'")
    session.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
