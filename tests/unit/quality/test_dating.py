"""Rows under another date: caught in short files of few symbols, and what only looks like it."""

from datetime import date, timedelta

import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Severity
from tests.unit.quality.market import rows, sample, splits

FIRST, LAST = date(2011, 1, 3), date(2011, 12, 30)
DATING = {"dates_are_in_step", "rows_are_in_order"}
VALUES = ("open", "high", "low", "close", "volume")


def errors(frame: pl.DataFrame) -> set[tuple[str, date, str]]:
    found = judge_daily(frame, calendar=exchange(), actions=splits(), whole_file=True).findings
    return {(f.symbol, f.session, f.rule) for f in found if f.severity is Severity.ERROR}


def told(frame: pl.DataFrame, rule: str) -> set[date]:
    return {day for _, day, found in errors(frame) if found == rule}


def a_session_late(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    """Rows `first` to `last` dated a session later; the bar whose place they take is lost."""
    moved = frame.slice(first, last - first + 1).with_columns(
        frame["session"].slice(first + 1, last - first + 1).alias("session")
    )
    return pl.concat([frame.head(first), moved, frame.slice(last + 2)])


@pytest.mark.parametrize("other", ["GOOG", "MSFT"])
def test_of_two_symbols_the_one_with_the_hole_is_a_session_late(other: str) -> None:
    frame = rows("AAPL", FIRST, LAST)
    late = a_session_late(frame, 60, 200)

    found = errors(pl.concat([late, rows(other, FIRST, LAST)]))

    apart = {day for symbol, day, rule in found if rule == "dates_are_in_step"}
    assert {symbol for symbol, _, rule in found if rule == "dates_are_in_step"} == {"AAPL"}
    assert len(apart & set(late["session"].slice(60, 141))) > 0.9 * 141
    assert len(apart - set(late["session"].slice(60, 141))) <= 10


def test_a_hole_alone_does_not_put_a_symbol_out_of_step() -> None:
    frame = rows("AAPL", FIRST, LAST)
    for hole in (20, 60, 120, 180, 230):
        frame = pl.concat([frame.head(hole), frame.slice(hole + 1)])

    found = errors(pl.concat([frame, rows("GOOG", FIRST, LAST), rows("IBM", FIRST, LAST)]))

    assert {rule for _, _, rule in found} == {"bar_arrived"}


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_two_months_in_reverse_are_out_of_order(symbol: str) -> None:
    frame = rows(symbol, FIRST, LAST)
    middle = frame.slice(100, 40)
    mixed = middle.with_columns(middle[name].reverse() for name in VALUES)

    out = told(pl.concat([frame.head(100), mixed, frame.slice(140)]), "rows_are_in_order")

    assert len(out & set(middle["session"])) >= 38
    assert len(out - set(middle["session"])) <= 5


def test_a_file_of_one_year_in_reverse_is_out_of_order() -> None:
    frame = rows("IBM", FIRST, LAST)

    out = told(frame.with_columns(frame[name].reverse() for name in VALUES), "rows_are_in_order")

    assert len(out) > 0.9 * frame.height


@pytest.mark.parametrize("symbol", ["AAPL", "GOOG", "IBM", "MSFT"])
@pytest.mark.parametrize("first", [date(2001, 9, 4), date(2008, 9, 2), date(2011, 7, 1)])
def test_a_crash_is_neither_out_of_order_nor_out_of_step(symbol: str, first: date) -> None:
    storm = sample().filter(
        pl.col("session").is_between(first - timedelta(days=30), first + timedelta(days=90))
    )

    assert {rule for _, _, rule in errors(storm)} & DATING == set()
    alone = storm.filter(symbol=symbol)  # one of them was not listed yet in the first
    assert alone.is_empty() or {rule for _, _, rule in errors(alone)} & DATING == set()


def test_rows_dated_a_calendar_day_late_are_out_of_step_beside_the_saturdays() -> None:
    frame = rows("MSFT", date(2011, 1, 3), date(2011, 6, 30))
    late = frame.slice(30, 40).with_columns(pl.col("session") + timedelta(days=1))
    file = pl.concat([frame.head(30), late, frame.slice(71)])  # the bar in their way is lost

    found = {day for _, day, rule in errors(file) if rule != "bar_arrived"}

    assert len(found & set(late["session"])) >= 36
    assert found <= set(late["session"])


def test_a_file_dated_by_midnight_in_another_zone_is_wrong_in_every_row() -> None:
    frame = rows("IBM", date(2011, 1, 3), date(2011, 6, 30))
    early = frame.with_columns(pl.col("session") - timedelta(days=1))

    found = {day for _, day, rule in errors(early) if rule != "bar_arrived"}

    assert len(found) > 0.95 * early.height


def test_one_hole_and_one_saturday_condemn_no_week() -> None:
    frame = rows("IBM", FIRST, LAST)
    monday = frame["session"].dt.weekday().eq(1).arg_true()[20]
    friday = frame.row(monday + 4, named=True)
    stray = frame.slice(monday + 4, 1).with_columns(pl.col("session") + timedelta(days=1))
    file = pl.concat([frame.head(monday), frame.slice(monday + 1), stray])

    found = errors(file)

    assert {rule for _, _, rule in found} & DATING == set()
    assert ("IBM", friday["session"] + timedelta(days=1), "day_is_not_a_weekend") in found


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
@pytest.mark.parametrize("first", [date(2004, 2, 2), date(2009, 3, 2)])
def test_two_months_in_no_order_are_told_of_a_file_that_has_no_more(
    symbol: str, first: date
) -> None:
    frame = rows(symbol, first, first + timedelta(days=62))
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=5)
    shuffled = mixed.with_columns(frame["session"])

    assert not errors(frame)
    assert len(told(shuffled, "rows_are_in_order")) >= 0.8 * frame.height


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_a_month_in_reverse_is_out_of_order(symbol: str) -> None:
    frame = rows(symbol, date(2012, 5, 1), date(2012, 6, 7))
    backwards = frame.reverse().with_columns(frame["session"])

    assert not errors(frame)
    assert len(told(backwards, "rows_are_in_order")) >= 0.8 * frame.height


def short(last: dict[str, date]) -> pl.DataFrame:
    return pl.concat(rows(symbol, date(2011, 3, 1), end) for symbol, end in last.items())


def test_of_a_month_the_symbol_with_a_hole_that_ends_after_all_others_is_late() -> None:
    end, beyond = date(2011, 4, 8), date(2011, 4, 11)
    others = short({"IBM": end, "MSFT": end, "GOOG": end})
    frame = rows("AAPL", date(2011, 3, 1), beyond)
    days = frame["session"]
    late = pl.concat(
        [frame.head(9), frame.slice(9, frame.height - 10).with_columns(days.slice(10))]
    )

    frame = pl.concat([late, others])

    assert {symbol for symbol, _, _ in errors(frame)} == {"AAPL"}
    assert told(frame, "dates_are_in_step") == set(days.slice(10))


def test_a_symbol_with_a_hole_whose_last_row_the_others_lack_is_not_late() -> None:
    end, beyond = date(2011, 4, 8), date(2011, 4, 11)
    others = short({"IBM": end, "MSFT": end, "GOOG": end})
    frame = rows("AAPL", date(2011, 3, 1), beyond)

    with_hole = frame.filter(pl.col("session") != frame["session"][9])

    assert told(pl.concat([with_hole, others]), "dates_are_in_step") == set()
