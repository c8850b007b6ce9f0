"""The exchange's hours are those of the package that knows them, asked for or kept."""

from pathlib import Path

import exchange_calendars
import numpy as np
import pytest

from adapters.market_data import schedule as schedules
from adapters.market_data.schedule import FIRST_DAY, schedule


def test_what_is_kept_is_what_the_package_says() -> None:
    schedule.cache_clear()
    schedule()
    schedule.cache_clear()

    told = schedule()  # from the file the first call left

    known = exchange_calendars.get_calendar(
        "XNYS", start=FIRST_DAY.isoformat(), end=str(told.sessions[-1])
    )
    np.testing.assert_array_equal(told.sessions, known.sessions.to_numpy())
    opens, closes = (known.schedule[c].dt.tz_convert(None).to_numpy() for c in ("open", "close"))
    np.testing.assert_array_equal(told.opens, opens)
    np.testing.assert_array_equal(told.closes, closes)
    np.testing.assert_array_equal(told.sessions[told.early], known.early_closes.to_numpy())


@pytest.mark.parametrize("spoiled", [b"", b"\x93NUMPY\x01\x00", b"half a file"])
def test_a_file_that_is_not_whole_is_asked_for_anew(tmp_path: Path, spoiled: bytes) -> None:
    kept = tmp_path / "XNYS-1-2030-01-01.npy"
    kept.write_bytes(spoiled)

    assert schedules.read(kept) is None


def test_a_newer_day_replaces_the_older_and_another_exchange_stays(tmp_path: Path) -> None:
    rows = np.zeros(1, dtype=schedules.ROW)
    older, newer = tmp_path / "XNYS-1-2030-01-01.npy", tmp_path / "XNYS-1-2030-01-02.npy"
    other = tmp_path / "XLON-1-2030-01-01.npy"
    for place in (older, other, newer):
        schedules.keep(place, rows)

    assert sorted(p.name for p in tmp_path.iterdir()) == [other.name, newer.name]
    assert schedules.read(newer) == rows


def test_where_nothing_can_be_written_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    schedules.keep(tmp_path / "file" / "XNYS-1-2030-01-01.npy", np.zeros(1, dtype=schedules.ROW))

    assert [place.name for place in tmp_path.iterdir()] == ["file"]
