from datetime import UTC, date, datetime, timedelta
from itertools import count

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.integration.warehouse.rows import (
    DAY,
    LONG_AFTER,
    act,
    append,
    bar,
    closes,
    closing,
    dividend,
    index_bars,
    judge,
    series,
    split,
)
from warehouse import Warehouse, adjustment, late, pages, prices, restated
from warehouse.versions import Appended

NEXT, THIRD = DAY + timedelta(days=1), DAY + timedelta(days=2)
LATER = datetime(2012, 8, 1, tzinfo=UTC)


def test_the_same_bars_again_change_nothing(warehouse: Warehouse) -> None:
    assert append(warehouse, bar("A"), bar("B")) == Appended(new=2)
    before = warehouse.snapshot()

    assert append(warehouse, bar("B"), bar("A"), bar("A")) == Appended(unchanged=3)

    assert closes(warehouse) == [10.0]
    assert warehouse.snapshot() >= before


def test_a_different_value_is_a_restatement_that_leaves_the_past_alone(
    warehouse: Warehouse,
) -> None:
    append(warehouse, bar(close=10.0))

    assert append(warehouse, bar(close=11.0), learned_at=LATER) == Appended(restated=1)

    assert closes(warehouse) == [11.0]
    assert closes(warehouse, as_of=LATER) == [11.0]
    assert closes(warehouse, as_of=LATER - timedelta(microseconds=1)) == [10.0]
    with warehouse.reader() as conn:
        told = prices.history(conn, "A", DAY)
    assert told["close"].to_list() == [10.0, 11.0]
    assert told["assumed"].to_list() == [True, False]


def test_the_newest_restatement_stands_beside_what_it_replaced(warehouse: Warehouse) -> None:
    append(warehouse, bar(close=10.0), bar("B"), bar("C", assumed=False))
    append(warehouse, bar(close=11.0), learned_at=LATER)
    append(warehouse, bar(close=12.0), learned_at=LATER + timedelta(days=1))

    with warehouse.reader() as conn:
        told = restated.latest(conn)

    assert told.select("symbol", "close_before", "close").rows() == [
        ("A", 11.0, 12.0),
        ("A", 10.0, 11.0),
    ]


def test_a_restatement_again_changes_nothing(warehouse: Warehouse) -> None:
    append(warehouse, bar(close=10.0))
    append(warehouse, bar(close=11.0), learned_at=LATER)

    assert append(warehouse, bar(close=11.0), learned_at=LATER) == Appended(unchanged=1)
    assert append(warehouse, bar(close=11.0)) == Appended(unchanged=1)
    assert append(warehouse, bar(close=10.0), learned_at=LATER - timedelta(days=1)) == Appended(
        unchanged=1
    )


def test_a_value_that_comes_back_is_a_restatement_too(warehouse: Warehouse) -> None:
    append(warehouse, bar(close=10.0))
    append(warehouse, bar(close=11.0), learned_at=LATER)

    again = append(warehouse, bar(close=10.0), learned_at=LATER + timedelta(days=1))

    assert again == Appended(restated=1)
    assert closes(warehouse) == [10.0]


def test_a_correction_while_the_clock_stands_at_the_close_follows_the_first_value(
    warehouse: Warehouse,
) -> None:
    append(warehouse, bar(close=10.0))
    held = closing(DAY) - timedelta(minutes=15)

    assert append(warehouse, bar(close=11.0), learned_at=held) == Appended(restated=1)
    assert append(warehouse, bar(close=11.0), learned_at=held) == Appended(unchanged=1)

    assert closes(warehouse, as_of=closing(DAY)) == [10.0]
    assert closes(warehouse) == [11.0]


def test_a_restatement_without_a_time_is_refused_and_writes_nothing(warehouse: Warehouse) -> None:
    append(warehouse, bar(close=10.0))

    with pytest.raises(ValueError, match="Pass `learned_at`"):
        append(warehouse, bar(close=11.0), bar("B"))

    assert closes(warehouse) == [10.0]
    assert closes(warehouse, "B") == []


def test_rows_that_contradict_each_other_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match=r"must not contradict each other: A, 2012-07-02"):
        append(warehouse, bar(close=10.0), bar(close=11.0))


def test_only_judged_rows_reach_research(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [10.0, 11.0, 12.0]))
    judge(warehouse, "A", DAY, "passed")
    judge(warehouse, "A", NEXT, "held")

    assert closes(warehouse, judged=True) == [10.0]
    judge(warehouse, "A", NEXT, "released", known_at=LATER)
    assert closes(warehouse, judged=True) == [10.0, 11.0]
    assert closes(warehouse, judged=True, as_of=LATER - timedelta(seconds=1)) == [10.0]


def test_a_split_leaves_the_adjusted_series_continuous(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 102.0, 51.0, 52.0]))
    act(warehouse, split("A", THIRD, 2.0))

    with warehouse.reader() as conn:
        found = prices.adjusted_closes(
            conn, ["A"], DAY, DAY + timedelta(days=3), as_of=LONG_AFTER, judged=False
        )

    assert found["adjusted_close"].to_list() == [50.0, 51.0, 51.0, 52.0]
    assert found["close"].to_list() == [100.0, 102.0, 51.0, 52.0]


def test_prices_are_on_the_basis_of_the_last_session_asked_about(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 102.0, 51.0, 52.0]))
    act(warehouse, split("A", THIRD, 2.0))

    with warehouse.reader() as conn:
        before = prices.adjusted_closes(conn, ["A"], DAY, NEXT, as_of=LONG_AFTER, judged=False)
        after = prices.adjusted_closes(
            conn, ["A"], DAY, NEXT, as_of=LONG_AFTER, basis=THIRD, judged=False
        )

    assert before["adjusted_close"].to_list() == [100.0, 102.0]
    assert after["adjusted_close"].to_list() == [50.0, 51.0]


def test_a_dividend_is_reinvested_at_the_close_before_it(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 98.0]))
    act(warehouse, dividend("A", NEXT, 4.0))

    with warehouse.reader() as conn:
        found = prices.adjusted_closes(conn, ["A"], DAY, NEXT, as_of=LONG_AFTER, judged=False)

    # Whoever held one share at 100 has 98 and 4 * (1 / 96) shares' worth: 100 * 96 / 100 = 96.
    assert found["adjusted_close"].to_list() == pytest.approx([96.0, 98.0])
    assert found["split_adjusted_close"].to_list() == [100.0, 98.0]


@pytest.mark.parametrize("begins", range(6))
def test_a_span_that_begins_later_has_the_same_adjusted_closes(
    warehouse: Warehouse, begins: int
) -> None:
    whole = series("A", [100.0, 98.0, 97.0, 48.0, 47.0, 49.0])
    day = [DAY + timedelta(days=n) for n in range(6)]
    append(warehouse, *whole[:2], *whole[3:], *series("B", [20.0] * 6))
    # The last close before the dividend of the fourth day is that of the second.
    act(warehouse, dividend("A", day[1], 2.0), split("A", day[3], 2.0), dividend("A", day[3], 1.0))
    act(warehouse, dividend("A", day[5], 0.5))

    def adjusted(first: date, basis: date | None) -> pl.DataFrame:
        with warehouse.reader() as conn:
            return prices.adjusted_closes(
                conn, ["A", "B"], first, day[5], as_of=LONG_AFTER, basis=basis, judged=False
            )

    for basis in (None, day[0], day[4]):
        whole_span = adjusted(DAY, basis)
        at_basis = whole_span.filter(session=basis or day[5])
        assert (at_basis["adjusted_close"] == at_basis["close"]).all()
        expected = whole_span.filter(pl.col("session") >= day[begins])
        assert_frame_equal(adjusted(day[begins], basis), expected, rel_tol=1e-14)


def test_a_split_and_a_dividend_of_one_day_are_per_new_share(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 48.0]))
    act(warehouse, split("A", NEXT, 2.0), dividend("A", NEXT, 2.0))

    with warehouse.reader() as conn:
        found = prices.adjusted_closes(conn, ["A"], DAY, NEXT, as_of=LONG_AFTER, judged=False)

    # 100 before is 50 a new share, less the dividend of 2: 48.
    assert found["adjusted_close"].to_list() == pytest.approx([48.0, 48.0])


def test_an_action_learned_later_does_not_change_what_was_known(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 102.0, 51.0]))
    act(warehouse, split("A", THIRD, 2.0, known_at=LATER))

    with warehouse.reader() as conn:
        then = prices.adjusted_closes(conn, ["A"], DAY, THIRD, as_of=closing(THIRD), judged=False)

    assert then["adjusted_close"].to_list() == [100.0, 102.0, 51.0]


def test_a_cancelled_dividend_no_longer_counts(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 98.0]))
    act(warehouse, dividend("A", NEXT, 4.0))
    act(warehouse, dividend("A", NEXT, 0.0, known_at=LATER))

    with warehouse.reader() as conn:
        found = prices.adjusted_closes(conn, ["A"], DAY, NEXT, as_of=LONG_AFTER, judged=False)

    assert found["adjusted_close"].to_list() == [100.0, 98.0]


def test_a_dividend_above_the_price_parts_its_own_symbol_and_no_other(
    warehouse: Warehouse,
) -> None:
    append(warehouse, *series("A", [10.0, 9.0, 8.0]), *series("B", [100.0, 96.0, 97.0]))
    act(warehouse, dividend("A", NEXT, 400.0), dividend("B", NEXT, 4.0))
    act(warehouse, dividend("A", THIRD, 1.0))

    with warehouse.reader() as conn:
        panel = prices.panel(conn, ["A", "B"], DAY, THIRD, as_of=LONG_AFTER, judged=False)

    assert panel.symbols == ("A", "B")
    assert panel.close.tolist() == [9.0, 8.0, 100.0, 96.0, 97.0]
    # The last dividend of A is 1 of 9 USD, as if the one before had never been told.
    assert panel.return_factor.tolist() == pytest.approx([1, 9 / 8, 1, 100 / 96, 100 / 96])


@pytest.mark.parametrize(("basis", "sides"), [(DAY, [10.0]), (NEXT, [8.0, 8.0])])
def test_only_closes_on_the_side_of_the_basis_are_adjusted(
    warehouse: Warehouse, basis: date, sides: list[float]
) -> None:
    append(warehouse, *series("A", [10.0, 8.0, 8.0]))
    act(warehouse, dividend("A", NEXT, 10.0))  # all of the price: as little to be believed as more

    with warehouse.reader() as conn:
        found = prices.adjusted_closes(
            conn, ["A"], DAY, THIRD, as_of=LONG_AFTER, basis=basis, judged=False
        )

    assert found["adjusted_close"].to_list() == sides


def test_an_unpayable_dividend_is_told_until_it_is_corrected(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [10.0, 9.0]), *series("B", [10.0, 9.0]))
    for symbol in "AB":
        judge(warehouse, symbol, DAY, "passed")
        judge(warehouse, symbol, NEXT, "passed")
    act(warehouse, dividend("A", NEXT, 400.0), dividend("B", NEXT, 1.0))
    act(warehouse, dividend("A", NEXT, 0.4, known_at=LATER))

    def told(as_of: datetime) -> tuple[list[tuple[object, ...]], int]:
        with warehouse.reader() as conn:
            found = adjustment.unpayable(conn, ["A", "B"], NEXT, THIRD, as_of=as_of)
            adjusted = prices.adjusted_closes(conn, ["A"], DAY, NEXT, as_of=as_of)
        return found.select("symbol", "ex_date", "amount", "price").rows(), adjusted.height

    assert told(LATER - timedelta(seconds=1)) == ([("A", NEXT, 400.0, 10.0)], 1)
    assert told(LATER) == ([], 2)


def test_a_panel_is_symbol_major_with_forward_factors(warehouse: Warehouse) -> None:
    append(warehouse, *series("B", [100.0, 50.0, 49.0]), *series("A", [20.0, 21.0]))
    act(warehouse, split("B", NEXT, 2.0), dividend("B", THIRD, 5.0))
    index_bars(warehouse, [1000.0, 1010.0, 1020.0])

    with warehouse.reader() as conn:
        panel = prices.panel(conn, ["B", "A", "NONE"], DAY, THIRD, as_of=LONG_AFTER, judged=False)

    assert panel.symbols == ("A", "B")
    assert panel.offsets.tolist() == [0, 2, 5]
    assert panel.close.tolist() == [20.0, 21.0, 100.0, 50.0, 49.0]
    assert panel.split_factor.tolist() == [1.0, 1.0, 1.0, 2.0, 2.0]
    assert panel.return_factor.tolist() == pytest.approx([1, 1, 1, 2, 2 * 50 / 45])
    assert panel.index_close.tolist() == [1000.0, 1010.0, 1020.0]
    assert panel.sessions[0] == (DAY - date(1970, 1, 1)).days


def test_a_panel_that_begins_later_has_the_same_factors_to_the_bit(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [100.0, 50.0, 49.0, 48.0, 47.0]))
    act(warehouse, split("A", NEXT, 2.0), dividend("A", THIRD, 0.37))

    with warehouse.reader() as conn:
        last = DAY + timedelta(days=4)
        whole = prices.panel(conn, ["A"], DAY, last, as_of=LONG_AFTER, judged=False)
        part = prices.panel(
            conn, ["A"], DAY + timedelta(days=3), last, as_of=LONG_AFTER, judged=False
        )

    assert np.array_equal(whole.return_factor[-2:], part.return_factor)
    assert np.array_equal(whole.split_factor[-2:], part.split_factor)


def test_minutes_are_kept_once_and_read_as_known(warehouse: Warehouse) -> None:
    start = datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
    row = bar(known_at=start + timedelta(minutes=1)) | {"bar_start": start, "healed": False}
    rows = pl.DataFrame([row | {"symbol": s} for s in "AB"]).drop("object_key", "assumed")

    for expected in (Appended(new=2), Appended(unchanged=2)):
        with warehouse.writer("market.minute_bars") as conn:
            assert prices.append_minutes(conn, rows) == expected

    with warehouse.reader() as conn:
        assert prices.minutes(conn, ["A"], DAY, as_of=start).is_empty()
        assert prices.minutes(conn, ["A"], DAY, as_of=LATER)["close"].to_list() == [10.0]


numbers = count()  # a symbol per example: the warehouse is the test's
deliveries = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(8, 12)), min_size=1, max_size=5
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(delivered=deliveries, actions_later=st.booleans())
@pytest.mark.long
def test_later_knowledge_changes_no_earlier_answer(
    delivered: list[tuple[int, int, int]], actions_later: bool, warehouse: Warehouse
) -> None:
    symbol, start = f"S{next(numbers)}", datetime(2012, 7, 10, tzinfo=UTC)
    append(warehouse, *series(symbol, [10.0, 10.0, 10.0]))
    answers: dict[datetime, list[float]] = {}

    # Deliveries arrive in market time; what was answered at each instant is asked again at the end.
    for offset, hours, close in sorted(delivered, key=lambda d: d[1]):
        at = start + timedelta(hours=hours)
        row = bar(symbol, DAY + timedelta(days=offset), float(close))
        answers[at - timedelta(microseconds=1)] = known(
            warehouse, symbol, at - timedelta(microseconds=1)
        )
        append(warehouse, row, learned_at=at)
    if actions_later:
        act(warehouse, split(symbol, NEXT, 2.0, known_at=start + timedelta(days=9)))
    judge(warehouse, symbol, DAY, "held", known_at=start + timedelta(days=9))

    for at, answer in answers.items():
        assert known(warehouse, symbol, at) == answer


def known(warehouse: Warehouse, symbol: str, as_of: datetime) -> list[float]:
    with warehouse.reader() as conn:
        found = prices.adjusted_closes(conn, [symbol], DAY, THIRD, as_of=as_of, judged=False)
        judged = prices.closes(conn, [symbol], DAY, THIRD, as_of=as_of)
    return [*found["adjusted_close"], float(judged.height)]


def test_only_an_action_that_was_said_otherwise_parts_a_range(warehouse: Warehouse) -> None:
    act(warehouse, dividend("A", NEXT, 1.0, known_at=closing(THIRD)))  # heard of late
    act(warehouse, dividend("B", NEXT, 1.0))

    def parted() -> list[tuple[object, ...]]:
        with warehouse.reader() as conn:
            return late.replaced(
                conn, ["A", "B"], DAY, THIRD, after=closing(DAY), as_of=LONG_AFTER, index="SPX"
            ).rows()

    assert parted() == []
    act(warehouse, dividend("B", NEXT, 1.5, known_at=LATER))
    assert parted() == [(NEXT, LATER, False)]


def test_a_chart_over_a_split_has_no_cliff(warehouse: Warehouse) -> None:
    append(warehouse, bar(close=20.0), bar(session=NEXT, close=10.5), bar(session=THIRD))
    act(warehouse, split("A", NEXT, 2.0), dividend("A", THIRD, 99.0))  # more than the price
    with warehouse.reader() as conn:
        shown = pages.closes(conn, symbol="A", last=THIRD, as_of=LATER)
        before = pages.closes(conn, symbol="A", last=DAY, as_of=LATER)
        newest = pages.closes(conn, symbol="A", last=THIRD, as_of=LATER, sessions=1)

    assert shown.rows() == [(DAY, 10.0), (NEXT, 10.5), (THIRD, 10.0)]
    assert before.rows() == [(DAY, 20.0)]
    assert newest.rows() == [(THIRD, 10.0)]
