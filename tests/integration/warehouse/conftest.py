"""A fresh warehouse per test, on the run's PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import Warehouse
from warehouse.place import Place


@pytest.fixture
def empty_place(postgres_dsn: str, tmp_path: Path) -> Place:
    """Where a warehouse may be made."""
    return Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")


@pytest.fixture
def place(desk_place: Place) -> Place:
    """Where the test's warehouse is."""
    return desk_place


@pytest.fixture
def warehouse(place: Place) -> Iterator[Warehouse]:
    made = Warehouse(place)
    yield made
    made.close()
