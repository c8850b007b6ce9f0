"""Minute bars in the warehouse: what is regular, what was known when, updates as restatements."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from quality.calendar import exchange
from tests.unit.worker.desks import CLOSE, OPEN, SESSION
from tests.unit.worker.minutes import MINUTE, at, bar, update
from warehouse import Warehouse, bars, minutes
from warehouse.versions import Appended
from worker.storing import Storer, write_minutes
from worker.tape import Origin, Tape, rows

VENUE = Origin("venue", "iex", simulated=True)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def known(warehouse: Warehouse, *, as_of: datetime) -> pl.DataFrame:
    calendar = exchange()
    with warehouse.reader() as conn:
        return minutes.marked(
            conn, ["A"], SESSION, opens=calendar.open(SESSION), closes=calendar.close(SESSION),
            as_of=as_of,
        )  # fmt: skip


def test_extended_hours_of_a_half_day_are_marked(warehouse: Warehouse) -> None:
    tape = Tape()
    for minute in (-1, 0, 209, 210):  # it closed at 13:00, after 210 minutes
        tape.hear(bar("A", minute))
    write_minutes(warehouse, rows(tape.take(), VENUE))

    found = known(warehouse, as_of=LATER)

    assert found["minute"].to_list() == [-1, 0, 209, 210]
    assert found["regular"].to_list() == [False, True, True, False]
    assert (at(0), at(210)) == (OPEN, CLOSE)


def test_an_update_restates_the_bar_and_the_past_keeps_what_was_known(
    warehouse: Warehouse,
) -> None:
    tape = Tape()
    storer = Storer(tape, warehouse, VENUE)
    tape.hear(bar("A", 0, close=10.0))
    storer.store()
    tape.hear(bar("A", 1))
    tape.hear(update(bar("A", 0), 11.0, trades=12))
    storer.store()

    assert storer.restated == 1
    # Told after the bar of minute 1, so known from the end of that minute.
    assert known(warehouse, as_of=at(2) - timedelta(seconds=1))["close"].to_list() == [10.0]
    assert known(warehouse, as_of=at(2) + MINUTE)["close"].to_list() == [11.0, 10.0]


def test_what_is_told_again_or_asked_for_again_adds_no_row(warehouse: Warehouse) -> None:
    one = bar("A", 0)
    tape = Tape()
    for _ in range(2):
        tape.hear(one)
    told = rows(tape.take(), VENUE)
    asked = (
        told.head(1)
        .drop("learned_at")
        .with_columns(healed=pl.lit(value=True), known_at=pl.lit(at(9)))
    )

    assert write_minutes(warehouse, told) == Appended(new=1, unchanged=1)
    assert write_minutes(warehouse, told) == Appended(unchanged=2)
    assert write_minutes(warehouse, asked, learned_at=at(9)) == Appended(unchanged=1)
    assert known(warehouse, as_of=LATER)["healed"].to_list() == [False]


def test_two_values_of_one_minute_in_one_batch_are_kept_in_their_order(
    warehouse: Warehouse,
) -> None:
    tape = Tape()
    one = bar("A", 0)
    for told in (one, update(one, 11.0, trades=12), update(one, 12.0, trades=14)):
        tape.hear(told)
    tape.hear(replace(one, close=9.0, low=9.0))  # the first again, garbled: its update stands
    write_minutes(warehouse, rows(tape.take(), VENUE))

    with warehouse.reader() as conn:
        held = conn.execute("select close from market.minute_bars order by known_at").fetchall()
        newest = bars.minutes(conn, ["A"], SESSION, as_of=LATER)["close"].to_list()
    assert [row[0] for row in held] == [10.0, 11.0, 12.0]
    assert newest == [12.0]
