"""Proposals of many legs, flattening, tactics and sizes that fit, as people see them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from dashboard.cards import decision, dialogs, legs, words
from dashboard.cards.reading import shown
from ledger import new_id, pages, proposals
from tests.unit.dashboard import proposed, rows
from tests.unit.dashboard.conftest import SHELL
from tests.unit.dashboard.samples import ORDER
from trading.proposals import FLATTEN, Leg, Proposal
from trading.tactics.tactic import Tactic

D = Decimal
TACTIC = Tactic(
    kind="twap",
    starts_at=datetime(2012, 7, 3, 13, 35, tzinfo=UTC),
    ends_at=datetime(2012, 7, 3, 16, 55, tzinfo=UTC),
    slices=6,
)


def leg(number: int, symbol: str, side: str, quantity: int, price: str) -> Leg:
    return Leg(
        leg_no=number,
        symbol=symbol,
        side="buy" if side == "buy" else "sell",
        quantity=D(quantity),
        order_type="limit",
        time_in_force="day",
        reference_price=D(price),
        limit_price=D(price),
        reduces=side == "sell",
        tactic=TACTIC if side == "sell" else None,
    )


def rebalance() -> Proposal:
    made = proposed.proposal(proposal_id=new_id(), code="11AA-22BB")
    return replace(
        made,
        rationale=None,
        legs=(
            leg(1, "AAPL", "sell", 5, "600.00"),
            leg(2, "MSFT", "buy", 99, "30.22"),
            leg(3, "IBM", "buy", 10, "195.93"),
        ),
    )


def flatten() -> Proposal:
    closing = [replace(leg(n, s, "sell", 20, "195.80"), order_type="market", limit_price=None,
                       tactic=None) for n, s in ((1, "IBM"), (2, "MSFT"))]  # fmt: skip
    made = proposed.proposal(proposal_id=new_id(), code="44CC-55DD")
    return replace(
        made, rationale=None, model_version=None, advisory=False, legs=tuple(closing),
        command=FLATTEN, strategy=FLATTEN,
    )  # fmt: skip


def stored(proposal: Proposal) -> pages.Proposal:
    with data.engine().begin() as conn:
        proposals.add(conn, proposal, desk_at=data.now())
    (found,) = data.proposals_by_code((proposal.code,))
    return found


@pytest.fixture
def desk(desk_settings: Settings) -> Settings:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
    return desk_settings


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_rebalance_is_told_as_one_book(desk: Settings) -> None:
    found = stored(rebalance())

    assert words.sentence(found) == "Rebalance: 1 sale, 2 purchases"
    # 5 x 600.00; 99 x 30.22 + 10 x 195.93
    assert _plain(decision.many_sentence(found, shown(found))).startswith(
        "Brings in at least **3,000.00 USD** and costs at most **4,951.08 USD**"
    )
    text = _plain(" ".join(dialogs.confirmation(found)))
    assert "Sell 5 AAPL at 600.00 USD or more" in text
    assert "Sales go first." in text


def test_each_leg_says_how_it_is_worked_and_what_became_of_it(desk: Settings) -> None:
    found = stored(rebalance())
    sold, bought, waiting = found.legs
    orders = (
        replace(ORDER, leg_id=sold.leg_id, side="sell", quantity=D(3), filled_quantity=D(3),
                average_price=D("601.00"), state="filled"),
        replace(ORDER, leg_id=sold.leg_id, side="sell", quantity=D(2), filled_quantity=D(1),
                average_price=D("605.00"), state="canceled", reason="Its time ended."),
        replace(ORDER, leg_id=bought.leg_id, quantity=D(99), filled_quantity=D(99),
                average_price=D("30.20"), state="filled"),
    )  # fmt: skip

    one, two, three = legs.rows(found, orders)

    assert _plain(one[4]) == "even slices (6), 09:35–12:55, then at the limit"
    # (3 x 601 + 605) / 4
    assert _plain(one[5]) == ":orange[ended] 4 of 5 at 602.00. Its time ended."
    begun = replace(found, state="signed")  # a part has ended, the leg has not
    assert _plain(legs.rows(begun, orders)[0][5]) == ":blue[working] 4 of 5 at 602.00"
    done = replace(begun, legs=(replace(sold, closed_sentence="Its time ended."), bought, waiting))
    assert _plain(legs.rows(done, orders)[0][5]) == _plain(one[5])
    assert two[4] == "at once"
    assert _plain(two[5]) == ":green[**filled**] 99 at 30.20"
    assert three[5] == "—"
    assert waiting.symbol == "IBM"


def test_a_flatten_says_so_and_that_a_halt_does_not_stop_it(desk: Settings) -> None:
    found = stored(flatten())
    assert words.sentence(found) == "Close every position: 2 orders"
    assert words.kind(found) == "flatten · replay"

    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at = at.switch_page("views/approvals.py").run()

    assert not at.exception
    text = "\n".join(str(block.value) for block in at.markdown)
    assert "It is sent even while trading is halted." in text


def test_what_fits_is_proposed_by_one_click(desk: Settings) -> None:
    stored(proposed.proposal(proposal_id=new_id(), code="33CC-44DD", denied=True))
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at = at.switch_page("views/approvals.py").run()

    at.button(key="fit-33CC-44DD").click().run()

    assert not at.exception
    (asked,) = data.requested(("propose_fitting",), 5)
    assert asked.state == "waiting"
