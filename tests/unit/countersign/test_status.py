"""What `./desk status` says of time: as the exchange has it, and where that is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.commands import status

FEED = {
    "newest_at": "2012-07-02T13:31:00+00:00", "stale_since": None, "gaps": 0, "healed": 0,
    "waiting": 0, "reconnects": 0,
}  # fmt: skip
FACTS: dict[str, Any] = {
    "home": "/desk", "supervisor": None, "processes": [], "counts": None,
    "market": {
        "now": datetime(2012, 7, 2, 13, 31, tzinfo=UTC), "is_open": True, "replay": True,
        "state": "running", "hold_reason": None,
    },
    "trading": {
        "state": "ACTIVE", "set_at": datetime(2026, 1, 5, 2, 0, tzinfo=UTC), "reason": "begun",
    },
    "feed": {"tags": FEED, "seconds_ago": 3},
}  # fmt: skip


def test_instants_are_told_in_the_exchange_s_time_with_its_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stale = FEED | {"stale_since": "2012-07-02T13:36:00+00:00"}

    status.show(FACTS)
    status.show(FACTS | {"feed": {"tags": stale, "seconds_ago": 3}})

    said = capsys.readouterr().out
    assert "Market: Mon 2 Jul 2012, 09:31 New York, open, replay running" in said
    assert "newest minute to 09:31 New York" in said
    assert "stale since 09:36 New York" in said
    # In winter New York is five hours behind UTC, so that it was the evening before.
    assert "Trading: ACTIVE since Sun 4 Jan 2026, 21:00 New York (begun)" in said
    assert "UTC" not in said
