"""Swing rules that ask a second model say on their page why nothing is begun."""

import pytest
from streamlit.testing.v1 import AppTest

import warehouse
from config.settings import Settings
from dashboard import data
from quant.signals import SWING, strategy_name
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from warehouse import evidence


def test_a_filter_that_is_silent_says_how_many_entries_it_lacks(
    monkeypatch: pytest.MonkeyPatch, desk_settings: Settings, desk_warehouse: warehouse.Warehouse
) -> None:
    assert desk_settings.strategies.swing == "shown"
    monkeypatch.setenv("COUNTERSIGN_STRATEGIES__SWING_FILTER", "meta")
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    rows.fill_research(desk_warehouse)
    said = "Nothing is begun: 169 entries of the rules have a known outcome; it needs 200."
    told = {"entries": 169, "needed": 200, "silent": True, "sentence": said}
    with desk_warehouse.writer("models.evidence") as conn:
        evidence.store(conn, strategy_name(SWING, filtered="meta"), {"filter": told})

    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.switch_page("views/predictions.py").run()

    assert not at.exception
    assert "Swing trend following" in [block.value for block in at.subheader]
    assert said in [block.value for block in at.caption]
