"""A venue process whose clock stands until told to move, and the desk's broker for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from tests.integration.venue.served import ServedVenue


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedVenue]:
    venue = ServedVenue(tmp_path / "venue", "--pace", "1", "--faults")
    venue.post("/venue/pause")
    venue.post("/venue/jump", {"to": "next_open"})
    yield venue
    venue.stop()


@pytest.fixture
def broker(served: ServedVenue) -> AlpacaBroker:
    return AlpacaBroker(
        key_id="PKTEST",
        secret_key="secret",
        url=served.url,
        data_url=served.url,
        paper=True,
        feed="iex",
        timeout=(1.0, 2.0),
    )
