"""Many people, one proposal, one instant: exactly one outcome, and an unbroken chain."""

from collections import Counter
from datetime import datetime
from functools import partial

import pytest
import sqlalchemy as sa

from ledger import proposals, transact
from ledger.tables import proposals as table
from tests.integration.ledger.cases import CLOSE, OPEN, SECOND, Case, at_once, both, proposed
from trading.proposals import Proposal


@pytest.mark.parametrize("people", [16, 64])
def test_of_many_signatories_at_once_one_wins(case: Case, people: int) -> None:
    names = [f"P{number}" for number in range(people)]
    for name in names:
        case.add_person(name, "signatory")
    proposal = proposed()
    case.record(proposal)

    outcomes = at_once([partial(case.sign, proposal, name) for name in names])

    assert sum(outcome.recorded for outcome in outcomes) == 1
    assert case.live_signatures(proposal) == 1
    assert case.audited(proposal.proposal_id, "proposal.sign") == 1
    assert all(outcome.state == "signed" for outcome in outcomes)
    assert all("was not recorded" in told.sentence for told in outcomes if not told.recorded)
    case.assert_chain_holds()


def test_of_many_signatories_at_once_two_win_when_two_must_sign(case: Case) -> None:
    names = [f"P{number}" for number in range(16)]
    for name in names:
        case.add_person(name, "signatory")
    proposal = proposed(quantity=60, signatures_needed=2)
    case.record(proposal)

    outcomes = at_once([partial(case.sign, proposal, name) for name in names])

    assert sum(outcome.recorded for outcome in outcomes) == 2
    assert case.live_signatures(proposal) == 2
    assert case.state(proposal) == "signed"
    case.assert_chain_holds()


def test_a_double_click_in_two_tabs_is_one_signature(case: Case) -> None:
    for symbol in ("AAPL", "GOOG", "IBM", "MSFT"):
        proposal = proposed(symbol)
        case.record(proposal)

        outcomes = at_once([partial(case.sign, proposal, "Maria")] * 8)

        assert sum(outcome.recorded for outcome in outcomes) == 1
        assert case.live_signatures(proposal) == 1
    case.assert_chain_holds()


def test_a_double_click_is_not_two_of_four_eyes(case: Case) -> None:
    proposal = proposed(quantity=60, signatures_needed=2)
    case.record(proposal)

    outcomes = at_once([lambda: case.sign(proposal, "Maria")] * 8)

    assert sum(outcome.recorded for outcome in outcomes) == 1
    assert case.state(proposal) == "open"


def test_sign_and_veto_at_once_leave_one_of_them(case: Case) -> None:
    seen: Counter[str] = Counter()
    for number in range(12):
        proposal = proposed(f"S{number}")
        case.record(proposal)

        signed, vetoed = both(
            partial(case.sign, proposal, "Maria"),
            partial(case.veto, proposal, "Jan"),
        )

        assert signed.recorded != vetoed.recorded
        assert case.state(proposal) == ("signed" if signed.recorded else "vetoed")
        seen[case.state(proposal)] += 1
    assert sum(seen.values()) == 12
    case.assert_chain_holds()


def test_sign_and_expire_at_once_never_leave_both(case: Case) -> None:
    for number in range(12):
        proposal = proposed(f"S{number}")
        case.record(proposal)

        signed, ended = both(
            partial(case.sign, proposal, "Maria", market_at=CLOSE - SECOND),
            partial(case.expire, CLOSE),
        )

        # Expiry also ends what was signed and not sent; so at the end it is never open.
        assert case.state(proposal) in ({"signed", "expired"} if signed.recorded else {"expired"})
        assert bool(ended) == (case.state(proposal) == "expired")
    case.assert_chain_holds()


def test_sign_and_supersede_at_once_leave_one_of_them(case: Case) -> None:
    def replace(old: Proposal, new: Proposal) -> str | None:
        return transact(
            case.ledger,
            lambda conn: proposals.supersede(conn, old.proposal_id, new, desk_at=case.desk_at()),
        )

    for number in range(12):
        old = proposed(f"S{number}")
        new = proposed(f"S{number}", limit="196.50", supersedes=old.proposal_id)
        case.record(old)

        signed, _ = both(
            partial(case.sign, old, "Maria"),
            partial(replace, old, new),
        )

        replaced = case.state(new) == "open"
        assert signed.recorded != replaced
        assert case.state(old) == ("superseded" if replaced else "signed")
    case.assert_chain_holds()


def test_two_signers_of_two_halves_cannot_both_slip_under(case: Case) -> None:
    enterer = case.add_person("Eve", "signatory")
    for number in range(8):
        halves = [
            proposed(f"S{number}", quantity=30, strategy="hand", entered_by=enterer)
            for _ in range(2)
        ]
        for half in halves:
            case.record(half)

        outcomes = at_once(
            [
                partial(case.sign, halves[0], "Maria"),
                partial(case.sign, halves[1], "Jan"),
            ]
        )

        assert all(outcome.recorded for outcome in outcomes)
        assert sorted(case.state(half) for half in halves) == ["open", "signed"]
    case.assert_chain_holds()


def test_a_role_lost_at_the_click_is_seen_or_comes_after(case: Case) -> None:
    for number in range(8):
        proposal = proposed(f"S{number}")
        case.record(proposal)
        case.set_roles("Jan", "signatory")

        signed, _ = both(
            partial(case.sign, proposal, "Jan"),
            partial(case.set_roles, "Jan", "viewer"),
        )

        assert case.state(proposal) == ("signed" if signed.recorded else "open")
        assert not case.sign(proposal, "Jan").recorded
    case.assert_chain_holds()


def test_withdrawing_and_sending_at_once_leave_one_of_them(case: Case) -> None:
    def withdrawn_now(proposal: Proposal) -> bool:
        return case.withdraw(proposal, "Maria").recorded

    def start_sending(proposal_id: str, at: datetime) -> bool:
        with case.ledger.begin() as conn:
            return bool(
                conn.execute(
                    sa.update(table)
                    .where(
                        table.c.proposal_id == proposal_id,
                        table.c.state == "signed",
                        table.c.sending_at.is_(None),
                    )
                    .values(sending_at=at)
                ).rowcount
            )

    for number in range(12):
        proposal = proposed(f"S{number}")
        case.record(proposal)
        case.sign(proposal, "Maria", market_at=OPEN)

        withdrawn, sent = both(
            partial(withdrawn_now, proposal),
            partial(start_sending, proposal.proposal_id, case.desk_at()),
        )

        assert withdrawn != sent
        assert (case.state(proposal) == "signed") == sent
    case.assert_chain_holds()
