"""A click on what could not be sent is refused, and says why."""

from decimal import Decimal

import sqlalchemy as sa

from config.settings import Settings
from dashboard import data
from dashboard.cards import deciding
from ledger import new_id, pages, people, proposals, state
from ledger.pages import Proposal
from ledger.people import Person
from ledger.tables import accounts
from tests.unit.dashboard import proposed, rows
from trading.state import TradingState

CODE = "7F3A-9C21"


def _shown() -> tuple[Proposal, Person]:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        made = proposed.proposal(proposal_id=new_id(), code=CODE)
        proposals.record(conn, made, desk_at=data.now())
        maria = people.add(
            conn,
            login="maria",
            display_name="Maria",
            roles=("signatory",),
            desk_at=data.now(),
            origin="os",
        )
        return pages.proposals_by_code(conn, [CODE])[0], maria


def test_nobody_signs_while_trading_is_halted(desk_settings: Settings) -> None:
    shown, person = _shown()
    with data.engine().begin() as conn:
        state.tighten(
            conn, to=TradingState.HALTED, reason="a drill", process="x", desk_at=data.now()
        )

    outcome = deciding.sign(shown, person)

    assert (outcome.recorded, outcome.code) == (False, "trading_state")
    assert outcome.sentence == "Not signed. Trading is HALTED."


def test_nobody_signs_what_the_account_can_no_longer_pay(desk_settings: Settings) -> None:
    shown, person = _shown()
    with data.engine().begin() as conn:
        conn.execute(sa.update(accounts).values(settled_cash=Decimal(4_898)))

    outcome = deciding.sign(shown, person)

    assert not outcome.recorded
    assert outcome.sentence == (
        "Not signed. It needs 4,898.25 USD with open orders; 4,898.00 USD settled are there."
    )


def test_what_nothing_stands_against_is_signed(desk_settings: Settings) -> None:
    outcome = deciding.sign(*_shown())

    assert outcome.recorded, outcome.sentence
