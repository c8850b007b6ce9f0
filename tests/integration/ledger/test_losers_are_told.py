"""A decision has one outcome, and whoever came too late is told which, by whom."""

from datetime import timedelta
from functools import partial

import pytest

from ledger import proposals, transact
from tests.integration.ledger.cases import CLOSE, SECOND, Case, at_once, both, proposed
from trading.proposals import Proposal
from trading.signatures import SignOutcome


def replace(case: Case, old: Proposal, new: Proposal) -> str | None:
    return transact(
        case.ledger,
        lambda conn: proposals.supersede(conn, old.proposal_id, new, desk_at=case.desk_at()),
    )


def assert_told(outcome: SignOutcome, *words: str) -> None:
    assert not outcome.recorded
    assert outcome.sentence.endswith(".")
    assert any(word in outcome.sentence for word in words), outcome.sentence


def test_sixty_four_at_once_name_the_one_who_won(case: Case) -> None:
    names = [f"Signatory {number}" for number in range(64)]
    for name in names:
        case.add_person(name, "signatory")
    proposal = proposed()
    case.record(proposal)

    outcomes = at_once([partial(case.sign, proposal, name) for name in names])

    (winner,) = (n for n, told in zip(names, outcomes, strict=True) if told.recorded)
    losers = [told for told in outcomes if not told.recorded]
    assert len(losers) == 63
    for told in losers:
        assert_told(told, winner)
    assert case.live_signatures(proposal) == 1
    assert (case.audited(proposal.proposal_id, "proposal.sign"), case.state(proposal)) == (
        1,
        "signed",
    )
    case.assert_chain_holds()


def test_who_signs_or_vetoes_too_late_is_told_by_whom_it_was_decided(case: Case) -> None:
    for number in range(8):
        proposal = proposed(f"S{number}")
        case.record(proposal)

        signed, vetoed = both(
            partial(case.sign, proposal, "Maria"), partial(case.veto, proposal, "Jan")
        )

        if signed.recorded:
            assert_told(vetoed, "Maria signed")
        else:
            assert_told(signed, "Jan vetoed")
        assert case.live_signatures(proposal) == int(signed.recorded)
    case.assert_chain_holds()


@pytest.mark.parametrize("early", [SECOND, 0 * SECOND])
def test_who_signs_as_it_expires_is_told(case: Case, early: timedelta) -> None:
    for number in range(6):
        proposal = proposed(f"S{number}")
        case.record(proposal)

        signed, ended = both(
            partial(case.sign, proposal, "Maria", market_at=CLOSE - early),
            partial(case.expire, CLOSE),
        )

        assert bool(ended)
        assert case.state(proposal) == "expired"
        if not signed.recorded:
            assert_told(signed, "expired")
        # At the very end of its validity nobody signs, whoever is first.
        assert not (signed.recorded and early == 0 * SECOND)
    case.assert_chain_holds()


def test_who_signs_what_was_replaced_is_told(case: Case) -> None:
    for number in range(8):
        old = proposed(f"S{number}")
        new = proposed(f"S{number}", limit="196.50", supersedes=old.proposal_id)
        case.record(old)

        signed, made = both(partial(case.sign, old, "Maria"), partial(replace, case, old, new))

        assert signed.recorded == (made is None)
        if not signed.recorded:
            assert_told(signed, "replaced")
            assert case.sign(new, "Maria").recorded
        assert case.audited(old.proposal_id, "proposal.supersede") == int(not signed.recorded)
    case.assert_chain_holds()


def test_sign_veto_expiry_and_replacement_all_at_once_leave_one(case: Case) -> None:
    for number in range(6):
        old = proposed(f"S{number}")
        new = proposed(f"S{number}", limit="196.50", supersedes=old.proposal_id)
        case.record(old)
        before = CLOSE - SECOND
        jobs = [
            lambda: case.sign(old, "Maria", market_at=before).recorded,  # noqa: B023  run at once
            lambda: case.sign(old, "Ada", market_at=before).recorded,  # noqa: B023
            lambda: case.veto(old, "Jan", market_at=before).recorded,  # noqa: B023
            lambda: replace(case, old, new) is not None,  # noqa: B023
        ]

        won = at_once(jobs)

        assert sum(won) == 1
        wanted = ("signed", "signed", "vetoed", "superseded")[won.index(True)]
        assert case.state(old) == wanted
    case.assert_chain_holds()
