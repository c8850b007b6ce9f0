"""Every page of a desk with data shows it, with its unit, its date and its source."""

import math
from dataclasses import asdict
from datetime import date, timedelta

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from assets.policies import policy
from config.settings import Settings
from dashboard import data
from ledger import state
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from trading.state import TradingState
from warehouse import Warehouse, evidence, findings, models, verdicts


@pytest.fixture
def desk(desk_settings: Settings, desk_warehouse: Warehouse) -> Settings:
    """A desk after its first daily run."""
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    rows.fill_research(desk_warehouse)
    rows.fill_quality(desk_warehouse)
    return desk_settings


def _page(name: str) -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    return at.switch_page(f"views/{name}.py").run()


def _text(at: AppTest) -> str:
    blocks = [*at.title, *at.subheader, *at.markdown, *at.caption]
    shown = "\n".join(str(block.value) for block in blocks)
    return shown.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("page", "sentences"),
    [
        ("today", ("30 sessions of history, 252 needed", "You are in July 2012", "source")),
        ("portfolio", ("**MSFT** | 160 | 30.40 | 30.66 | 4,905.60 | 4.9 %", "PA-1, replay")),
        ("predictions", ("**IBM** | 56 % | +0.4 % | −2.4 to +3.2 %", "advisory", "1 of 2 gates")),
        (
            "predictions",
            (
                "**IBM** | core | 812,345,678 | 61 bps | 19.5 % (normal) |",
                "31 sessions of history, 252 needed.",
            ),
        ),
        (
            "predictions",
            (
                "All, **live** | 60 in 15 sessions | 53.0 % | — | 0.249 | 79.0 % | "
                ":gray[not distinguishable from luck's 50.4 %]",
                "All, **expected** | 11,240 in 2,810 sessions | 53.0 % (51.5 to 54.5 %)",
                ":green[better than luck's 50.4 %]",
                "+3.4 % | +1.3 % | 0.41 | 6.2 % | 11.7 %",
                "Net of costs, over the 2,747 sessions that the gates judge; it gates nothing. "
                "Cash, idle cash too, earned 2.1 % a year.",
                "**27 configurations** were tried in this programme; by how alike they earned "
                "they are **4 ideas**",
                "100,000 | 0.62 | +3.4 % | 0.51 % | 100 %",
                "1,000,000,000 | — | +3.4 % | 0.51 % | 3 %",
                "delay +310, commission 0, spread +204, impact +12, opportunity −41",
                "xgboost 50 %, linear 50 %",
            ),
        ),
        (
            "predictions",
            (
                "Swing trend following",
                "**IBM** | held or to buy | 5.0 %",
                "[:material/info: advisory]",
            ),
        ),
        ("risk", ("Value at risk 99.0 % | historical | 1 session | 0.6 % | 252", "ACTIVE")),
        ("data_quality", ("1 verdict held back", "AAPL: held back, data not trusted")),
        ("data_quality", ("Tue 3 Jul 2012, 09:31 | sample | close 59.94 → 599.41 |",)),
    ],
)
def test_a_page_shows_what_the_rooms_hold(
    desk: Settings, page: str, sentences: tuple[str, ...]
) -> None:
    at = _page(page)

    assert not at.exception
    text = _text(at)
    for sentence in sentences:
        assert sentence in text, text


def test_what_people_took_out_is_neither_a_loss_nor_a_drawdown(desk: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_withdrawal(conn)

    for name in ("today", "portfolio"):
        at = _page(name)

        assert not at.exception
        assert at.metric[0].delta == "+100.00 since the close"
    drawdown = at.get("plotly_chart")[1].proto.alt
    assert drawdown.replace("\N{NO-BREAK SPACE}", " ") == "Drawdown by session, at most 0.2 %"


def test_a_champion_whose_waiver_has_ended_is_shown_as_a_challenger(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    for days, badge in ((1, ":green-badge[champion]"), (0, ":orange-badge[challenger]")):
        end = rows.MARKET_AT + timedelta(days=days)
        rows.fill_champion(desk_warehouse, waived_until=end)
        st.cache_data.clear()

        text = _text(_page("predictions"))

        assert badge in text
        ended = "It was made champion by a waiver that ended on 2012-07-03 13:31 UTC"
        assert (ended in text) == (days == 0)
        assert ("is no champion here" in text) == (days == 0)


def test_a_champion_that_was_judged_by_another_policy_is_shown_as_a_challenger(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    rows.fill_champion(desk_warehouse, waived_until=None)
    judged = {"policy": asdict(policy(desk)) | {"k": 5}}
    with desk_warehouse.writer("models.evidence") as conn:
        evidence.store(conn, rows.MODEL, judged)

    text = _text(_page("predictions"))

    assert ":orange-badge[challenger]" in text
    assert "is no champion here. Its gates judged another policy: k 5, now 3." in text
    assert "has not passed all its gates" not in text


def test_the_model_card_writes_each_gate_in_its_unit_and_no_infinity(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    with desk_warehouse.writer("models.gates") as conn:
        for name, value, threshold, sign in (
            ("scaled_drawdown", 0.28, 0.2, "<="), ("track_record", 540.0, math.inf, ">="),
            ("deflated_sharpe", None, 0.95, ">="), ("real_data", 1.0, 1.0, ">="),
        ):  # fmt: skip
            row = rows.gate(name, value, threshold, passed=name == "real_data")
            models.record_gates(conn, pl.DataFrame([row | {"comparison": sign}]))

    text = _text(_page("predictions"))

    assert (
        "| Drawdown at 10 % volatility | :red[:material/close: not met] | 28.0 % | ≤ 20.0 % |"
        in text
    )
    assert (
        "| Track record, sessions | :red[:material/close: not met] | 540 | never reached |" in text
    )
    assert (
        "| Deflated Sharpe, all trials counted | :red[:material/close: not met] | — | ≥ 0.95 |"
        in text
    )
    assert "| Trained on real data | :green[:material/check: met] | yes | yes |" in text
    assert (
        "| Hit rate of closed trades | :green[:material/check: met] | 53.0 % | > 45.0 % |" in text
    )


def test_what_a_rule_says_of_several_symbols_is_one_row(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    said = rows.finding() | {"rule": "predictions_differ", "message": "All have 0.5460."}
    with desk_warehouse.writer("quality.findings") as conn:
        for symbol in "GFEDCBA":
            findings.record(
                conn, pl.DataFrame([said | {"finding_id": f"same-{symbol}", "symbol": symbol}])
            )

    text = _text(_page("data_quality"))

    assert text.count("All have 0.5460.") == 1
    assert "**A, B, C, D, E and 2 more**" in text


def test_the_newest_report_of_each_kind_of_data_is_named(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    day = {"first_session": rows.SESSION, "last_session": rows.SESSION, "expectations": 10}
    told = [
        ("daily_bars", 33, 31, date(2012, 6, 29)), ("daily_bars", 10, 9, rows.SESSION),
        ("predictions", 10, 10, rows.SESSION),
    ]  # fmt: skip
    for n, (suite, expected, passed, last) in enumerate(told):
        row = {"report_id": f"r{n}", "suite": suite, "passed": passed, "path": f"{n}.html"}
        frame = pl.DataFrame([day | row | {"expectations": expected, "last_session": last}])
        with desk_warehouse.writer("quality.reports") as conn:
            findings.record_reports(conn, frame)

    text = _text(_page("data_quality"))

    assert "29 Jun" not in text
    assert "(/data-docs/1.html) :orange[9 of 10 rules met] · [Predictions of" in text
    assert "(/data-docs/2.html) 10 of 10 rules met" in text


def test_a_verdict_that_a_steward_decided_is_not_said_to_have_passed(
    desk: Settings, desk_warehouse: Warehouse
) -> None:
    with desk_warehouse.writer("quality.verdicts") as conn:
        verdicts.record(conn, pl.DataFrame([rows.verdict("AAPL", "released", 23)]))

    text = "\n".join(str(one.value) for one in _page("data_quality").subheader)

    assert "1 verdict decided by a steward" in text
    assert "Every verdict passed" not in text


def test_the_header_tells_time_mode_state_and_person(desk: Settings) -> None:
    text = _text(_page("orders"))

    assert "**Tue 3 Jul 2012** · 09:31 New York · closes 13:00 (early)" in text
    assert "REPLAY ▶ running" in text
    assert "ACTIVE" in text
    assert "nothing to decide" in text
    assert "(all roles)" in text


def test_an_early_desk_lists_the_steps_of_its_start(desk_settings: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_steps(conn, at=data.now())

    text = _text(_page("today"))

    assert "**Sample data** · 40 % · :gray[AAPL 2006]" in text
    assert "Paper venue" in text


def test_the_first_run_panel_stays_away_once_dismissed(desk: Settings) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()

    at.button(key="first-run-understood").click().run()

    assert "You are in July 2012" not in _text(at)
    refreshed = AppTest.from_file(str(SHELL), default_timeout=120).run()
    assert "You are in July 2012" not in _text(refreshed)


def test_before_a_steward_decides_the_page_says_what_it_does_and_that_it_is_final(
    desk: Settings,
) -> None:
    at = _page("data_quality")
    at.text_input(key="reason-q1").set_value("Checked with the exchange.").run()

    text = _text(at)

    assert (
        "The row of **AAPL, Mon 2 Jul 2012** goes into the market data as it was delivered with "
        "its close of **59.94 USD**."
    ) in text
    assert "AAPL can be traded on it; research as of an earlier time still sees it held." in text
    assert "stays out of the market data for good" in text
    assert text.count("This cannot be taken back") == 2
    assert [at.button(key=f"{kind}-q1").label for kind in ("release_row", "confirm_row")] == [
        "Release it", "Keep it out",
    ]  # fmt: skip


def test_a_steward_releases_a_row_with_a_reason(desk: Settings) -> None:
    at = _page("data_quality")
    assert at.button(key="release_row-q1").disabled

    at.text_input(key="reason-q1").set_value("Confirmed by the exchange's list.").run()
    at.button(key="release_row-q1").click().run()

    asked = data.requested(("release_row",))
    assert [request.payload for request in asked] == [
        {"quarantine_id": "q1", "reason": "Confirmed by the exchange's list."}
    ]


def test_halting_needs_a_reason_and_becomes_a_request(desk: Settings) -> None:
    at = _page("risk")
    assert at.button(key="state-halt").disabled

    at.text_input(key="state-reason").set_value("Prices look wrong.").run()
    at.button(key="state-halt").click().run()

    assert [r.payload for r in data.requested(("halt",))] == [{"reason": "Prices look wrong."}]


def test_a_halted_desk_can_be_halted_again(desk: Settings) -> None:
    with data.engine().begin() as conn:
        state.tighten(
            conn, to=TradingState.HALTED, reason="a drill", process="x", desk_at=data.now()
        )
    at = _page("risk")

    at.text_input(key="state-reason").set_value("Orders still work.").run()
    at.button(key="state-halt").click().run()

    assert [r.payload for r in data.requested(("halt",))] == [{"reason": "Orders still work."}]


def test_the_replay_is_moved_by_requests(desk: Settings) -> None:
    at = _page("today")

    at.button(key="venue-today-Next close").click().run()

    assert [r.payload for r in data.requested(("venue_jump",))] == [{"to": "close"}]
