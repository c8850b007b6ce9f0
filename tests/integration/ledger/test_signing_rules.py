"""One person, one click: what is recorded, what is refused, and in which words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from ledger import audit, filed, people, signatures
from ledger.tables import legs
from ledger.tables import proposals as proposals_table
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, SECOND, Case, proposed
from trading.errors import ContentMismatchError


def test_a_signature_signs_a_small_proposal(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    outcome = case.sign(proposal, "Maria", price=Decimal("195.46"))

    assert (outcome.recorded, outcome.state, outcome.missing_signatures) == (True, "signed", 0)
    with case.ledger.connect() as conn:
        (mark,) = signatures.of_proposal(conn, proposal.proposal_id)
    assert mark.content_hash == proposal.canonical()[1]
    assert mark.price_at_signing == Decimal("195.46")
    assert mark.drift_bound == Decimal("0.005")
    assert case.audited(proposal.proposal_id, "proposal.sign") == 1
    case.assert_chain_holds()


def test_a_hash_that_is_not_the_stored_one_signs_nothing(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    outcome = case.sign(proposal, "Maria", content_hash="0" * 64)

    assert not outcome.recorded
    assert "not the one on your screen" in outcome.sentence
    assert case.state(proposal) == "open"


def test_altered_bytes_are_never_signed_or_shown(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    case.set_value(proposal, content=proposal.canonical()[0].replace(b'"25"', b'"99"'))

    with pytest.raises(ContentMismatchError):
        case.sign(proposal, "Maria")
    with case.ledger.connect() as conn, pytest.raises(ContentMismatchError):
        filed.content(conn, proposal.proposal_id)
    assert case.live_signatures(proposal) == 0


def test_bytes_and_hash_of_another_proposal_are_never_signed(case: Case) -> None:
    shown, other = proposed(), proposed(quantity=99)
    case.record(shown)
    stored, digest = other.canonical()
    case.set_value(shown, content=stored, content_hash=digest)

    with pytest.raises(ContentMismatchError, match="legs, notional"):
        case.sign(shown, "Maria", content_hash=digest)
    assert case.live_signatures(shown) == 0


def test_a_leg_altered_beside_its_bytes_is_never_signed(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    with case.ledger.begin() as conn:
        conn.execute(
            sa.update(legs)
            .where(legs.c.proposal_id == proposal.proposal_id)
            .values(quantity=Decimal(99))
        )

    with pytest.raises(ContentMismatchError):
        case.sign(proposal, "Maria")
    assert case.state(proposal) == "open"


def test_validity_ends_at_the_very_instant(case: Case) -> None:
    before, at = proposed("IBM"), proposed("MSFT")
    case.record(before)
    case.record(at)
    tick = timedelta(microseconds=1)

    assert case.sign(before, "Maria", market_at=CLOSE - tick).recorded
    late = case.sign(at, "Maria", market_at=CLOSE)

    assert not late.recorded
    assert late.sentence == "This expired at 13:00 New York. Your signature was not recorded."


def test_the_hour_that_a_clock_change_repeats_counts_once(case: Case) -> None:
    """On 4 November 2012 New York's clocks went from 01:59:59 back to 01:00:00, at 06:00 UTC."""
    ends = datetime(2012, 11, 4, 6, 0, tzinfo=UTC)
    first, second = (
        replace(proposed(symbol), valid_from=ends - timedelta(hours=2), valid_until=ends)
        for symbol in ("IBM", "MSFT")
    )
    case.record(first)
    case.record(second)
    new_york = ZoneInfo("America/New_York")
    before = datetime(2012, 11, 4, 1, 59, 59, tzinfo=new_york)
    after = datetime(2012, 11, 4, 1, 0, 0, fold=1, tzinfo=new_york)

    assert case.sign(first, "Maria", market_at=before).recorded
    late = case.sign(second, "Maria", market_at=after)

    assert not late.recorded
    assert case.expire(ends - SECOND) == []
    assert set(case.expire(after)) == {first.code, second.code}


def test_only_active_signatories_sign(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    case.set_roles("Jan", "analyst")
    case.set_roles("Ada", "signatory", active=False)

    refused = [case.sign(proposal, name) for name in ("Ann", "Vic", "Jan", "Ada")]

    assert not any(outcome.recorded for outcome in refused)
    assert case.state(proposal) == "open"


def test_a_denied_proposal_cannot_be_signed(case: Case) -> None:
    proposal = proposed(denied=True)
    case.record(proposal)

    outcome = case.sign(proposal, "Maria")

    assert (outcome.recorded, outcome.state) == (False, "denied")


def test_a_price_beyond_the_bound_is_refused_with_its_figure(case: Case) -> None:
    proposal = proposed()  # 195.83, ±0.50 %: from 194.85 to 196.81
    case.record(proposal)

    high = case.sign(proposal, "Maria", price=Decimal("197.02"))
    low = case.sign(proposal, "Maria", price=Decimal("194.60"))

    assert not high.recorded
    assert "+0.61 %" in high.sentence
    assert not low.recorded
    assert "−0.63 %" in low.sentence
    assert case.sign(proposal, "Maria", price=Decimal("196.80")).recorded


def test_a_cheaper_price_is_no_adverse_drift_for_a_buyer(case: Case) -> None:
    proposal = proposed(drift_direction="adverse")
    case.record(proposal)

    assert not case.sign(proposal, "Maria", price=Decimal("197.02")).recorded
    assert case.sign(proposal, "Maria", price=Decimal("190.00")).recorded


def test_a_dearer_price_is_no_adverse_drift_for_a_seller(case: Case) -> None:
    proposal = proposed(side="sell", drift_direction="adverse")
    case.record(proposal)

    assert not case.sign(proposal, "Maria", price=Decimal("190.00")).recorded
    assert case.sign(proposal, "Maria", price=Decimal("200.00")).recorded


def test_the_loser_is_told_who_won_and_when(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    case.veto(proposal, "Jan", desk_at=NOON)

    outcome = case.sign(proposal, "Maria", desk_at=NOON + 2 * SECOND)

    assert outcome.sentence == (
        "Jan vetoed this 2 seconds before you. Your signature was not recorded."
    )
    assert (outcome.recorded, outcome.state) == (False, "vetoed")


def test_a_veto_ends_a_proposal_with_its_reason(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    assert case.veto(proposal, "Ann", reason="data").recorded

    assert case.state(proposal) == "vetoed"
    with case.ledger.connect() as conn:
        (mark,) = signatures.of_proposal(conn, proposal.proposal_id)
    assert (mark.kind, mark.reason_code) == ("veto", "data")
    assert case.audited(proposal.proposal_id, "proposal.veto") == 1


def test_a_veto_needs_a_role_a_known_reason_and_what_was_shown(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    assert not case.veto(proposal, "Vic").recorded
    assert not case.veto(proposal, "Maria", content_hash="f" * 64).recorded
    assert not case.veto(proposal, "Maria", market_at=CLOSE).recorded
    with pytest.raises(ValueError, match="reason"):
        case.veto(proposal, "Maria", reason="mood")
    assert case.state(proposal) == "open"


def test_a_second_click_of_the_same_person_changes_nothing(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)

    case.sign(proposal, "Maria")
    again = case.sign(proposal, "Maria")

    assert not again.recorded
    assert case.live_signatures(proposal) == 1


def test_two_must_sign_above_the_threshold_and_one_person_is_not_two(case: Case) -> None:
    proposal = proposed(quantity=60, signatures_needed=2)  # 11,755.80 USD
    case.record(proposal)

    first = case.sign(proposal, "Maria")
    twice = case.sign(proposal, "Maria")
    second = case.sign(proposal, "Jan")

    assert (first.recorded, first.state, first.missing_signatures) == (True, "open", 1)
    assert not twice.recorded
    assert twice.sentence == (
        "You signed at 09:30. A second person must sign before 13:00; you cannot sign twice."
    )
    assert (second.recorded, second.state, second.missing_signatures) == (True, "signed", 0)


def test_the_threshold_counts_even_if_the_proposal_asked_for_one(case: Case) -> None:
    proposal = proposed(quantity=60, signatures_needed=1)
    case.record(proposal)

    outcome = case.sign(proposal, "Maria")

    assert (outcome.state, outcome.missing_signatures) == ("open", 1)


def test_exactly_at_the_threshold_one_signature_is_enough(case: Case) -> None:
    proposal = proposed(quantity=50, limit="200")  # 10,000.00 USD, not above
    case.record(proposal)

    assert case.sign(proposal, "Maria").state == "signed"


def test_the_person_who_entered_an_order_never_signs_it(case: Case) -> None:
    proposal = proposed(entered_by=case.person["Maria"], model_version=None)
    case.record(proposal)

    own = case.sign(proposal, "Maria")

    assert not own.recorded
    assert case.state(proposal) == "open"
    assert case.sign(proposal, "Jan").state == "signed"


def test_splitting_an_order_does_not_avoid_the_second_signature(case: Case) -> None:
    enterer = case.add_person("Eve", "signatory")
    parts = [
        proposed(quantity=30, strategy="hand", model_version=None, entered_by=enterer)
        for _ in range(2)
    ]  # 5,877.90 USD each, 11,755.80 together
    for part in parts:
        case.record(part)

    first, second = (case.sign(part, "Maria") for part in parts)

    assert first.state == "signed"
    assert (second.state, second.missing_signatures) == ("open", 1)
    assert case.sign(parts[1], "Jan").state == "signed"


def test_a_half_signed_order_counts_towards_the_threshold(case: Case) -> None:
    enterer = case.add_person("Eve", "signatory")
    large = proposed(quantity=60, strategy="a", signatures_needed=2, entered_by=enterer)
    small = proposed(quantity=5, strategy="b", entered_by=enterer)
    case.record(large)
    case.record(small)

    case.sign(large, "Maria")
    outcome = case.sign(small, "Maria")

    assert (outcome.state, outcome.missing_signatures) == ("open", 1)


def test_other_symbols_sides_and_sessions_do_not_count_together(case: Case) -> None:
    others = [
        proposed("IBM", quantity=30),
        proposed("MSFT", quantity=30),
        proposed("IBM", quantity=30, side="sell"),
        proposed("IBM", quantity=30, session=OPEN.date()),
    ]
    for other in others:
        case.record(other)

    assert [case.sign(other, "Maria").state for other in others] == ["signed"] * 4


def test_a_signature_can_be_withdrawn_until_it_is_being_sent(case: Case) -> None:
    free, sending = proposed("IBM"), proposed("MSFT")
    for proposal in (free, sending):
        case.record(proposal)
        case.sign(proposal, "Maria")
    case.set_value(sending, sending_at=NOON)

    withdrawn = case.withdraw(free, "Maria")
    late = case.withdraw(sending, "Maria")

    assert withdrawn.recorded
    assert case.state(free) != "signed"
    assert case.live_signatures(free) == 0
    assert not late.recorded
    assert case.state(sending) == "signed"
    assert case.live_signatures(sending) == 1


def test_nobody_withdraws_for_another(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    case.sign(proposal, "Maria")

    assert not case.withdraw(proposal, "Jan").recorded
    assert case.state(proposal) == "signed"


def test_one_of_two_signatures_withdrawn_leaves_the_other(case: Case) -> None:
    proposal = proposed(quantity=60, signatures_needed=2)
    case.record(proposal)
    case.sign(proposal, "Maria")
    case.withdraw(proposal, "Maria")

    first = case.sign(proposal, "Jan")
    again = case.sign(proposal, "Maria")

    assert (first.state, first.missing_signatures) == ("open", 1)
    assert again.state == "signed"


def test_what_is_rolled_back_leaves_no_trace(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    with case.ledger.connect() as conn:
        before = len(audit.entries(conn))

    with case.ledger.connect() as conn, conn.begin() as transaction:
        outcome = signatures.sign(
            conn,
            proposal_id=proposal.proposal_id,
            person_id=case.person["Maria"],
            content_hash=proposal.canonical()[1],
            price=None,
            market_at=OPEN,
            desk_at=NOON,
        )
        assert outcome.recorded
        transaction.rollback()

    assert case.state(proposal) == "open"
    assert case.live_signatures(proposal) == 0
    with case.ledger.connect() as conn:
        assert len(audit.entries(conn)) == before
    assert case.sign(proposal, "Jan").recorded
    case.assert_chain_holds()


def test_a_refused_click_leaves_the_row_as_it_was(case: Case) -> None:
    proposal = proposed()
    case.record(proposal)
    with case.ledger.connect() as conn:
        before = conn.execute(sa.select(proposals_table)).one()

    case.sign(proposal, "Vic")
    case.sign(proposal, "Maria", market_at=CLOSE)
    case.veto(proposal, "Maria", content_hash="a" * 64)

    with case.ledger.connect() as conn:
        assert conn.execute(sa.select(proposals_table)).one() == before
        assert people.by_id(conn, case.person["Maria"]) is not None
