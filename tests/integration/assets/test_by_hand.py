"""A trade entered by hand is judged like every other, and somebody else signs it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from assets.by_hand import hand_proposal
from assets.hand_tickets import ticket_of
from assets.picture import Viewer
from ledger import market, new_id
from tests.integration.assets.viewed import LIMITS, tell_market
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, Case
from trading.errors import NotAllowedError
from trading.proposals import Proposal, from_content

D = Decimal
ASKED: dict[str, object] = {
    "symbol": "MSFT", "side": "buy", "quantity": "100", "limit_price": "30.70",
    "stop_loss_price": "29.50", "reason": "Results are better than the price says.",
}  # fmt: skip


def entered(viewer: Viewer, case: Case, **changed: object) -> Proposal:
    return hand_proposal(
        viewer, ticket_of(ASKED | changed), proposal_id=new_id(), person_id=case.person["Ann"]
    )


def test_what_was_entered_stands_in_the_bytes_with_who_and_why(case: Case, viewer: Viewer) -> None:
    tell_market(case, is_open=True)
    made = entered(viewer, case)

    told = from_content(made.canonical()[0])
    [leg] = told.legs
    assert (told.entered_by, told.reason) == (case.person["Ann"], ASKED["reason"])
    assert (leg.symbol, leg.side, leg.quantity) == ("MSFT", "buy", D(100))
    assert (leg.limit_price, leg.stop_loss_price) == (D("30.70"), D("29.50"))
    assert leg.reference_price == D("30.60")  # what the broker quotes
    assert told.risk.loss_to_stop == D("120.00")  # 100 x (30.70 - 29.50)
    assert told.model_version is None
    # Nothing was loaded: data and past returns are unknown, and an opening order is denied.
    assert told.is_denied


def test_in_a_session_it_ends_soon_and_lapses_early(case: Case, viewer: Viewer) -> None:
    tell_market(case, is_open=True)
    replayed = entered(viewer, case)
    live = replace(viewer, settings=viewer.settings.model_copy(update={"mode": "paper"}))
    real = entered(live, case)

    assert replayed.valid_until == CLOSE  # the replay waits for people
    assert real.valid_until == OPEN + timedelta(minutes=LIMITS.intraday_validity_minutes)
    assert replayed.drift_bound == real.drift_bound == D("0.005")


def test_between_sessions_it_is_for_the_next(case: Case, viewer: Viewer) -> None:
    with pytest.raises(NotAllowedError, match="Nobody quotes MSFT"):
        entered(viewer, case)

    price = D("30.60")
    with case.ledger.begin() as conn:
        market.record_quotes(conn, [market.Quote("MSFT", price, price, price, OPEN, NOON)])
    live = replace(viewer, settings=viewer.settings.model_copy(update={"mode": "paper"}))

    assert entered(viewer, case).valid_until == CLOSE
    real = entered(live, case)
    assert real.valid_until == OPEN + timedelta(minutes=LIMITS.next_session_validity_minutes)
    assert real.drift_bound == D(str(LIMITS.next_session_drift))  # no past, no wider bound


def test_what_is_held_is_protected_by_a_leg_that_only_reduces(case: Case, viewer: Viewer) -> None:
    tell_market(case, is_open=True)
    price = D("30.60")
    with case.ledger.begin() as conn:
        held = market.Position("MSFT", D(160), price, price, 160 * price, D(0), OPEN, NOON)
        market.record_positions(conn, [held])
    asked = {
        "kind": "protect", "symbol": "MSFT", "protection": "trailing_stop", "quantity": "160",
        "trail_percent": "5", "reason": "Results are due.",
    }  # fmt: skip
    made = hand_proposal(
        viewer, ticket_of(asked), proposal_id=new_id(), person_id=case.person["Ann"]
    )

    told = from_content(made.canonical()[0])
    [leg] = told.legs
    assert told == made
    assert (leg.side, leg.order_type, leg.trail_percent) == ("sell", "trailing_stop", D(5))
    assert (leg.reduces, leg.time_in_force) == (True, "gtc")
    assert told.risk.loss_to_stop == D("244.80")  # 160 x 5 % of 30.60
    # A price that comes near the stop is no reason to leave the position without one.
    assert told.drift_bound == LIMITS.collar
    # Nothing was loaded: what is not known of an opening order only warns here.
    assert {one.code for one in made.checks if one.denies} <= {"not_reconciled", "build_differs"}
    with pytest.raises(NotAllowedError, match="Nothing is held of IBM"):
        hand_proposal(
            viewer,
            ticket_of(asked | {"symbol": "IBM"}),
            proposal_id=new_id(),
            person_id=case.person["Ann"],
        )


def test_an_entry_brings_its_stop_and_its_target(case: Case, viewer: Viewer) -> None:
    tell_market(case, is_open=True)
    [leg] = entered(viewer, case, take_profit_price="33.00").legs

    assert (leg.stop_loss_price, leg.take_profit_price) == (D("29.50"), D("33.00"))
    assert (leg.time_in_force, leg.reduces, leg.order_class) == ("gtc", False, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"symbol": "ENRN"}, "ENRN is not of the universe"),
        ({"side": "hold"}, "buy or sell"),
        ({"quantity": "many"}, "quantity is a number above 0"),
        ({"quantity": "NaN"}, "quantity is a number above 0"),
        ({"limit_price": "-1"}, "limit price is a number above 0"),
        ({"stop_loss_price": "30.70"}, "must be below the limit"),
        ({"side": "sell", "stop_loss_price": "29.50"}, "must be above the limit"),
        ({"reason": "  "}, "needs a reason"),
    ],
)
def test_a_ticket_that_makes_no_sense_is_refused_in_words(
    case: Case, viewer: Viewer, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(NotAllowedError, match=said):
        entered(viewer, case, **changed)
