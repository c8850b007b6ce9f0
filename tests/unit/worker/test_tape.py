"""What the tape makes of a stream that doubles, swaps, delays and updates."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from tests.unit.worker.minutes import MINUTE, at, bar, grid, update
from worker.grid import Gap, Seen
from worker.tape import Origin, Tape, rows

VENUE = Origin("venue", "iex", simulated=True)


def told(tape: Tape) -> list[dict[str, Any]]:
    taken = rows(tape.take(), VENUE).to_dicts()
    tape.stored()
    return taken


def test_a_bar_counts_as_known_from_the_end_of_its_minute() -> None:
    tape = Tape()
    tape.hear(bar("A", 0))

    (row,) = told(tape)

    assert (row["symbol"], row["session"], row["bar_start"]) == ("A", date(2012, 7, 3), at(0))
    assert row["known_at"] == row["learned_at"] == at(1)
    assert (row["source"], row["feed"], row["simulated"], row["healed"]) == (
        "venue", "iex", True, False,
    )  # fmt: skip


def test_a_late_bar_counts_as_known_from_when_it_came() -> None:
    tape = Tape()
    for one in (bar("A", 0), bar("A", 5), bar("A", 1)):
        tape.hear(one)

    assert [row["known_at"] for row in told(tape)] == [at(1), at(6), at(6)]


def test_an_update_is_learned_later_than_the_bar_it_replaces() -> None:
    tape = Tape()
    tape.hear(bar("A", 0))
    tape.hear(update(bar("A", 0), 11.0, trades=12))

    first, second = told(tape)

    assert (first["close"], second["close"]) == (10.0, 11.0)
    assert first["learned_at"] < second["learned_at"] < at(1) + timedelta(seconds=1)


def test_a_bar_that_comes_after_its_update_is_outranked() -> None:
    tape = Tape()
    tape.hear(update(bar("A", 0), 11.0, trades=12))
    tape.hear(bar("A", 0))

    assert [row["close"] for row in told(tape)] == [11.0]
    assert tape.tally.outranked == 1


def test_of_two_updates_the_one_with_fewer_trades_is_outranked() -> None:
    tape = Tape()
    for trades, close in ((12, 11.0), (15, 12.0), (13, 9.0)):
        tape.hear(update(bar("A", 0), close, trades=trades))

    assert [row["close"] for row in told(tape)] == [11.0, 12.0]


def test_a_late_bar_of_a_minute_that_was_asked_for_is_outranked() -> None:
    tape = Tape()
    watched = grid("A")
    watched.mark("A", at(0), Seen.HEALED)
    tape.watch(watched)

    tape.hear(bar("A", 0))
    tape.hear(update(bar("A", 0), 11.0, trades=12))

    # An update is news even then.
    assert [row["close"] for row in told(tape)] == [11.0]


def test_what_could_not_be_stored_waits_on_in_its_order() -> None:
    tape = Tape()
    for minute in range(2):
        tape.hear(bar("A", minute))
    tape.take()
    tape.hear(bar("A", 2))
    assert tape.waiting == 3

    tape.put_back()

    assert [row["bar_start"] for row in told(tape)] == [at(0), at(1), at(2)]
    assert tape.waiting == 0


def test_what_finds_no_room_is_missing_and_will_be_asked_for() -> None:
    tape = Tape(most_waiting=3)
    tape.watch(grid("A"))
    for minute in range(5):
        tape.hear(bar("A", minute))

    assert tape.gaps(5) == [Gap("A", 0, 1)]
    assert tape.tally.dropped == 2
    assert [row["bar_start"] for row in told(tape)] == [at(2), at(3), at(4)]


def test_a_new_session_knows_what_waits_and_what_is_being_stored() -> None:
    tape = Tape()
    tape.hear(bar("A", 0))
    tape.take()
    tape.hear(bar("A", 1))

    tape.watch(grid("A"))

    assert tape.gaps(3) == [Gap("A", 2, 2)]


def test_a_stamp_of_another_day_does_not_move_the_time() -> None:
    tape = Tape()
    tape.watch(grid("A"))
    tape.hear(bar("A", 0))
    tape.hear(replace(bar("A", 1), start=at(1) + timedelta(days=400)))

    assert tape.newest == at(1)


def test_no_minute_is_learned_twice_at_one_time() -> None:
    tape = Tape()
    one = bar("A", 0)
    for close in (10.0, 11.0, 12.0):
        tape.hear(replace(one, close=close, high=12.0))

    learned = [row["learned_at"] for row in told(tape)]

    assert learned == sorted(set(learned))


def test_the_clock_of_the_stream_is_the_end_of_the_newest_bar() -> None:
    tape = Tape()
    assert tape.newest is None

    for minute in (3, 1):
        tape.hear(bar("A", minute))

    newest: datetime | None = tape.newest
    assert newest == at(3) + MINUTE
