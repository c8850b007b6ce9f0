"""A venue, ledger and warehouse per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.feed.replayed import Replayed, replayed
from tests.integration.venue.served import ServedVenue
from warehouse import Warehouse
from warehouse.place import Place


@pytest.fixture
def feed_desk(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replayed]:
    venue = ServedVenue(tmp_path / "venue", "--faults")
    try:
        venue.post("/venue/pause")
        with replayed(venue, postgres_dsn, tmp_path / "home", monkeypatch.setenv) as made:
            yield made
    finally:
        venue.stop()


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()
