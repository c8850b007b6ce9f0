"""A disk without room: the warehouse says so, stays as it was, and goes on when there is some."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.warehouse.rows import DAY, append, bar
from warehouse import Warehouse, migrate
from warehouse.errors import NoRoomError
from warehouse.place import Place


def count(warehouse: Warehouse) -> int:
    with warehouse.reader() as conn:
        row = conn.execute("select count(*) from market.daily_bars").fetchone()
    assert row is not None
    return int(row[0])


def fill(ballast: Path) -> None:
    """Write until there is no room."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4_096):
            pass


def test_a_full_disk_is_told_and_what_was_asked_for_is_written_later(
    small_disk: Path, postgres_dsn: str
) -> None:
    place = Place(postgres_dsn, f"{small_disk / 'warehouse'}/")
    migrate.upgrade_place(place)
    warehouse = Warehouse(place)
    rows = [bar(f"S{n}", DAY + timedelta(days=day)) for n in range(20) for day in range(20)]
    append(warehouse, bar("A"))
    fill(small_disk / "ballast")

    with pytest.raises(NoRoomError, match=r"nothing was written to market\.daily_bars.*Free some"):
        append(warehouse, *rows)

    assert count(warehouse) == 1
    (small_disk / "ballast").unlink()
    append(warehouse, *rows)
    assert count(warehouse) == 1 + len(rows)
    warehouse.close()
