"""The intraday rules say how far to trust them: judged by every gate, or not yet."""

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

import warehouse
from config.settings import Settings
from dashboard import data
from quant.signals import REVERSION, strategy_name
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from warehouse import evidence, models

NAME = strategy_name(REVERSION, filtered=False)


@pytest.fixture
def desk(
    monkeypatch: pytest.MonkeyPatch, desk_settings: Settings, desk_warehouse: warehouse.Warehouse
) -> warehouse.Warehouse:
    """A desk after its first daily run, with the intraday rules on."""
    monkeypatch.setenv("COUNTERSIGN_STRATEGIES__REVERSION", "shown")
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    rows.fill_research(desk_warehouse)
    return desk_warehouse


def shown() -> str:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.switch_page("views/predictions.py").run()
    assert not at.exception
    blocks = [*at.subheader, *at.markdown, *at.caption]
    return "\n".join(str(block.value) for block in blocks).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.usefixtures("desk")
def test_rules_that_nobody_judged_say_so() -> None:
    text = shown()

    assert "Mean reversion by the minute" in text
    assert "These rules have not been judged yet. They make no proposal" in text


def test_rules_that_were_judged_say_what_they_met_and_lived_through(
    desk: warehouse.Warehouse,
) -> None:
    gate = {
        "model_version": NAME, "value": 0.0, "threshold": 1.0, "comparison": ">=",
        "reason": "Simulated prices hold no information.", "sentence": "Trained on real data: no",
    }  # fmt: skip
    gates = [
        gate | {"gate": "real_data", "passed": False},
        gate | {"gate": "leakage_probes", "passed": True},
    ]
    lived = {
        "sessions": 21, "first": "2012-07-02", "last": "2012-07-31", "trades": 112,
        "net_return": -0.0123, "simulated": True,
    }  # fmt: skip
    with desk.writer("models.gates") as conn:
        models.record_gates(conn, pl.DataFrame(gates, schema=models.GATE_SCHEMA))
    with desk.writer("models.evidence") as conn:
        evidence.store(conn, NAME, {"minutes": lived})

    text = shown()

    assert "These rules have met 1 of 2 gates. They make no proposal" in text
    assert "Followed through 21 sessions with minutes, 2012-07-02 to 2012-07-31" in text
    assert "112 trades, −1.23 % of equity after costs, on simulated minutes" in text
    assert "Simulated prices hold no information" in text
