"""A click on what could not be sent is refused, and says why."""

from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from config.settings import Settings
from dashboard import data
from dashboard.cards import card, deciding
from ledger import market, new_id, pages, people, proposals, state
from ledger.pages import Proposal
from ledger.people import Person
from ledger.tables import accounts
from tests.unit.dashboard import proposed, rows
from trading.proposals import Leg
from trading.state import TradingState

CODE = "7F3A-9C21"


EXIT = Leg(
    leg_no=1, symbol="MSFT", side="sell", quantity=Decimal(160), order_type="market",
    time_in_force="day", reference_price=Decimal("30.66"), reduces=True,
)  # fmt: skip


def _shown(leg: Leg | None = None) -> tuple[Proposal, Person]:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        made = proposed.proposal(proposal_id=new_id(), code=CODE)
        if leg is not None:
            made = replace(made, legs=(leg,))
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


def _quoted_wide(symbol: str) -> None:
    with data.engine().begin() as conn:
        market.record_quotes(
            conn,
            [
                market.Quote(
                    symbol=symbol, bid=Decimal(20), ask=Decimal(40), last=None,
                    quoted_at=rows.MARKET_AT, received_at=rows.fresh(),
                )
            ],
        )  # fmt: skip


def test_an_exit_is_signed_by_what_its_shares_are_valued_at_while_no_quote_tells_a_price(
    desk_settings: Settings,
) -> None:
    shown, person = _shown(EXIT)
    _quoted_wide("MSFT")
    assert data.price("MSFT") is None

    assert card.why_not(shown, person) == ""
    outcome = deciding.sign(shown, person)

    assert outcome.recorded, outcome.sentence


def test_what_opens_is_not_signed_while_no_quote_tells_a_price(desk_settings: Settings) -> None:
    shown, person = _shown(replace(EXIT, side="buy", quantity=Decimal(10), reduces=False))
    _quoted_wide("MSFT")

    assert "bid 20.00 and ask 40.00 are too far apart" in card.why_not(shown, person)
    assert "too far apart to be a price" in deciding.sign(shown, person).sentence
