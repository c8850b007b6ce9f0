"""The real venue in a process of its own, and the real broker client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from tests.integration.sending.desk import LIMITS, SmallDesk
from tests.integration.venue.served import ServedVenue
from trading.reconcile import reconcile


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedVenue]:
    """A venue one minute into a session, its clock standing."""
    venue = ServedVenue(tmp_path / "venue", "--pace", "1")
    venue.post("/venue/pause")
    venue.post("/venue/jump", {"to": "next_open"})
    venue.post("/venue/step", {"minutes": 1})
    yield venue
    venue.stop()


@pytest.fixture
def broker(served: ServedVenue) -> AlpacaBroker:
    """Alpaca's own client, connected to the venue."""
    return AlpacaBroker(
        key_id="PKTEST", secret_key="secret", url=served.url, data_url=served.url, paper=True,
        feed="iex",
    )  # fmt: skip


def compared(desk: SmallDesk, broker: AlpacaBroker) -> None:
    """Let leases and graces run out, and compare ledger and venue without a difference."""
    desk.market.at = broker.clock().now
    desk.clock.forward(LIMITS.lease_seconds + LIMITS.resend_grace_seconds)
    report = reconcile(
        desk.ledger, broker, market=desk.market, desk=desk.clock, environment="replay"
    )
    assert report.clean, report
    desk.agree()
