"""A row that was held, through the deliveries that follow: again, corrected, and the next day's."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets.desk_time import decision_time
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.pipelines.test_later_knowledge import (
    LAST,
    NAMES,
    SESSIONS,
    Small,
    full,
    made,
    opened,
)
from warehouse import bars, quarantine

pytestmark = pytest.mark.long

BAD, NEXT = SESSIONS[-3], SESSIONS[-2]
WHO = NAMES[0]
BEGIN = SESSIONS[-100]


@pytest.fixture(name="desk")
def _desk(postgres_server: Cluster, tmp_path: Path) -> Iterator[Small]:
    """Five months of history, then a session in which one share is ten times too dear."""
    with opened(postgres_server, tmp_path) as desk:
        before = SESSIONS[SESSIONS.index(BAD) - 1]
        deliver(desk, told(BEGIN, before), exchange().close(before), BEGIN, before)
        deliver(desk, wrong(), exchange().close(BAD), BAD, BAD)
        yield desk


def told(first: date, last: date) -> pl.DataFrame:
    return full().filter(pl.col("session").is_between(first, last))


def wrong() -> pl.DataFrame:
    """The session's delivery with the prices of one share ten times too high."""
    is_it = pl.col("symbol") == WHO
    prices = ("open", "high", "low", "close")
    return told(BAD, BAD).with_columns(
        pl.when(is_it).then(pl.col(name) * 10).otherwise(name).alias(name) for name in prices
    )


def deliver(desk: Small, frame: pl.DataFrame, at: datetime, first: date, last: date) -> None:
    desk.land(made().index.filter(pl.col("session").is_between(first, last)), "index", at)
    desk.land(frame, "daily", at)
    desk.load(exchange().sessions(first, last))


def usable(desk: Small, session: date, *, as_of: datetime) -> set[str]:
    """Whose bars of a session research may use."""
    with desk.warehouse.reader() as conn:
        return set(bars.ohlcv(conn, NAMES, session, session, as_of=as_of)["symbol"])


def held(desk: Small) -> list[tuple[str, date]]:
    """What lies in quarantine, oldest first."""
    with desk.warehouse.reader() as conn:
        rows = quarantine.held_bars(
            conn, NAMES, BEGIN, LAST, as_of=decision_time(LAST) + timedelta(days=90)
        )
    return sorted(rows.select("symbol", "session").rows())


def counted(desk: Small) -> tuple[int, int, int]:
    with desk.warehouse.reader() as conn:
        found = [
            conn.execute(f"select count(*) from {table}").fetchone()
            for table in ("market.daily_bars", "quality.quarantine", "quality.findings")
        ]
    daily, quarantined, findings = (row[0] if row else -1 for row in found)
    return daily, quarantined, findings


def test_a_held_row_through_the_deliveries_that_follow(desk: Small) -> None:
    # The wrong row alone is held.
    assert held(desk) == [(WHO, BAD)]
    assert usable(desk, BAD, as_of=decision_time(BAD)) == set(NAMES) - {WHO}

    # The same delivery again leaves it held and adds nothing.
    before = counted(desk)
    deliver(desk, wrong(), exchange().close(BAD) + timedelta(hours=1), BAD, BAD)
    assert counted(desk) == before
    assert held(desk) == [(WHO, BAD)]

    # The next day is measured by the last good row.
    deliver(desk, told(NEXT, NEXT), exchange().close(NEXT), NEXT, NEXT)
    assert usable(desk, NEXT, as_of=decision_time(NEXT)) == set(NAMES)
    assert held(desk) == [(WHO, BAD)]

    # A correction is used from its landing on, and never before.
    landed = exchange().close(NEXT) + timedelta(hours=2)
    deliver(desk, told(BAD, BAD), landed, BAD, BAD)
    assert usable(desk, BAD, as_of=landed) == set(NAMES)
    assert usable(desk, BAD, as_of=landed - timedelta(seconds=1)) == set(NAMES) - {WHO}
    with desk.warehouse.reader() as conn:
        (row,) = bars.ohlcv(conn, [WHO], BAD, BAD, as_of=landed).to_dicts()
    assert row["close"] == told(BAD, BAD).filter(symbol=WHO)["close"][0]
    assert row["known_at"] == landed

    # A vendor sends the old file once more: its value is refused, and the share stands still.
    again = exchange().close(NEXT) + timedelta(hours=5)
    deliver(desk, wrong(), again, BAD, BAD)
    assert usable(desk, BAD, as_of=again) == set(NAMES) - {WHO}
    assert usable(desk, BAD, as_of=again - timedelta(seconds=1)) == set(NAMES)
