"""A card reads exactly what was hashed."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from dashboard.cards.reading import shown
from ledger.pages import Proposal
from tests.unit.dashboard import proposed, samples


def _stored(*, denied: bool = False) -> Proposal:
    made = proposed.proposal(proposal_id="p1", code="7F3A-9C21", denied=denied)
    content, _ = made.canonical()
    return replace(samples.PROPOSAL, content=json.loads(content))


def test_the_prediction_and_its_reasons_come_back_in_points() -> None:
    prediction = shown(_stored()).prediction

    assert prediction is not None
    assert prediction.probability == pytest.approx(0.56)
    assert prediction.base_rate == pytest.approx(0.52)
    first = prediction.reasons[0]
    assert first.meaning == "Return over 5 sessions (0.0153)"
    assert first.points == pytest.approx(3.1)


def test_money_and_effects_stay_exact() -> None:
    content = shown(_stored())

    assert content.loss_to_stop == Decimal("230.50")
    assert content.equity == Decimal(100_400)
    assert [effect.after for effect in content.effects] == [
        Decimal("0.049"),
        Decimal("0.0023"),
        Decimal("85501.75"),
    ]
    assert content.effects[1].now is None


def test_record_gates_and_data_are_told() -> None:
    content = shown(_stored())

    assert content.trust is not None
    assert content.trust.is_like_luck
    assert [gate.passed for gate in content.gates] == [True, False]
    assert content.data is not None
    assert (content.data.passed, content.data.checks) == (24, 24)


def test_a_denied_proposal_names_the_check_and_what_fits() -> None:
    (failed,) = shown(_stored(denied=True)).failed

    assert failed.code == "position_too_large"
    assert failed.fits == Decimal(8)


def test_a_proposal_entered_by_hand_has_no_prediction() -> None:
    made = replace(proposed.proposal(proposal_id="p1", code="c"), rationale=None)
    content, _ = made.canonical()

    assert shown(replace(samples.PROPOSAL, content=json.loads(content))).prediction is None
