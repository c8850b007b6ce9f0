"""The calendar of earnings reports that a person keeps, and what was known of it when."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.market_data.earnings import Calendar, calendar
from adapters.market_data.errors import UnusableTableError
from adapters.object_store import FolderStore

FOUND = datetime(2012, 7, 2, 20, tzinfo=UTC)
LATER = datetime(2012, 7, 10, 20, tzinfo=UTC)
AFTER_ALL = datetime(2013, 1, 1, tzinfo=UTC)
IBM_ONLY = "symbol,date\nIBM,2012-07-18\n"


def kept(home: Path, text: str, *, at: datetime = FOUND) -> Calendar:
    """The desk finds the file with this text."""
    file = home / "earnings.csv"
    file.write_text(text)
    return calendar(FolderStore(home / "lake"), file, market_at=at)


def known(found: Calendar, at: datetime) -> dict[str, tuple[date, ...]]:
    return dict(found.known(as_of=at, found_before=at))


def test_days_are_told_by_symbol_in_order(tmp_path: Path) -> None:
    text = "symbol,date,hour\nIBM,2012-10-16,after\nIBM,2012-07-18,after\nAAPL,2012-07-24,\n"

    assert known(kept(tmp_path, text), AFTER_ALL) == {
        "IBM": (date(2012, 7, 18), date(2012, 10, 16)),
        "AAPL": (date(2012, 7, 24),),
    }


def test_rows_without_a_date_of_knowledge_are_known_once_the_desk_found_them(
    tmp_path: Path,
) -> None:
    found = kept(tmp_path, IBM_ONLY)

    assert known(found, FOUND) == {}
    assert set(known(found, LATER)) == {"IBM"}


def test_a_report_that_moves_later_was_expected_on_its_old_day_before(tmp_path: Path) -> None:
    kept(tmp_path, IBM_ONLY)
    found = kept(tmp_path, IBM_ONLY.replace("07-18", "07-25"), at=LATER)

    assert known(found, LATER) == {"IBM": (date(2012, 7, 18),)}
    assert known(found, AFTER_ALL) == {"IBM": (date(2012, 7, 25),)}


def test_a_date_of_knowledge_counts_though_the_file_came_later(tmp_path: Path) -> None:
    text = "symbol,date,known_at\nIBM,2012-07-18,2012-06-20\nAAPL,2012-07-24,2012-07-05T21:00Z\n"
    found = kept(tmp_path, text, at=LATER)

    # A day alone counts from its end on: nobody can have known it sooner.
    assert known(found, datetime(2012, 6, 20, 23, 59, tzinfo=UTC)) == {}
    assert set(known(found, datetime(2012, 6, 21, tzinfo=UTC))) == {"IBM"}
    assert set(known(found, datetime(2012, 7, 5, 21, tzinfo=UTC))) == {"IBM", "AAPL"}


def test_the_same_file_found_again_is_kept_once(tmp_path: Path) -> None:
    kept(tmp_path, IBM_ONLY)
    found = kept(tmp_path, IBM_ONLY, at=LATER)

    assert [at for at, _ in found.versions] == [FOUND]


def test_two_versions_at_one_market_time_are_kept_in_the_order_they_came(tmp_path: Path) -> None:
    for day in ("18", "25", "18"):
        found = kept(tmp_path, IBM_ONLY.replace("18", day))

    assert len(found.versions) == 3
    assert known(found, LATER) == {"IBM": (date(2012, 7, 18),)}


def test_without_a_calendar_nobody_reports() -> None:
    assert known(Calendar(), AFTER_ALL) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol,when\nIBM,2012-07-18\n", "lacks date"),
        ("symbol,date\nIBM,2012-07-18\nIBM,18.07.2012\n", "Line 3 .* '18.07.2012'"),
        ("symbol,date,known_at\nIBM,2012-07-18,2012-07-01T10:00\n", "Line 2 .* time zone"),
        ("", "cannot be read"),
    ],
)
def test_a_calendar_that_is_none_is_refused_by_name_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UnusableTableError, match=told):
        kept(tmp_path, text)


def test_a_missing_calendar_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableTableError, match=r"none\.csv cannot be read"):
        calendar(FolderStore(tmp_path / "lake"), tmp_path / "none.csv", market_at=FOUND)
