"""A fresh warehouse per test, on the run's PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import Warehouse, migrate
from warehouse.place import Place


@pytest.fixture
def place(postgres_dsn: str, tmp_path: Path) -> Place:
    return Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")


@pytest.fixture
def warehouse(place: Place) -> Iterator[Warehouse]:
    migrate.upgrade_place(place)
    made = Warehouse(place)
    yield made
    made.close()
