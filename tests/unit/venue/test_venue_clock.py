"""When the clock stands, and why."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from venue.clock import Clock, Replay
from venue.sessions import exchange_calendar


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay(exchange_calendar(), date(2013, 3, 1))


def at(text: str) -> Clock:
    return Clock(now=datetime.fromisoformat(text).replace(tzinfo=UTC))


def name(replay: Replay, clock: Clock, *, working: bool = False) -> str | None:
    hold = replay.hold(clock, orders_working=working)
    return hold.name if hold else None


def test_after_a_close_it_waits_for_the_daily_run(replay: Replay) -> None:
    closed = at("2012-07-02T20:00:00")
    assert name(replay, closed) == "after_close"
    assert name(replay, closed.with_done(date(2012, 6, 29))) == "after_close"
    done = closed.with_done(date(2012, 7, 2))
    assert name(replay, done) is None
    assert done.with_done(date(2012, 7, 2)) == done
    # A closed market's hours pass at once, to shortly before the opening.
    assert replay.skipped(done).now == datetime(2012, 7, 3, 13, 25, tzinfo=UTC)


def test_before_a_close_it_waits_for_holds_and_orders(replay: Replay) -> None:
    early, late = at("2012-07-05T19:54:59"), at("2012-07-05T19:55:00")
    assert name(replay, early, working=True) is None
    assert name(replay, late, working=True) == "working_orders"
    assert name(replay, late) is None
    held = replace(late, holds={"proposals": "2 to decide"})
    assert name(replay, held) == "proposals"
    assert name(replay, replace(held, overridden=date(2012, 7, 5)), working=True) is None
    assert name(replay, replace(held, overridden=date(2012, 7, 3))) == "proposals"


def test_a_half_day_is_held_five_minutes_before_its_own_close(replay: Replay) -> None:
    assert name(replay, at("2012-07-03T16:55:00"), working=True) == "working_orders"


def test_after_the_last_session_it_has_ended(replay: Replay) -> None:
    closed = at("2013-03-01T21:00:00")
    assert not replay.ended(closed)
    done = closed.with_done(date(2013, 3, 1))
    assert replay.ended(done)
    assert replay.state(done, None) == "ended"


def test_the_next_stop_is_an_opening_or_a_minutes_end(replay: Replay) -> None:
    assert replay.next_stop(at("2012-07-05T13:27:30")) == datetime(2012, 7, 5, 13, 30, tzinfo=UTC)
    assert replay.next_stop(at("2012-07-05T13:30:00")) == datetime(2012, 7, 5, 13, 31, tzinfo=UTC)
    assert replay.next_stop(at("2012-07-05T13:30:59")) == datetime(2012, 7, 5, 13, 31, tzinfo=UTC)
