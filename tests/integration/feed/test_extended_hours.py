"""Minutes outside regular hours that the stream lost are asked for, and stored marked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ledger.market import Clock
from quality.calendar import exchange
from tests.unit.worker.desks import CLOSE, OPEN, SESSION, clock_at
from tests.unit.worker.minutes import MINUTE, at, bar
from warehouse import Warehouse, minutes
from worker.healing import Healer
from worker.storing import Storer
from worker.tape import Origin, Tape

FEED = Origin("alpaca", "sip", simulated=False)
NEXT = exchange().next(SESSION)
NEXT_OPEN = exchange().open(NEXT)
LATER = NEXT_OPEN + timedelta(days=30)


class Served:
    """A data service that has a trade in every minute of A, and in these minutes of extended hours.

    Notes what it was asked for outside regular hours.
    """

    def __init__(self, *extended: datetime) -> None:
        self.extended = extended
        self.asked: list[tuple[datetime, datetime]] = []

    def between(self, symbols: Sequence[str], first: datetime, until: datetime) -> pl.DataFrame:
        if not OPEN <= first < CLOSE:
            self.asked.append((first, until))
        starts = [at(n) for n in range(210)] + list(self.extended)
        prices = {"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 1000}
        rows = [{"symbol": "A", "bar_start": s} | prices for s in starts if first <= s < until]
        schema: dict[str, Any] = {"symbol": pl.String, "bar_start": pl.Datetime("us", "UTC")}
        return pl.DataFrame(rows, schema_overrides=schema) if rows else pl.DataFrame(schema=schema)


class Feed:
    """A healer on a real warehouse, told of the market's time and of the stream by hand."""

    def __init__(self, warehouse: Warehouse, served: Served) -> None:
        self.warehouse, self.tape = warehouse, Tape()
        self.storer = Storer(self.tape, warehouse, FEED)
        self.healer = Healer(
            self.tape, served, warehouse, exchange(), ["A"], origin=FEED, flush=self.storer.store
        )

    def look(self, now: datetime, *, joined: int = 1) -> None:
        clock: Clock = replace(clock_at(now), replay=False, is_open=OPEN <= now < CLOSE)
        self.healer.look(clock, joined=joined)

    def extended(self) -> list[tuple[datetime, bool]]:
        """Return the stored minutes outside regular hours, and whether each was healed."""
        with self.warehouse.reader() as conn:
            found = pl.concat(
                minutes.marked(
                    conn, ["A"], session, opens=exchange().open(session),
                    closes=exchange().close(session), as_of=LATER,
                )
                for session in (SESSION, NEXT)
            )  # fmt: skip
        rows = found.filter(~pl.col("regular")).sort("bar_start")
        return list(rows.select("bar_start", "healed").iter_rows())


def test_hours_that_are_over_are_asked_for_once_and_healed_minutes_are_marked(
    warehouse: Warehouse,
) -> None:
    early, late = OPEN - 20 * MINUTE, CLOSE + 30 * MINUTE
    served = Served(early, late)
    feed = Feed(warehouse, served)
    feed.tape.hear(bar("A", -10))  # the stream brought this one

    feed.look(OPEN + 2 * MINUTE)
    feed.look(OPEN + 3 * MINUTE)
    assert feed.extended() == [(early, True), (OPEN - 10 * MINUTE, False)]

    for minutes_after in (10, 239, 241, 300):
        feed.look(CLOSE + minutes_after * MINUTE)
    assert feed.extended()[-1] == (late, True)
    assert served.asked == [
        (OPEN - timedelta(hours=5, minutes=30), OPEN),
        (CLOSE, CLOSE + timedelta(hours=4)),
    ]


def test_a_stream_that_was_joined_anew_in_extended_hours_has_its_gap_healed(
    warehouse: Warehouse,
) -> None:
    lost = NEXT_OPEN - 60 * MINUTE
    served = Served(lost)
    feed = Feed(warehouse, served)
    feed.look(CLOSE + timedelta(hours=5))
    served.asked.clear()

    now = NEXT_OPEN - 30 * MINUTE
    feed.look(now)
    assert served.asked == [], "a stream that listens all the time is trusted until the hours end"
    feed.look(now + MINUTE, joined=2)
    feed.look(now + 2 * MINUTE, joined=2)

    assert served.asked == [(NEXT_OPEN - timedelta(hours=5, minutes=30), now + MINUTE)]
    assert feed.extended() == [(lost, True)]


@pytest.mark.parametrize("extended", [(), (CLOSE + MINUTE,)])
def test_a_feed_without_extended_hours_is_no_fault(
    warehouse: Warehouse, extended: tuple[datetime, ...]
) -> None:
    feed = Feed(warehouse, Served(*extended))

    for minute in range(2):
        feed.look(CLOSE + timedelta(hours=5, minutes=minute))

    assert [start for start, _ in feed.extended()] == list(extended)
    assert feed.healer.settled == SESSION
