"""How the feed stands in the ledger, and when people hear of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import duckdb
import polars as pl
import pytest

from ledger import alerts, feeds, market
from tests.unit.worker.desks import CLOSE, NOON, OPEN, SESSION, WorkerDesk, clock_at
from tests.unit.worker.minutes import MINUTE, at, bar, grid
from warehouse import Warehouse, WarehouseUnavailableError
from worker.desk import Desk
from worker.feed import ALERT_KIND, Feed
from worker.grid import Seen
from worker.healing import GapsRemainError
from worker.storing import NotStoredError

SECOND = timedelta(seconds=1)


class FakeStream:
    """Counts how often it was left."""

    def __init__(self) -> None:
        self.joined, self.left = 1, 0

    def stop(self) -> None:
        self.left += 1


@dataclass
class Vault:
    """Stands where the warehouse would, and fails."""

    failure: Exception = field(default_factory=lambda: AssertionError("nothing is to be written"))

    def write(self, work: Any, *tables: str) -> Any:
        raise self.failure


class History:
    """Has these bars, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], datetime, datetime]] = []

    def between(self, symbols: Any, first: datetime, until: datetime) -> pl.DataFrame:
        self.asked.append((tuple(symbols), first, until))
        return pl.DataFrame({"symbol": [], "bar_start": []})


@pytest.fixture
def stream() -> FakeStream:
    return FakeStream()


@pytest.fixture
def feed(at_work: WorkerDesk, stream: FakeStream) -> Feed:
    return feed_of(at_work.desk, stream)


def feed_of(desk: Desk, stream: FakeStream) -> Feed:
    made = Feed(desk, cast("Warehouse", Vault()), history=History(), stream=cast("Any", stream))
    made.tape.watch(grid(*desk.universe.names))
    return made


def market_is_at(at_work: WorkerDesk, now: datetime) -> None:
    with at_work.desk.engine.begin() as conn:
        market.record_clock(conn, clock_at(now))


def open_alerts(at_work: WorkerDesk) -> list[str]:
    with at_work.desk.engine.connect() as conn:
        return [found.kind for found in alerts.unacknowledged(conn)]


def trouble(at_work: WorkerDesk, desk_at: datetime = NOON) -> str | None:
    with at_work.desk.engine.connect() as conn:
        return feeds.trouble(conn, desk_at=desk_at)


def test_a_feed_that_flows_is_no_trouble(at_work: WorkerDesk, feed: Feed) -> None:
    for minute in range(5):
        feed.tape.hear(bar("IBM", minute))
    # The next bar is due at the end of minute 5, and a minute of grace follows.
    market_is_at(at_work, at(7))

    feed.report()

    with at_work.desk.engine.connect() as conn:
        state = feeds.latest(conn)
    assert state is not None
    assert (state.session, state.market_at, state.newest_at) == (SESSION, at(7), at(5))
    assert (state.lag, state.stale_since, state.waiting, state.bars) == (2 * MINUTE, None, 5, 5)
    assert trouble(at_work) is None
    assert open_alerts(at_work) == []


def test_no_bar_for_a_minute_after_one_was_due_stops_intraday_signals_at_once(
    at_work: WorkerDesk, feed: Feed
) -> None:
    feed.tape.hear(bar("IBM", 4))
    market_is_at(at_work, at(7) + SECOND)

    feed.report()

    # 13:30 and six minutes: when the bar of minute 5 was due.
    assert trouble(at_work) == (
        "No minute bar has come since one was due at 13:36 UTC, market time."
    )


def test_how_long_a_bar_may_be_overdue_is_a_limit(at_work: WorkerDesk, stream: FakeStream) -> None:
    limits = at_work.desk.limits.model_copy(update={"intraday_data_age_seconds": 120})
    made = feed_of(replace(at_work.desk, limits=limits), stream)
    made.tape.hear(bar("IBM", 4))
    market_is_at(at_work, at(8))
    made.report()
    assert trouble(at_work) is None

    market_is_at(at_work, at(8) + SECOND)
    made.report()

    assert trouble(at_work) is not None


def test_people_hear_of_it_at_the_third_look_and_no_more_once_bars_flow(
    at_work: WorkerDesk, feed: Feed, stream: FakeStream
) -> None:
    market_is_at(at_work, at(1))
    feed.report()
    market_is_at(at_work, at(30))
    for _ in range(2):
        feed.report()
    assert open_alerts(at_work) == []

    for _ in range(4):
        feed.report()
    assert open_alerts(at_work) == [ALERT_KIND]
    assert stream.left == 1  # joined anew once, not at every look

    feed.tape.hear(bar("IBM", 29))
    feed.report()
    assert open_alerts(at_work) == []
    assert trouble(at_work) is None


def test_an_alert_that_someone_took_note_of_is_not_raised_again(
    at_work: WorkerDesk, feed: Feed
) -> None:
    market_is_at(at_work, at(1))
    feed.report()
    market_is_at(at_work, at(30))
    for _ in range(3):
        feed.report()
    with at_work.desk.engine.begin() as conn:
        (raised,) = alerts.unacknowledged(conn)
        alerts.acknowledge(
            conn, alert_id=raised.alert_id, person_id=at_work.people["maria"], desk_at=NOON
        )

    feed.report()

    assert open_alerts(at_work) == []


def test_a_feed_that_begins_in_mid_session_waits_for_its_first_bar_without_alarm(
    at_work: WorkerDesk, feed: Feed, stream: FakeStream
) -> None:
    market_is_at(at_work, at(30))

    for _ in range(5):
        feed.report()

    assert trouble(at_work) is not None
    assert (open_alerts(at_work), stream.left) == ([], 0)

    market_is_at(at_work, at(32) + SECOND)
    for _ in range(3):
        feed.report()
    assert (open_alerts(at_work), stream.left) == ([ALERT_KIND], 1)


def test_a_feed_that_begins_anew_is_as_fresh_as_what_was_stored_before(
    at_work: WorkerDesk, feed: Feed
) -> None:
    kept = feed.tape.grid
    assert kept is not None
    for symbol in at_work.desk.universe.names:
        kept.mark(symbol, OPEN + 9 * MINUTE, Seen.HEARD)
    market_is_at(at_work, OPEN + 10 * MINUTE)

    feed.report()

    with at_work.desk.engine.connect() as conn:
        state = feeds.latest(conn)
    assert state is not None
    assert (state.newest_at, state.stale_since) == (OPEN + 10 * MINUTE, None)


@pytest.mark.parametrize("now", [OPEN, OPEN + 2 * MINUTE, CLOSE, CLOSE + timedelta(hours=5)])
def test_nothing_is_due_before_the_first_minute_nor_after_the_close(
    at_work: WorkerDesk, feed: Feed, now: datetime
) -> None:
    market_is_at(at_work, now)

    for _ in range(3):
        feed.report()

    assert trouble(at_work) is None
    assert open_alerts(at_work) == []


def test_a_feed_that_never_reported_or_fell_silent_is_trouble(
    at_work: WorkerDesk, feed: Feed
) -> None:
    assert trouble(at_work) == "The live feed has not reported yet."

    market_is_at(at_work, at(1))
    feed.report()

    assert trouble(at_work) is None
    silent = trouble(at_work, NOON + timedelta(seconds=16))
    assert silent == "The live feed has said nothing for 16 s."


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (WarehouseUnavailableError("away"), WarehouseUnavailableError),
        (duckdb.IOException("disk is full"), NotStoredError),
    ],
)
def test_a_warehouse_that_is_away_costs_no_bar(
    at_work: WorkerDesk, failure: Exception, raised: type[Exception]
) -> None:
    vault = Vault(failure)
    feed = Feed(
        at_work.desk, cast("Warehouse", vault), history=History(), stream=cast("Any", FakeStream())
    )
    for minute in range(3):
        feed.tape.hear(bar("IBM", minute))
        with pytest.raises(raised):
            feed.storer.store()

    assert feed.tape.waiting == 3
    assert [told.bar.start for told in feed.tape.take()] == [at(0), at(1), at(2)]


def test_an_empty_answer_is_none_and_the_gap_stays(at_work: WorkerDesk, feed: Feed) -> None:
    market_is_at(at_work, at(3))
    feed.look()  # what is over now is asked for at the next look

    with pytest.raises(GapsRemainError, match="an empty answer is none"):
        feed.look()

    assert feed.tape.gaps(3)


def test_nothing_is_asked_for_while_the_exchange_is_shut_against_the_calendar(
    at_work: WorkerDesk, feed: Feed
) -> None:
    history = feed.healer._history
    assert isinstance(history, History)
    with at_work.desk.engine.begin() as conn:
        market.record_clock(conn, replace(clock_at(at(30)), is_open=False))

    for _ in range(3):
        feed.look()

    assert history.asked == []
