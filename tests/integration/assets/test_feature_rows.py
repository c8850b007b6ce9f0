"""Features of sessions of which little or nothing is stored."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets.features import computed_rows
from config import universe
from tests.integration.warehouse.rows import append, bar, judge
from warehouse import Warehouse, features, migrate
from warehouse.place import Place

SESSION = date(2012, 7, 2)


@pytest.fixture
def warehouse(postgres_dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    place = Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")
    migrate.upgrade_place(place)
    made = Warehouse(place)
    yield made
    made.close()


@pytest.mark.parametrize("status", [None, "held"])
def test_without_a_usable_bar_there_is_no_row_and_no_error(
    warehouse: Warehouse, status: str | None
) -> None:
    if status is not None:
        append(warehouse, bar("IBM", SESSION))
        judge(warehouse, "IBM", SESSION, status)

    rows = computed_rows(warehouse, universe.load(), [SESSION])

    assert rows.is_empty()
    with warehouse.writer("features.daily") as conn:
        assert features.record(conn, rows) == 0


def test_the_first_usable_bar_has_a_row(warehouse: Warehouse) -> None:
    append(warehouse, bar("IBM", SESSION))
    judge(warehouse, "IBM", SESSION, "passed")

    rows = computed_rows(warehouse, universe.load(), [SESSION])

    assert rows.select("symbol", "session").rows() == [("IBM", SESSION)]
