"""What is replayed: facts anyone can look up."""

from datetime import UTC, date, datetime
from decimal import Decimal

import exchange_calendars

from venue.sample import sample
from venue.sessions import exchange_calendar


def test_the_sample_spans_what_its_source_says() -> None:
    bars = sample().bars
    assert (sample().first_session, sample().last_session) == (date(2000, 3, 1), date(2013, 3, 1))
    assert len(bars["FB"]) == 196
    assert next(iter(bars["FB"])) == date(2012, 5, 18)  # its first day of trading
    assert bars["AAPL"][date(2005, 2, 28)].close == 44.86  # unadjusted, the day of its split


def test_dividends_are_those_the_companies_paid() -> None:
    paid = {(a.symbol, str(a.ex_date)): a.value for a in sample().actions if a.kind == "dividend"}
    assert paid["MSFT", "2003-02-19"] == Decimal("0.08")  # its first
    assert paid["MSFT", "2004-11-15"] == Decimal("3.08")  # 3.00 special and 0.08
    assert paid["AAPL", "2012-08-09"] == Decimal("2.65")  # its first since 1995
    assert paid["IBM", "2012-08-08"] == Decimal("0.85")
    assert not any(symbol in {"GOOG", "FB"} for symbol, _ in paid)


def test_splits_are_recorded() -> None:
    splits = [(a.symbol, str(a.ex_date), a.value) for a in sample().actions if a.kind == "split"]
    assert splits == [
        ("AAPL", "2000-06-21", 2), ("MSFT", "2003-02-18", 2), ("AAPL", "2005-02-28", 2)
    ]  # fmt: skip


def test_sessions_are_those_of_the_exchange() -> None:
    independent = exchange_calendars.get_calendar("XNYS", start="1999-01-01", end="2014-12-31")
    ours = exchange_calendar().sessions
    assert [s.date for s in ours] == [d.date() for d in independent.schedule.index]
    for name in ("open", "close"):
        theirs = [at.to_pydatetime() for at in independent.schedule[name]]
        assert [getattr(s, name) for s in ours] == theirs


def test_half_days_and_hurricane_sandy() -> None:
    half_day = exchange_calendar().on(date(2012, 7, 3))
    assert half_day is not None
    assert (half_day.close, half_day.minutes) == (datetime(2012, 7, 3, 17, tzinfo=UTC), 210)
    assert exchange_calendar().on(date(2012, 10, 29)) is None
    assert exchange_calendar().on(date(2012, 10, 30)) is None
    assert exchange_calendar().opening_after(datetime(2012, 10, 27, tzinfo=UTC)).date == date(
        2012, 10, 31
    )


def test_an_instant_finds_its_session() -> None:
    calendar = exchange_calendar()
    opens, closes = datetime(2012, 7, 2, 13, 30, tzinfo=UTC), datetime(2012, 7, 2, 20, tzinfo=UTC)
    assert calendar.is_open(opens)
    assert not calendar.is_open(closes)
    assert calendar.latest(closes).date == date(2012, 7, 2)
    assert calendar.closing_after(closes).date == date(2012, 7, 3)
    assert exchange_calendar().opening_after(opens).date == date(2012, 7, 3)
    assert calendar.before(date(2012, 7, 5)).date == date(2012, 7, 3)
    assert calendar.shifted(date(2012, 7, 2), 3) == date(2012, 7, 6)
