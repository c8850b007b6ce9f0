"""What comes next on the market, and taking note of an alert."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from dashboard.panels.events import upcoming
from ledger import alerts, audit, market
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL


@pytest.fixture
def desk(desk_settings: Settings) -> Settings:
    """A desk whose market has been heard, with one critical alert."""
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        alerts.raise_once(
            conn,
            severity="critical",
            kind="unknown_order",
            subject="stranger",
            message="The broker has an order that is not the desk's.",
            desk_at=data.now(),
        )
    return desk_settings


def test_a_replay_that_has_ended_promises_no_more_sessions(desk: Settings) -> None:
    with data.asked() as conn:
        clock = market.latest_clock(conn)
    assert clock is not None

    assert len(upcoming(clock, None)) == 2
    ((when, what),) = upcoming(replace(clock, state="ended"), None)
    assert when == "Now"
    assert "The replay has ended" in what


def test_seen_takes_note_of_an_alert_in_the_person_s_name(desk: Settings) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    (seen,) = [button for button in at.button if button.label == "Seen"]

    seen.click().run()

    assert not at.exception
    with data.asked() as conn:
        assert alerts.unacknowledged(conn) == []
        newest = audit.entries(conn, last=1)[0]
    assert newest.action == "alert.acknowledge"
    assert "No open alert." in "\n".join(str(block.value) for block in at.run().markdown)
