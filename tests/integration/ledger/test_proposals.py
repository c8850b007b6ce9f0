"""Proposals are recorded once, keep their bytes, and end in one way."""

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from ledger import audit, filed, proposals, transact
from ledger.tables import proposals as table
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, Case, at_once, proposed
from trading.errors import ContentMismatchError, NotAllowedError, RetryError
from trading.proposals import Proposal


def _count(case: Case) -> int:
    with case.ledger.connect() as conn:
        return int(conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _supersede(case: Case, old: Proposal, new: Proposal) -> str | None:
    return transact(
        case.ledger,
        lambda conn: proposals.supersede(conn, old.proposal_id, new, desk_at=case.desk_at()),
    )


def test_a_recorded_proposal_is_read_back_as_it_was_hashed(case: Case) -> None:
    proposal = proposed()

    assert case.record(proposal) == proposal.proposal_id

    stored, digest = proposal.canonical()
    with case.ledger.connect() as conn:
        found = filed.by_code(conn, proposal.code)
        assert found is not None
        assert found == filed.by_id(conn, proposal.proposal_id)
        assert (found.state, found.content, found.content_hash) == ("open", stored, digest)
        assert filed.content(conn, proposal.proposal_id) == stored
        assert [kept.leg for kept in filed.legs_of(conn, proposal.proposal_id)] == [*proposal.legs]
        assert [kept.code for kept in filed.open_ones(conn)] == [proposal.code]
        assert filed.undecided(conn) == 1
    assert case.audited(proposal.proposal_id, "proposal.record") == 1


def test_a_denied_proposal_is_kept_but_never_open(case: Case) -> None:
    proposal = proposed(denied=True)
    case.record(proposal)

    assert case.state(proposal) == "denied"
    with case.ledger.connect() as conn:
        assert filed.undecided(conn) == 0


def test_the_same_proposal_twice_is_one(case: Case) -> None:
    proposal = proposed()

    assert case.record(proposal) == case.record(proposal)
    assert _count(case) == 1
    assert case.audited(proposal.proposal_id, "proposal.record") == 1


def test_the_same_id_with_another_content_is_refused(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    with pytest.raises(ContentMismatchError):
        case.record(proposed(proposal_id=proposal.proposal_id, quantity=26))


@pytest.mark.parametrize("model_version", ["m1", "m2"])
def test_a_repeated_daily_run_adds_no_second_open_proposal(case: Case, model_version: str) -> None:
    first = proposed()
    case.record(first)

    again = case.record(proposed(quantity=20, model_version=model_version))

    assert again == first.proposal_id
    assert _count(case) == 1


def test_adding_by_id_looks_at_nothing_else(case: Case) -> None:
    first, second = proposed(), proposed(denied=True)
    with case.ledger.begin() as conn:
        states = [
            proposals.add(conn, draft, desk_at=NOON).state for draft in (first, second, first)
        ]

    assert states == ["open", "denied", "open"]
    assert _count(case) == 2


def test_adding_replaces_what_it_supersedes_or_refuses(case: Case) -> None:
    old = proposed()
    new, late = (proposed(quantity=n, supersedes=old.proposal_id) for n in (20, 10))
    case.record(old)

    with case.ledger.begin() as conn:
        assert proposals.add(conn, new, desk_at=NOON).state == "open"
        with pytest.raises(NotAllowedError, match="decided meanwhile"):
            proposals.add(conn, late, desk_at=NOON)
    assert (case.state(old), _count(case)) == ("superseded", 2)


def test_what_was_vetoed_or_signed_does_not_come_back(case: Case) -> None:
    vetoed, signed = proposed("IBM"), proposed("MSFT")
    case.record(vetoed)
    case.record(signed)
    case.veto(vetoed, "Maria")
    case.sign(signed, "Maria")

    assert case.record(proposed("IBM")) == vetoed.proposal_id
    assert case.record(proposed("MSFT")) == signed.proposal_id
    assert _count(case) == 2


def test_runs_at_once_record_one_proposal(case: Case) -> None:
    drafts = [proposed() for _ in range(8)]

    ids = at_once([partial(case.record, draft) for draft in drafts])

    assert len(set(ids)) == 1
    assert _count(case) == 1
    case.assert_chain_holds()


def test_other_sessions_sides_strategies_and_hands_are_other_proposals(case: Case) -> None:
    drafts = [
        proposed(),
        proposed(session=OPEN.date()),
        proposed(side="sell"),
        proposed(strategy="reversal"),
        proposed(entered_by=case.person["Ann"]),
        proposed(entered_by=case.person["Ann"]),
    ]

    assert [case.record(draft) for draft in drafts] == [draft.proposal_id for draft in drafts]


def test_a_code_in_use_asks_for_a_new_draft(case: Case) -> None:
    first, second = proposed("IBM"), proposed("MSFT")
    case.record(first)
    case.set_value(first, code=second.code)

    with pytest.raises(RetryError, match="new id"):
        case.record(second)
    assert _count(case) == 1


def test_a_record_rolled_back_leaves_no_trace(case: Case) -> None:
    with case.ledger.connect() as conn:
        before = len(audit.entries(conn))
    with case.ledger.connect() as conn, conn.begin() as transaction:
        proposals.record(conn, proposed(), desk_at=NOON)
        transaction.rollback()

    assert _count(case) == 0
    with case.ledger.connect() as conn:
        assert len(audit.entries(conn)) == before
    case.assert_chain_holds()


def test_expiry_comes_at_the_very_instant_and_not_before(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    assert case.expire(CLOSE - timedelta(microseconds=1)) == []
    assert case.state(proposal) == "open"
    assert case.expire(CLOSE) == [proposal.code]
    assert case.state(proposal) == "expired"
    assert case.expire(CLOSE) == []
    assert case.audited(proposal.proposal_id, "proposal.expire") == 1


def test_expiry_ends_what_was_signed_and_not_sent_but_nothing_being_sent(case: Case) -> None:
    unsent, sending, vetoed = proposed("IBM"), proposed("MSFT"), proposed("AAPL")
    for proposal in (unsent, sending, vetoed):
        case.record(proposal)
    case.sign(unsent, "Maria")
    case.sign(sending, "Maria")
    case.veto(vetoed, "Maria")
    case.set_value(sending, sending_at=NOON)

    assert case.expire(CLOSE) == [unsent.code]

    assert str(case.value(unsent, "note")).startswith("Not sent.")
    assert [case.state(p) for p in (unsent, sending, vetoed)] == ["expired", "signed", "vetoed"]


def test_expiring_at_once_ends_each_proposal_once(case: Case) -> None:
    drafts = [proposed(f"S{number}") for number in range(10)]
    for draft in drafts:
        case.record(draft)

    ended = at_once([partial(case.expire, CLOSE)] * 6)

    told = [code for codes in ended for code in codes]
    assert sorted(map(str, told)) == sorted(draft.code for draft in drafts)
    case.assert_chain_holds()


def test_a_lapse_ends_a_signed_proposal_until_it_is_being_sent(case: Case) -> None:
    signed, sending = proposed("IBM"), proposed("MSFT")
    sentence = "Not sent. IBM moved +0.61 % after you signed; your signature covered ±0.50 %."
    for proposal in (signed, sending):
        case.record(proposal)
        case.sign(proposal, "Maria")
    case.set_value(sending, sending_at=NOON)

    with case.ledger.begin() as conn:
        lapsed = [
            proposals.lapse(conn, proposal.proposal_id, sentence=sentence, desk_at=NOON)
            for proposal in (signed, sending)
        ]

    assert lapsed == [True, False]
    assert (case.state(signed), case.value(signed, "note")) == ("lapsed", sentence)
    assert case.state(sending) == "signed"


def test_a_new_price_replaces_an_open_proposal_once(case: Case) -> None:
    old = proposed(quantity=60, signatures_needed=2)
    case.record(old)
    case.sign(old, "Maria")
    new = proposed(quantity=60, limit="196.50", supersedes=old.proposal_id)
    late = proposed(quantity=60, limit="197.00", supersedes=old.proposal_id)

    assert _supersede(case, old, new) == new.proposal_id
    assert _supersede(case, old, new) == new.proposal_id
    assert _supersede(case, old, late) is None

    assert (case.state(old), case.state(new)) == ("superseded", "open")
    assert case.value(old, "superseded_by") == new.proposal_id
    assert case.value(new, "signers") == []
    assert not case.sign(old, "Jan").recorded
    assert _count(case) == 2


def test_a_denied_one_keeps_its_state_when_a_smaller_one_follows(case: Case) -> None:
    old = proposed(denied=True)
    case.record(old)
    new = proposed(quantity=8, supersedes=old.proposal_id)

    assert _supersede(case, old, new) == new.proposal_id
    assert (case.state(old), case.state(new)) == ("denied", "open")


def test_nothing_replaces_what_was_signed_or_vetoed(case: Case) -> None:
    for symbol, decide in (("IBM", case.sign), ("MSFT", case.veto)):
        old = proposed(symbol)
        case.record(old)
        decide(old, "Maria")

        assert _supersede(case, old, proposed(symbol, supersedes=old.proposal_id)) is None
    assert _count(case) == 2


def test_a_whole_proposal_is_withdrawn_by_those_who_may(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    with case.ledger.begin() as conn, pytest.raises(NotAllowedError):
        proposals.withdraw(
            conn,
            proposal.proposal_id,
            person_id=case.person["Vic"],
            sentence="No.",
            desk_at=NOON,
        )
    with case.ledger.begin() as conn:
        done = [
            proposals.withdraw(
                conn,
                proposal.proposal_id,
                person_id=case.person["Jan"],
                sentence="Earnings tonight.",
                desk_at=NOON,
            )
            for _ in range(2)
        ]

    assert done == [True, False]
    assert (case.state(proposal), case.value(proposal, "note")) == (
        "withdrawn",
        "Earnings tonight.",
    )
    case.assert_chain_holds()
