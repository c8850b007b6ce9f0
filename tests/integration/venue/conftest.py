"""A venue per test that asks for one, and alpaca-py's own clients for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from tests.integration.venue.foreign import foreign_venue, http
from tests.integration.venue.served import ServedVenue

__all__ = ["foreign_venue", "http"]

Starter = Callable[..., ServedVenue]


@pytest.fixture
def start_venue(tmp_path: Path) -> Iterator[Starter]:
    started: list[ServedVenue] = []

    def start(*options: str, **settings: str) -> ServedVenue:
        state = tmp_path / f"venue{len(started)}"
        started.append(ServedVenue(state, *options, **settings))
        return started[-1]

    yield start
    for served in started:
        served.stop()


@pytest.fixture
def served(start_venue: Starter) -> ServedVenue:
    """A venue whose clock stands until told to move."""
    venue = start_venue("--pace", "1", "--faults", "--demo")
    venue.post("/venue/pause")
    return venue


@pytest.fixture
def trading(served: ServedVenue) -> TradingClient:
    return TradingClient("PKTEST", "secret", url_override=served.url)


@pytest.fixture
def stocks(served: ServedVenue) -> StockHistoricalDataClient:
    return StockHistoricalDataClient("PKTEST", "secret", url_override=served.url)


@pytest.fixture
def actions(served: ServedVenue) -> CorporateActionsClient:
    return CorporateActionsClient("PKTEST", "secret", url_override=served.url)
