"""The page Performance with accounts and without, and the report it links to."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

import warehouse
from config.settings import Settings
from dashboard import data
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from warehouse import accounts

SESSION = date(2012, 7, 2)
KNOWN = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)
IBM = {"symbol": "IBM", "strategy": "model swing"}
LOT = IBM | {"model_version": "m1", "opened": date(2012, 6, 21), "lot_id": "e1"}
ROWS: dict[str, dict[str, Any]] = {
    "portfolio.lots": LOT
    | {"quantity": 5.0, "price": 196.0, "fee": 0.2, "value": 979.15, "unrealised": -1.05},
    "portfolio.closings": LOT
    | {
        "closed_by": "e2", "quantity": 20.0, "open_price": 196.0, "close_price": 194.0,
        "fees": 1.4, "realised": -41.4,
    },
    "portfolio.results": IBM
    | {
        "model_version": "m1", "sector": "Technology", "profit": -12.5, "value": 979.15,
        "fees": 1.0, "income": 0.0,
    },
    "portfolio.cash_days": {
        "opening": 93_155.5, "trades": 5_820.0, "fees": -1.0, "dividends": 17.5, "interest": 0.0,
        "transfers": 0.0, "other": 0.0, "closing": 98_992.0, "told": 98_989.5,
    },
    "portfolio.attributions": {"way": "strategy", "label": "model swing", "contribution": -0.0005},
    "portfolio.shortfalls": IBM
    | {
        "code": "7F3A-9C21", "leg_no": 1, "side": "buy", "quantity": 25.0, "filled": 25.0,
        "decision_price": 195.0, "arrival_price": 195.5, "delay": 12.5, "execution": 12.5,
        "opportunity": 0.0, "fees": 1.0, "total_bps": 53.3,
    },
    "portfolio.day_reports": {"text": "# End of day\n\n12 signed.", "object_key": "reports/x.html"},
}  # fmt: skip


@pytest.fixture
def desk(desk_settings: Settings, desk_warehouse: warehouse.Warehouse) -> Settings:
    """A desk whose accounts were made once."""
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    for table, row in ROWS.items():
        frame = pl.DataFrame([row | {"session": SESSION, "known_at": KNOWN}])
        with desk_warehouse.writer(table) as conn:
            accounts.record(conn, table, frame)
    return desk_settings


def _text(page: str, **query: str) -> str:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.switch_page(f"views/{page}.py")
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    shown = "\n".join(str(block.value) for block in [*at.markdown, *at.caption])
    return shown.replace("\N{NO-BREAK SPACE}", " ")


def test_the_accounts_are_shown_with_unit_date_and_source(desk: Settings) -> None:
    text = _text("performance")

    assert "| model swing | −0.05 % |" in text
    assert "| Buy **IBM** | +12.50 | +12.50 | 0 | +1.00 | +53 bps |" in text
    assert "| **IBM** | Thu 21 Jun 2012 | model swing | 5 | 196.00 | −1.05 |" in text
    assert "Realised −41.40 USD in 1 lot" in text
    assert "| +17.50 | 0 | 98,992.00 | :orange[:material/warning: −2.50] |" in text
    assert "[Mon 2 Jul 2012](/day-report?session=2012-07-02)" in text
    assert "−12.50 USD on Mon 2 Jul 2012" in text


def test_a_day_s_report_is_read_on_its_own_page(desk: Settings) -> None:
    text = _text("day_report", session="2012-07-02")

    assert "12 signed." in text
    assert "`reports/x.html`" in text
    assert "No report was asked for." in _text("day_report", session="yesterday")


def test_a_desk_without_accounts_says_what_comes(desk_settings: Settings) -> None:
    text = _text("performance")

    for sentence in (
        "Nothing to attribute yet.",
        "No lot at the last close.",
        "No day yet.",
        "No report yet.",
    ):
        assert sentence in text
