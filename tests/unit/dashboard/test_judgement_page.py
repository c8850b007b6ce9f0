"""The page Judgement: what vetoes earned, and how few cases say nothing."""

from datetime import UTC, date, datetime

import polars as pl
from streamlit.testing.v1 import AppTest

import warehouse
from config.settings import Settings
from dashboard import data
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from warehouse import shadow

KNOWN = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)


def _case(code: str, verdict: str, profit: float) -> dict[str, object]:
    return {
        "proposal_id": code, "leg_no": 1, "code": code, "session": date(2012, 6, 20),
        "strategy": "model swing", "verdict": verdict, "person": "Maria", "reason": "price",
        "symbol": "IBM", "side": "buy", "status": "closed", "quantity": 25.0, "entry": 195.0,
        "exit": 190.0, "entered": date(2012, 6, 21), "left_at": date(2012, 6, 28),
        "notional": 4_875.0, "profit": profit, "known_at": KNOWN,
    }  # fmt: skip


def _figure(verdict: str, cut: str, label: str, cases: int, low: float | None) -> dict[str, object]:
    return {
        "session": date(2012, 7, 2), "verdict": verdict, "cut": cut, "label": label,
        "cases": cases, "profit": -125.0 * cases, "mean_bps": -256.4, "low_bps": low,
        "high_bps": None if low is None else 12.0, "known_at": KNOWN,
    }  # fmt: skip


def _text() -> str:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.switch_page("views/judgement.py").run()
    assert not at.exception
    shown = "\n".join(str(block.value) for block in [*at.markdown, *at.caption])
    return shown.replace("\N{NO-BREAK SPACE}", " ")


def test_a_veto_of_what_lost_is_a_gain_and_few_cases_have_no_range(
    desk_settings: Settings, desk_warehouse: warehouse.Warehouse
) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    with desk_warehouse.writer("portfolio.shadow_cases", "portfolio.shadow_figures") as conn:
        shadow.record_cases(conn, pl.DataFrame([_case("7F3A-9C21", "vetoed", -125.0)]))
        shadow.record_figures(
            conn,
            pl.DataFrame(
                [
                    _figure("vetoed", "all", "", 47, -520.0),
                    _figure("vetoed", "person", "Maria", 40, -520.0),
                    _figure("vetoed", "person", "Jan", 7, None),
                ],
                schema_overrides={"low_bps": pl.Float64, "high_bps": pl.Float64},
            ),
        )

    text = _text()

    assert "**+5,875.00 USD** in 47 cases: plus is what it saved." in text
    assert "| Maria | 40 | +5,000.00 | +256 bps | −12 to +520 bps |" in text
    assert "| Jan | 7 of 30, too few to say | +875.00 | — | — |" in text
    assert "| Buy **IBM** | vetoed | over | −125.00 |" in text


def test_a_desk_without_decisions_says_what_comes(desk_settings: Settings) -> None:
    assert "No decision to follow yet." in _text()
