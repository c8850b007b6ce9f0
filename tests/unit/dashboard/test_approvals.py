"""Signing, vetoing and what stays on the screen, against a real ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from ledger import new_id, people, proposals, state
from ledger.tables import market_clock, quotes, signatures
from ledger.tables import proposals as stored
from tests.unit.dashboard import proposed, rows
from tests.unit.dashboard.conftest import SHELL
from trading.state import TradingState


@pytest.fixture
def desk(desk_settings: Settings) -> Settings:
    """A desk with one open and one denied proposal."""
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        for code, denied in (("7F3A-9C21", False), ("33CC-44DD", True)):
            made = proposed.proposal(proposal_id=new_id(), code=code, denied=denied)
            proposals.add(conn, made, desk_at=data.now())
    return desk_settings


def _approvals() -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    return at.switch_page("views/approvals.py").run()


def _text(at: AppTest) -> str:
    blocks = [*at.title, *at.subheader, *at.markdown, *at.caption, *at.warning]
    return "\n".join(str(block.value) for block in blocks).replace("\N{NO-BREAK SPACE}", " ")


def _marks() -> list[tuple[str, str | None]]:
    with data.asked() as conn:
        found = conn.execute(sa.select(signatures.c.kind, signatures.c.reason_code))
        return [(row.kind, row.reason_code) for row in found]


def test_a_card_shows_money_risk_evidence_doubts_and_clock_in_this_order(desk: Settings) -> None:
    at = _approvals()

    assert not at.exception
    text = _text(at)
    order = [
        "Buy 25 IBM at 195.93 USD or less",
        "Costs at most **4,898.25 USD**",
        "| Cash, USD | 90,400.00 | 85,501.75 | — |",
        "**Price.** Proposed at 195.83, now 195.46 (−0.19 %)",
        "**Data.** :green[:material/check:] Mon 2 Jul 2012 close: 24 of 24 checks passed "
        "(the rules that apply to this bar).",
        "**Signatures.** One needed (two above 10,000.00 USD)",
        "It expires at 13:00 New York; nothing is sent.",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "**How far to trust it.**" in text


def test_a_signature_is_recorded_and_the_card_stays_with_its_progress(desk: Settings) -> None:
    at = _approvals()

    at.button(key="sign-7F3A-9C21").click().run()
    at.button(key="confirm-7F3A-9C21").click().run()

    assert _marks() == [("sign", None)]
    text = _text(at.run())
    assert "Buy 25 IBM at 195.93 USD or less" in text
    assert "sending" in text


def test_a_veto_takes_one_click_on_a_reason(desk: Settings) -> None:
    at = _approvals()

    at.button(key="veto-7F3A-9C21").click().run()
    at.button(key="veto-news-7F3A-9C21").click().run()

    assert _marks() == [("veto", "news")]
    assert "We will follow what it would have done." in _text(at.run())


def test_signing_is_off_where_only_what_reduces_is_sent(desk: Settings) -> None:
    with data.engine().begin() as conn:
        state.tighten(
            conn, to=TradingState.REDUCING, reason="a drill", process="x", desk_at=data.now()
        )

    at = _approvals()

    assert at.button(key="sign-7F3A-9C21").disabled
    assert "trading is REDUCING, and this does not only reduce" in _text(at)


def test_signing_is_off_while_the_figures_are_old(desk_settings: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=data.now() - timedelta(minutes=17))
        made = proposed.proposal(proposal_id=new_id(), code="7F3A-9C21")
        proposals.add(conn, made, desk_at=data.now())

    at = _approvals()

    assert at.button(key="sign-7F3A-9C21").disabled
    assert "17 minutes old" in _text(at)


def test_beyond_the_bound_a_new_price_is_what_to_press_and_signing_is_off(desk: Settings) -> None:
    at = _approvals()
    assert _first_to_press(at) == ["Sign: buy 25 IBM"]
    _quote_at("197.50")  # +0.85 % of 195.83; a signature covers 0.50 %

    at.run()

    assert _first_to_press(at) == ["Ask for a new price"]
    assert at.button(key="sign-7F3A-9C21").disabled
    assert (
        "Signing is off: the price of IBM has left the bound of a signature. Ask for a new price."
        in _text(at)
    )


def test_back_within_the_bound_it_can_be_signed_again(desk: Settings) -> None:
    _quote_at("197.50")
    at = _approvals()
    assert at.button(key="sign-7F3A-9C21").disabled

    _quote_at("195.46")
    at.run()

    assert _first_to_press(at) == ["Sign: buy 25 IBM"]
    assert not at.button(key="sign-7F3A-9C21").disabled


def _quote_at(price: str) -> None:
    """The market trades there, bid and ask around it."""
    last = Decimal(price)
    told = {"bid": last - Decimal("0.02"), "ask": last + Decimal("0.02"), "last": last}
    with data.engine().begin() as conn:
        conn.execute(sa.update(quotes).values(told))
    st.cache_data.clear()


def _first_to_press(at: AppTest) -> list[str]:
    return [button.label for button in at.button if button.proto.type == "primary"]


def test_a_refusal_at_the_click_stays_to_be_read(desk: Settings) -> None:
    at = _approvals()
    at.button(key="sign-7F3A-9C21").click().run()
    with data.engine().begin() as conn:
        conn.execute(sa.update(market_clock).values(received_at=data.now() - timedelta(minutes=17)))
    data.desk.clear()

    at.button(key="confirm-7F3A-9C21").click().run()
    at.run()

    assert _marks() == []
    assert "Not signed: the market's figures are old" in _text(at.run())


def test_one_person_never_signs_twice_and_the_card_says_when_nobody_else_can(
    desk_settings: Settings,
) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        made = proposed.proposal(proposal_id=new_id(), code="7F3A-9C21", signatures_needed=2)
        proposals.add(conn, made, desk_at=data.now())
    at = _approvals()
    assert "Nobody else can give the second signature on this desk." in _text(at)

    at.button(key="sign-7F3A-9C21").click().run()
    at.button(key="confirm-7F3A-9C21").click().run()
    at.run()

    assert at.button(key="sign-7F3A-9C21").disabled
    assert "you cannot sign twice" in _text(at)


def test_a_second_signatory_is_enough(desk_settings: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        made = proposed.proposal(proposal_id=new_id(), code="7F3A-9C21", signatures_needed=2)
        proposals.add(conn, made, desk_at=data.now())
        people.add(
            conn,
            login="jan",
            display_name="Jan",
            roles=("signatory",),
            desk_at=data.now(),
            password="a long enough password",
        )

    assert "Nobody else" not in _text(_approvals())


def test_a_denied_proposal_says_which_limit_and_what_fits(desk: Settings) -> None:
    text = _text(_approvals())

    assert "denied, position too large" in text
    assert "It would be 6.0 % of equity; the limit for one position is 5.0 %." in text
    assert "**Limit.** 6.0 % is 1.00 points beyond 5.0 %." in text
    # 8 x 195.93 = 1,567.44 of 100,400
    assert "Fits: 8 shares, 1,567.44 USD, 1.6 % of equity." in text


def test_a_denied_card_folds_into_one_line_once_its_time_is_over(desk: Settings) -> None:
    with data.engine().begin() as conn:
        conn.execute(sa.update(market_clock).values(now=datetime(2012, 7, 3, 17, 0, tzinfo=UTC)))

    at = _approvals()

    assert "denied, position too large" not in _text(at)
    assert [box.label for box in at.expander if "Denied" in box.label] == [
        "Denied in former sessions (1)"
    ]
    assert "Buy 25 IBM" in at.button(key="open-33CC-44DD").label


@pytest.mark.parametrize("repriced", [False, True])
def test_a_proposal_of_a_size_that_fits_says_which_limit_cut_it(
    desk: Settings, repriced: bool
) -> None:
    codes = ("7E1A-0B2C", "8F1A-0B2C") if repriced else ("8F1A-0B2C",)
    with data.engine().begin() as conn:
        old = conn.scalar(sa.select(stored.c.proposal_id).where(stored.c.code == "33CC-44DD"))
        for code in codes:
            made = proposed.proposal(proposal_id=new_id(), code=code, quantity="8")
            proposals.supersede(conn, str(old), replace(made, supersedes=old), desk_at=data.now())
            old = made.proposal_id
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.query_params["proposal"] = "8F1A-0B2C"

    text = _text(at.switch_page("views/approvals.py").run())

    assert (
        "**Cut** from 25 to 8 shares. It would be 6.0 % of equity; the limit for one position is "
        "5.0 %. **Limit.** 6.0 % is 1.00 points beyond 5.0 %. Proposal 33CC-44DD was denied for it."
    ) in text


def test_a_card_at_a_new_price_comes_where_the_old_one_was(desk: Settings) -> None:
    with data.engine().begin() as conn:
        made = proposed.proposal(proposal_id=new_id(), code="5B1A-0B2C", symbol="MSFT")
        proposals.add(conn, made, desk_at=data.now())
    at = _approvals()
    assert _cards(at) == ["7F3A-9C21", "5B1A-0B2C"]

    _reprice("7F3A-9C21", "8F1A-0B2C")
    at.run()

    assert _cards(at) == ["8F1A-0B2C", "5B1A-0B2C", "7F3A-9C21"]  # the last under Decided before
    assert "It takes the place of proposal 7F3A-9C21, priced at 195.83 USD." in _text(at)
    assert not any("new proposal" in button.label for button in at.button)


def test_of_several_new_prices_the_newest_comes_in_place_whatever_became_of_it(
    desk: Settings,
) -> None:
    at = _approvals()

    _reprice("7F3A-9C21", "8F1A-0B2C")
    _reprice("8F1A-0B2C", "9F1A-0B2C")
    with data.engine().begin() as conn:
        proposals.expire(conn, market_at=datetime(2012, 7, 9, tzinfo=UTC), desk_at=data.now())
    at.run()

    assert "It takes the place of proposal 8F1A-0B2C, priced at 197.50 USD." in _text(at)
    assert "Expired." in _text(at)


def test_a_new_price_that_came_to_the_queue_before_its_old_card_ended_is_shown_once(
    desk: Settings,
) -> None:
    at = _approvals()
    _reprice("7F3A-9C21", "8F1A-0B2C")
    at.session_state["approvals-queue"] = ["7F3A-9C21", "8F1A-0B2C"]  # read a second apart

    at.run()

    assert not at.exception
    assert _cards(at) == ["8F1A-0B2C", "7F3A-9C21"]


@pytest.mark.parametrize(
    ("act", "answer", "decision"),
    [("sign", "confirm", "signature"), ("veto", "veto-news", "veto")],
)
def test_what_was_decided_of_an_older_price_is_told_as_not_recorded(
    desk: Settings, act: str, answer: str, decision: str
) -> None:
    at = _approvals()
    at.button(key=f"{act}-7F3A-9C21").click().run()
    _reprice("7F3A-9C21", "8F1A-0B2C")

    at.button(key=f"{answer}-7F3A-9C21").click().run()
    at.run()

    assert _marks() == []
    assert _cards(at)[0] == "8F1A-0B2C"
    (told,) = at.warning
    assert told.value == f"It was replaced by a new price. Your {decision} was not recorded."


def test_a_link_to_an_older_price_opens_the_newest(desk: Settings) -> None:
    with data.engine().begin() as conn:
        made = proposed.proposal(proposal_id=new_id(), code="5B1A-0B2C", symbol="MSFT")
        proposals.add(conn, made, desk_at=data.now())
    _reprice("5B1A-0B2C", "8F1A-0B2C")
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.query_params["proposal"] = "5B1A-0B2C"

    at.switch_page("views/approvals.py").run()

    assert at.button(key="sign-8F1A-0B2C").label == "Sign: buy 25 IBM"


def test_a_new_price_for_another_card_leaves_the_one_that_is_open(desk: Settings) -> None:
    with data.engine().begin() as conn:
        made = proposed.proposal(proposal_id=new_id(), code="5B1A-0B2C", symbol="MSFT")
        proposals.add(conn, made, desk_at=data.now())
    at = _approvals()

    _reprice("5B1A-0B2C", "8F1A-0B2C")
    at.run()

    assert _cards(at) == ["7F3A-9C21", "8F1A-0B2C", "5B1A-0B2C"]
    assert "New price" not in _text(at)


def _cards(at: AppTest) -> list[str]:
    """The open card by its sign button and every line by its own, from the top."""
    keys = [str(button.key) for button in at.button]
    return [key.partition("-")[2] for key in keys if key.startswith(("sign-", "open-"))]


def _reprice(code: str, new_code: str) -> None:
    """What a worker does when a new price was asked for."""
    with data.engine().begin() as conn:
        old = conn.scalar(sa.select(stored.c.proposal_id).where(stored.c.code == code))
        made = proposed.proposal(proposal_id=new_id(), code=new_code, reference="197.50")
        proposals.supersede(conn, str(old), replace(made, supersedes=old), desk_at=data.now())
    st.cache_data.clear()


def test_a_trade_is_entered_by_hand_once_all_of_it_is_said(desk: Settings) -> None:
    at = _approvals()
    assert at.button(key="hand-propose").disabled
    at.selectbox(key="hand-symbol").set_value("MSFT")
    at.number_input(key="hand-quantity").set_value(100)
    at.number_input(key="hand-limit").set_value(30.70)
    at.text_input(key="hand-reason").set_value("Results are better than the price says.")
    at.run()

    at.button(key="hand-propose").click().run()

    assert not at.exception
    (asked,) = data.requested(("propose_by_hand",), 5)
    assert asked.payload == {
        "symbol": "MSFT", "side": "buy", "quantity": "100", "limit_price": "30.70",
        "stop_loss_price": None, "take_profit_price": None,
        "reason": "Results are better than the price says.",
    }  # fmt: skip
    assert "Nobody else may sign on this desk" in _text(at)


def test_who_entered_a_trade_is_told_with_the_reason_and_cannot_sign_it(
    desk_settings: Settings,
) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()  # the person signs in
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        (me,) = people.signatories(conn)
        made = proposed.proposal(proposal_id=new_id(), code="7F3A-9C21")
        by_hand = replace(
            made, rationale=None, model_version=None, advisory=False,
            entered_by=me.person_id, reason="Results *surprise*.",
        )  # fmt: skip
        proposals.add(conn, by_hand, desk_at=data.now())
    st.cache_data.clear()  # the page that signed in has seen an empty desk, less than a second ago

    at = at.switch_page("views/approvals.py").run()

    text = _text(at)
    assert f"Entered by hand by {me.display_name}" in text
    assert "Results \\*surprise\\*." in text
    assert "another person must sign it" in text


def test_a_link_opens_one_proposal_whatever_its_state(desk: Settings) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.query_params["proposal"] = "33CC-44DD"

    at.switch_page("views/proposal.py").run()

    assert "denied, position too large" in _text(at)


def _proposal_page(code: str) -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.query_params["proposal"] = code
    return at.switch_page("views/proposal.py").run()


def test_a_proposal_s_page_hashes_the_stored_bytes_again(desk: Settings) -> None:
    at = _proposal_page("7F3A-9C21")

    assert not at.exception
    assert "These are the bytes that were on the screen" in _text(at)
    assert '"code": "7F3A-9C21"' in at.code[0].value


def test_bytes_altered_behind_the_desk_s_back_are_called_so(desk: Settings) -> None:
    with data.engine().begin() as conn:
        found = conn.execute(
            sa.select(stored.c.content).where(stored.c.code == "7F3A-9C21")
        ).scalar_one()
        conn.execute(
            sa.update(stored)
            .where(stored.c.code == "7F3A-9C21")
            .values(content=bytes(found).replace(b"IBM", b"XYZ"))
        )

    assert "The stored bytes are not those" in _text(_proposal_page("7F3A-9C21"))
