"""Trade updates are a hint: each says that it is time to ask, and so does every joining."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.brokers.alpaca_updates import TradeUpdates, UpdatesEndedError
from config.settings import BrokerSettings
from tests.integration.venue.served import ServedVenue

ORDER = {"symbol": "IBM", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}


@pytest.fixture
def told(served: ServedVenue) -> Iterator[list[None]]:
    heard: list[None] = []
    broker = BrokerSettings(
        url=served.url, stream_url=served.stream, key_id="PKTEST", secret_key="secret"
    )
    updates = TradeUpdates(broker, lambda: heard.append(None))
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(updates.listen)
        served.until(lambda: len(heard) == 1)  # it joined
        yield heard
        updates.stop()
        assert isinstance(listening.exception(timeout=60), UpdatesEndedError)


def test_an_update_says_that_something_happened(served: ServedVenue, told: list[None]) -> None:
    served.post("/v2/orders", ORDER)

    assert served.until(lambda: len(told) >= 2)


def test_a_lost_stream_is_joined_again_and_says_so(served: ServedVenue, told: list[None]) -> None:
    served.put("/venue/faults", {"faults": [{"kind": "disconnect", "path": "^trade_updates$"}]})
    served.post("/v2/orders", ORDER)  # told to nobody

    assert served.until(lambda: len(told) >= 2)
