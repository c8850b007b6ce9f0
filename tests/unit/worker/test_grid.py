"""Which minutes of a session are missing, and how few questions find them."""

from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.worker.desks import CLOSE, OPEN
from tests.unit.worker.minutes import at, grid
from worker.grid import Gap, Seen, Window

indices = st.sets(st.integers(0, 59))


def test_a_half_day_has_210_minutes_and_none_is_due_before_it_is_over() -> None:
    made = grid("A")

    assert made.minutes == 210
    assert made.over_by(OPEN - timedelta(hours=1)) == 0
    assert made.over_by(at(3) + timedelta(seconds=59)) == 3
    assert made.over_by(CLOSE + timedelta(days=3)) == 210


def test_gaps_are_runs_of_missing_minutes_that_are_over() -> None:
    made = grid("A", "B")
    for minute in (0, 1, 4):
        made.mark("A", at(minute), Seen.HEARD)

    assert made.gaps(7) == [Gap("A", 2, 3), Gap("A", 5, 6), Gap("B", 0, 6)]
    assert made.missing(7) == 11


def test_minutes_outside_the_session_are_not_kept() -> None:
    made = grid("A")
    for minute in (-1, 210):
        made.mark("A", at(minute), Seen.HEARD)
        assert made.seen("A", at(minute)) is None

    assert made.count(Seen.HEARD) == 0


def test_a_question_reaches_back_to_the_last_bar_known_and_serves_several_symbols() -> None:
    made = grid("A", "B", "C")
    for symbol, minutes in {"A": (0, 1), "B": (0, 1, 2), "C": range(30)}.items():
        for minute in minutes:
            made.mark(symbol, at(minute), Seen.HEARD)

    assert made.windows([Gap("A", 2, 4), Gap("B", 3, 4), Gap("C", 30, 31)]) == [
        Window(1, 4, ("A", "B")),
        Window(29, 31, ("C",)),
    ]


def test_who_never_trades_is_asked_for_beside_somebody_who_does() -> None:
    made = grid("A", "ENDED")
    for minute in range(3):
        made.mark("A", at(minute), Seen.HEARD)

    (window,) = made.windows(made.gaps(3))
    made.answer(window, ["A"] * 3, [at(minute) for minute in range(3)])

    assert window == Window(0, 2, ("ENDED", "A"))
    assert made.gaps(3) == []
    assert made.count(Seen.NO_TRADE) == 3


def test_a_minute_without_trades_is_asked_for_once() -> None:
    made = grid("A")
    made.mark("A", at(0), Seen.HEARD)
    (window,) = made.windows(made.gaps(4))

    made.answer(window, ["A", "A"], [at(0), at(2)])

    assert [made.seen("A", at(minute)) for minute in range(4)] == [
        Seen.HEARD, Seen.NO_TRADE, Seen.HEALED, Seen.NO_TRADE,
    ]  # fmt: skip
    assert made.gaps(4) == []


def test_an_answer_without_the_bar_that_is_known_teaches_nothing() -> None:
    made = grid("A", "B")
    made.mark("A", at(0), Seen.HEARD)

    made.answer(Window(0, 3, ("A", "B")), ["B"], [at(1)])

    # Of A not even the known minute came; B had one trade in four minutes.
    assert made.gaps(4) == [Gap("A", 1, 3)]


def test_an_empty_answer_teaches_nothing() -> None:
    made = grid("A")

    made.answer(Window(0, 3, ("A",)), [], [])

    assert made.gaps(4) == [Gap("A", 0, 3)]


@given(heard=st.dictionaries(st.sampled_from("ABC"), indices), traded=indices)
def test_whatever_was_heard_one_round_of_questions_closes_every_gap(
    heard: dict[str, set[int]], traded: set[int]
) -> None:
    made = grid("A", "B", "C")
    for symbol, minutes in heard.items():
        for minute in minutes:
            made.mark(symbol, at(minute), Seen.HEARD)
    bars = {(s, m) for s in "ABC" for m in traded | heard.get(s, set())}

    for window in made.windows(made.gaps(60)):
        span = range(window.first, window.last + 1)
        answer = [(s, at(m)) for s, m in sorted(bars) if s in window.symbols and m in span]
        assume(answer)  # an empty one teaches nothing
        made.answer(window, [s for s, _ in answer], [start for _, start in answer])

    assert made.gaps(60) == []
    healed = bars - {(s, m) for s, minutes in heard.items() for m in minutes}
    assert made.count(Seen.HEALED) == len(healed)
