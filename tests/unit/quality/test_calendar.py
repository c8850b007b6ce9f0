from datetime import UTC, date, datetime

import pytest

from quality.calendar import OutsideCalendarError, exchange


def test_sessions_leave_out_weekends_holidays_and_closures() -> None:
    calendar = exchange()

    assert calendar.sessions(date(2012, 6, 29), date(2012, 7, 5)) == (
        date(2012, 6, 29), date(2012, 7, 2), date(2012, 7, 3), date(2012, 7, 5),
    )  # fmt: skip
    assert calendar.next(date(2001, 9, 10)) == date(2001, 9, 17)
    assert calendar.previous(date(2012, 10, 31)) == date(2012, 10, 26)


def test_closing_hours_know_half_days_and_summer_time() -> None:
    calendar = exchange()

    assert calendar.close(date(2012, 7, 2)) == datetime(2012, 7, 2, 20, 0, tzinfo=UTC)
    assert calendar.close(date(2012, 7, 3)) == datetime(2012, 7, 3, 17, 0, tzinfo=UTC)
    assert calendar.close(date(2012, 12, 17)) == datetime(2012, 12, 17, 21, 0, tzinfo=UTC)
    assert calendar.is_early_close(date(2012, 7, 3))
    assert calendar.minutes(date(2012, 7, 3)) == 210


def test_the_last_closed_session_changes_at_the_close() -> None:
    calendar = exchange()

    assert calendar.last_closed(datetime(2012, 7, 2, 19, 59, tzinfo=UTC)) == date(2012, 6, 29)
    assert calendar.last_closed(datetime(2012, 7, 2, 20, 0, tzinfo=UTC)) == date(2012, 7, 2)


def test_a_day_that_is_no_session_has_no_close() -> None:
    with pytest.raises(OutsideCalendarError, match="2012-07-04 is no session"):
        exchange().close(date(2012, 7, 4))


def test_decades_of_a_vendors_file_are_sessions() -> None:
    assert exchange().is_session(date(1987, 10, 19))
    assert exchange().is_session(date(1962, 5, 28))
    assert not exchange().is_session(date(1963, 11, 25))  # the funeral of the president
