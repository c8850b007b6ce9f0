"""The calendar of earnings reports that a person keeps."""

from datetime import date
from pathlib import Path

import pytest

from adapters.market_data.earnings import calendar
from adapters.market_data.errors import UnusableCalendarError


def test_days_are_told_by_symbol_in_order(tmp_path: Path) -> None:
    file = tmp_path / "earnings.csv"
    file.write_text(
        "symbol,date,hour\nIBM,2012-10-16,after\nIBM,2012-07-18,after\nAAPL,2012-07-24,\n"
    )

    assert calendar(file) == {
        "IBM": (date(2012, 7, 18), date(2012, 10, 16)),
        "AAPL": (date(2012, 7, 24),),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol,when\nIBM,2012-07-18\n", "lacks date"),
        ("symbol,date\nIBM,2012-07-18\nIBM,18.07.2012\n", "Line 3 .* '18.07.2012'"),
        ("", "cannot be read"),
    ],
)
def test_a_calendar_that_is_none_is_refused_by_name_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "earnings.csv"
    file.write_text(text)

    with pytest.raises(UnusableCalendarError, match=told):
        calendar(file)


def test_a_missing_calendar_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableCalendarError, match=r"none\.csv cannot be read"):
        calendar(tmp_path / "none.csv")
