"""Stops, trails and pairs as people enter and read them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from dashboard.cards import decision, dialogs, evidence, life, words
from dashboard.cards.content import Content
from ledger.pages import Leg
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from tests.unit.dashboard.samples import LEG, ORDER, PROPOSAL

D = Decimal
STOP = replace(
    LEG, side="sell", order_type="stop", limit_price=None, stop_loss_price=None,
    stop_price=D("186.71"), time_in_force="gtc", reduces=True,
)  # fmt: skip
LIMITED = replace(STOP, order_type="stop_limit", limit_price=D("185.00"))
TRAIL = replace(STOP, order_type="trailing_stop", stop_price=None, trail_percent=D("4.5"))
PAIR = replace(
    STOP, order_type="limit", order_class="oco", stop_price=None, stop_loss_price=D("186.71"),
    limit_price=D("210.00"),
)  # fmt: skip
CONTENT = Content(
    prediction=None, trust=None, gates=(), effects=(), checks=(), data=None,
    loss_to_stop=D("228.00"), equity=D(100_000),
)  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        (STOP, "Sell 25 IBM at the market once it trades at 186.71 or below"),
        (LIMITED, "Sell 25 IBM at 185.00 USD or more once it trades at 186.71 or below"),
        (TRAIL, "Sell 25 IBM at the market once it falls 4.50 % from its best price"),
        (
            replace(TRAIL, side="buy", trail_percent=None, trail_price=D("2.5")),
            "Buy 25 IBM at the market once it rises 2.50 USD from its best price",
        ),
        (
            PAIR,
            "Sell 25 IBM at 210.00 USD or more (target), or at the market once it trades at "
            "186.71 or below (stop)",
        ),
    ],
)
def test_what_will_be_sent_is_one_sentence(leg: Leg, said: str) -> None:
    proposal = replace(PROPOSAL, legs=(leg,))

    assert plain(words.sentence(proposal)) == said
    assert words.short_action(proposal) == "protect 25 IBM"
    assert words.exits(leg) == ""
    assert plain(dialogs.confirmation(proposal)[0]) == f"**{said}**, good until canceled."


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        (STOP, "At 186.71 you lose about **228.00 USD** from the price now (0.2 % of equity;"),
        (LIMITED, "**Beyond its limit it is not filled:**"),
        # 195.83 less 4.5 % of it
        (TRAIL, "At 187.02 you lose about"),
        (PAIR, "One of the two closes the position, the other goes away with it."),
    ],
)
def test_it_says_what_the_stop_loses_and_nothing_of_what_it_brings_in(leg: Leg, said: str) -> None:
    [sentence] = decision.money_sentences(replace(PROPOSAL, legs=(leg,)), CONTENT)

    assert said in plain(sentence)
    assert "It only closes what is held" in sentence
    assert "Brings in" not in sentence


def test_stops_after_a_split_name_no_model_and_no_person() -> None:
    reason = "IBM was split as 5 Jul 2012 opened, 2 shares for each before, and its stop ended."
    proposal = replace(
        PROPOSAL, legs=(STOP,), strategy="stops", model_version=None, advisory=False,
        content={"reason": reason},
    )  # fmt: skip

    assert words.kind(proposal) == "stops after a split · replay"
    why = evidence.after_split_sentence(proposal)
    assert why.startswith(f"**Why.** {reason} This gives the position the same cover back")
    older = evidence.after_split_sentence(replace(proposal, content={}))
    assert older.startswith("**Why.** A split ended the stops of this position. This gives")


def test_an_entry_with_a_target_says_so() -> None:
    bracket = replace(LEG, take_profit_price=D("210.00"))
    [sentence] = decision.money_sentences(replace(PROPOSAL, legs=(bracket,)), CONTENT)

    assert "At 210.00 a target closes the position, and the stop goes away with it." in sentence
    assert words.exits(bracket) == ", stop 186.71, target 210.00"


def test_the_chart_marks_stop_and_target() -> None:
    def marks(leg: Leg) -> list[tuple[str, float]]:
        return [(mark.label, mark.price) for mark in evidence.marks(leg)]

    assert marks(STOP) == [("Stop", 186.71)]
    assert marks(PAIR) == [("Target", 210.0), ("Stop", 186.71)]
    [(name, at)] = marks(TRAIL)
    assert (name, round(at, 5)) == ("Stop now", 187.01765)


def test_the_stop_of_a_pair_is_told_beside_its_target() -> None:
    target = replace(ORDER, side="sell", order_type="limit", state="accepted", leg_id="leg")
    stop = replace(target, client_order_id="its", order_type="stop", stop_price=D("186.71"))
    proposal = replace(PROPOSAL, legs=(PAIR,), state="signed")

    told = life.lines(proposal, (target, stop))

    assert len(told) == 2
    assert told[1].startswith(":gray[Its stop, sell")


def test_an_order_shows_how_far_it_trails() -> None:
    order = replace(ORDER, order_type="trailing_stop", limit_price=None, trail_price=D("2.5"))
    assert plain(words.terms(order)) == "stop 2.50 USD behind the best price"


def test_a_position_is_protected_once_all_of_it_is_said(desk_settings: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at = at.switch_page("views/approvals.py").run()
    at.button_group(key="hand-kind").set_value("protect").run()
    assert at.selectbox(key="protect-symbol").options == ["MSFT"]  # the one that is held
    assert at.button(key="hand-propose").disabled
    at.selectbox(key="protect-by").set_value("trailing_stop").run()
    at.number_input(key="protect-quantity").set_value(160)
    at.number_input(key="protect-trail_percent").set_value(4.5)
    at.text_input(key="protect-reason").set_value("Results are due.")
    at.run()

    at.button(key="hand-propose").click().run()

    assert not at.exception
    (asked,) = data.requested(("propose_by_hand",), 5)
    assert asked.payload == {
        "kind": "protect", "symbol": "MSFT", "protection": "trailing_stop", "quantity": "160",
        "trail_percent": "4.50", "reason": "Results are due.",
    }  # fmt: skip
