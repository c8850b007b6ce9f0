"""What the ledger says against signing, and what unsent proposals take from later ones."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from config import limits as limits_module
from ledger import market, new_id, overrides, promised, standing, state
from ledger.tables import limit_overrides
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, Case, proposed
from trading.limits import effective
from trading.proposals import CheckResult, Proposal
from trading.state import TradingState

D = Decimal
LIMITS = limits_module.load()
SECTORS = {"IBM": "Technology", "MSFT": "Software", "GE": "Industry"}


@pytest.fixture
def desk(case: Case) -> Case:
    """The account is known: 100,000 USD, all of it cash, nothing held."""
    _tell_account(case, cash="100000")
    return case


def _tell_account(case: Case, *, cash: str, status: str = "ACTIVE") -> None:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(cash), settled_cash=D(cash), buying_power=D(cash), currency="USD", status=status,
        as_of=OPEN, received_at=NOON,
    )  # fmt: skip
    with case.ledger.begin() as conn:
        market.record_account(conn, account)


def _against(case: Case, proposal: Proposal) -> tuple[CheckResult, ...]:
    with case.ledger.begin() as conn:
        return standing.against_signing(
            conn, proposal.proposal_id, limits=LIMITS, sectors=SECTORS, desk_at=NOON
        )


def _override(case: Case, name: str, value: str, **changes: object) -> None:
    row = {
        "override_id": new_id(), "account_id": "PA1", "name": name, "value": D(value),
        "reason": "a drill", "person_id": case.person["Ada"], "created_at": case.desk_at(),
        "expires_at": NOON + timedelta(days=1),
    }  # fmt: skip
    with case.ledger.begin() as conn:
        conn.execute(sa.insert(limit_overrides).values(row | changes))


def test_nothing_stands_against_signing_on_a_sound_desk(desk: Case) -> None:
    made = proposed()
    desk.record(made)

    assert _against(desk, made) == ()


def test_a_halt_a_blocked_account_or_an_unknown_account_stand_against_it(case: Case) -> None:
    made = proposed()
    case.record(made)
    assert _against(case, made)[0].sentence.startswith("Not known: what kind of account")

    _tell_account(case, cash="100000", status="BLOCKED")
    assert [r.code for r in _against(case, made)] == ["not_tradable"]

    _tell_account(case, cash="100000")
    with case.ledger.begin() as conn:
        state.tighten(conn, to=TradingState.HALTED, reason="drill", process="x", desk_at=NOON)
    assert _against(case, made)[0].sentence == "Trading is HALTED."


def test_what_others_signed_counts_against_money(desk: Case) -> None:
    _tell_account(desk, cash="9000")
    first, second = proposed("IBM"), proposed("MSFT")  # 4,898.25 USD each
    for made in (first, second):
        desk.record(made)
    assert _against(desk, second) == ()  # nobody has signed the first

    desk.sign(first, "Maria")

    assert [r.code for r in _against(desk, second)] == ["exposure"]


def test_what_is_held_and_signed_counts_against_the_position(desk: Case) -> None:
    one, more = proposed(quantity=20), proposed(quantity=6, strategy="other")
    for made in (one, more):
        desk.record(made)
    desk.sign(one, "Maria")

    assert [r.code for r in _against(desk, more)] == ["too_large"]


def test_only_an_open_proposal_is_judged(desk: Case) -> None:
    made = proposed()
    desk.record(made)
    desk.sign(made, "Maria")
    _tell_account(desk, cash="1")

    assert _against(desk, made) == ()


def test_overrides_hold_until_they_end_or_are_revoked(desk: Case) -> None:
    made = proposed()
    desk.record(made)
    _override(desk, "position_share", "0.04")
    assert [r.code for r in _against(desk, made)] == ["too_large"]

    _override(desk, "position_share", "0.05")  # the later one stands
    assert _against(desk, made) == ()


def test_only_live_overrides_of_the_account_are_read(desk: Case) -> None:
    _override(desk, "positions", "12")
    _override(desk, "positions", "11", revoked_at=NOON)
    _override(desk, "positions", "10", expires_at=NOON)
    _override(desk, "positions", "9", account_id="PA2")
    with desk.ledger.connect() as conn:
        told = overrides.active(conn, account_id="PA1", desk_at=NOON)

    assert [(one.name, one.value) for one in told] == [("positions", D(12))]
    assert effective(LIMITS, told, now=NOON).positions == 12


def test_what_may_still_be_sent_is_promised(desk: Case) -> None:
    opened, signed, vetoed = proposed("IBM"), proposed("MSFT"), proposed("GE")
    for made in (opened, signed, vetoed, denied_proposal()):
        desk.record(made)
    desk.sign(signed, "Maria")
    desk.veto(vetoed, "Jan")
    with desk.ledger.connect() as conn:
        both = promised.promised(conn, states=("open", "signed"), market_at=OPEN)
        others = promised.promised(
            conn, states=("open", "signed"), market_at=None, but=opened.proposal_id
        )
        ended = promised.promised(conn, states=("open", "signed"), market_at=CLOSE)

    assert [each.leg for each in both] == [*opened.legs, *signed.legs]
    assert [each.proposal_id for each in others] == [signed.proposal_id]
    assert ended == []


def denied_proposal() -> Proposal:
    return replace(proposed("GE", strategy="other"), checks=proposed(denied=True).checks)
