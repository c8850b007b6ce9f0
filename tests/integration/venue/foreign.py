"""What clients other than alpaca-py send, and a venue for them to talk to."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.venue.served import HEADERS, ServedVenue


@pytest.fixture(scope="module")
def foreign_venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedVenue]:
    venue = ServedVenue(tmp_path_factory.mktemp("foreign") / "venue", "--pace", "1", "--faults")
    venue.post("/venue/pause")
    venue.post("/venue/jump", {"to": "next_open"})
    venue.post("/venue/step", {"minutes": 5})
    yield venue
    venue.stop()


@pytest.fixture
def http(foreign_venue: ServedVenue) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=foreign_venue.url, headers=HEADERS, timeout=30) as client:
        yield client


def go_order(**terms: Any) -> dict[str, Any]:
    """Go's `PlaceOrderRequest`: every field, null or empty if not set, decimals as text."""
    unset: dict[str, Any] = {
        "symbol": "", "qty": None, "notional": None, "side": "", "type": "", "time_in_force": "",
        "limit_price": None, "extended_hours": False, "stop_price": None, "client_order_id": "",
        "order_class": "", "take_profit": None, "stop_loss": None, "trail_price": None,
        "trail_percent": None, "position_intent": "", "legs": None,
    }  # fmt: skip
    return unset | terms


def resting(http: httpx.Client, **terms: Any) -> dict[str, Any]:
    """A limit order far below the market."""
    asked = go_order(
        symbol="IBM", qty="1", side="buy", type="limit", time_in_force="day", limit_price="100"
    )
    reply = http.post("/v2/orders", json=asked | terms)
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told
