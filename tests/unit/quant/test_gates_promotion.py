"""Nobody talks the gates round: each way to champion that must be shut is shut."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quant.gates import GATES, NEVER_WAIVED, Candidacy, Evidence, Waiver, decide, judge
from tests.unit.quant.good_model import GOOD, THRESHOLDS

NOW = datetime(2012, 7, 2, 21, 0, tzinfo=UTC)
CANDIDACY = Candidacy(
    model_version="sample-daily/3",
    signer="ann",
    trainer="desk",
    reason="Two quarters of matured outcomes agree with the walk-forward.",
    environment="paper",
    asked_at=NOW,
)
WAIVER = Waiver(
    gate="trades",
    people=("bea", "carl"),
    reason="A young programme: trades are few but each was reviewed.",
    expires_at=NOW + timedelta(days=30),
)
FEW_TRADES = judge(replace(GOOD, trades=60), THRESHOLDS)


def test_a_model_that_meets_every_gate_is_promoted_by_another_than_its_trainer() -> None:
    decision = decide(judge(GOOD, THRESHOLDS), CANDIDACY)

    assert decision.promoted
    assert decision.waived == ()


def test_a_refusal_names_every_failing_figure() -> None:
    decision = decide(judge(Evidence(), THRESHOLDS), CANDIDACY)

    assert not decision.promoted
    assert len(decision.refusals) == len(GATES)
    weak = decide(judge(replace(GOOD, walk_forward_sharpe=0.62, trades=60), THRESHOLDS), CANDIDACY)
    assert weak.refusals == ("Sharpe 0.62 (needs > 1.00)", "Trades 60 (needs > 100)")


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_that_said_nothing_refuses(gate: str) -> None:
    verdicts = [v for v in judge(GOOD, THRESHOLDS) if v.name != gate]

    (refusal,) = decide(verdicts, CANDIDACY).refusals

    assert refusal.endswith("never judged")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"signer": "desk"}, "cannot sign for it as well"),
        ({"signer": " "}, "Nobody has signed"),
        ({"trainer": ""}, "Nobody knows who trained it"),
        ({"reason": "it is good"}, "at least 20 characters"),
    ],
)
def test_a_candidacy_without_a_proper_signer_is_refused(changed: dict[str, str], said: str) -> None:
    (refusal,) = decide(judge(GOOD, THRESHOLDS), replace(CANDIDACY, **changed)).refusals  # type: ignore[arg-type]  # texts only

    assert said in refusal


def test_two_people_may_waive_a_gate_on_paper_for_a_while() -> None:
    decision = decide(FEW_TRADES, CANDIDACY, [WAIVER])

    assert decision.promoted
    assert decision.waived == (
        "Trades 60 (needs > 100); waived by bea and carl until 2012-08-01 21:00 UTC: "
        "A young programme: trades are few but each was reviewed.",
    )
    assert decision.waived_until == WAIVER.expires_at
    unneeded = decide(judge(GOOD, THRESHOLDS), CANDIDACY, [WAIVER])
    assert unneeded.waived_until is None


def test_what_leans_on_two_waivers_stands_until_the_first_of_them_ends() -> None:
    weak = judge(replace(GOOD, trades=60, hit_rate=0.4), THRESHOLDS)
    sooner = replace(WAIVER, gate="hit_rate", expires_at=NOW + timedelta(days=3))

    assert decide(weak, CANDIDACY, [WAIVER, sooner]).waived_until == sooner.expires_at


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        (replace(WAIVER, people=("bea",)), "two different people"),
        (replace(WAIVER, people=("bea", "bea")), "two different people"),
        (replace(WAIVER, people=("bea", "desk")), "desk trained the model"),
        (replace(WAIVER, reason="because"), "at least 20 characters"),
        (replace(WAIVER, expires_at=NOW), "expired on 2012-07-02"),
    ],
)
def test_a_waiver_that_does_not_count_is_told_beside_the_figure(waiver: Waiver, said: str) -> None:
    (refusal,) = decide(FEW_TRADES, CANDIDACY, [waiver]).refusals

    assert refusal.startswith("Trades 60 (needs > 100); ")
    assert said in refusal


def test_no_waiver_holds_where_money_is_real() -> None:
    (refusal,) = decide(FEW_TRADES, replace(CANDIDACY, environment="live"), [WAIVER]).refusals

    assert "paper only" in refusal


@pytest.mark.parametrize("gate", sorted(NEVER_WAIVED))
def test_luck_leaks_hindsight_and_simulators_are_never_waived(gate: str) -> None:
    failing = judge(Evidence(**{**vars(GOOD), gate: None}), THRESHOLDS)

    (refusal,) = decide(failing, CANDIDACY, [replace(WAIVER, gate=gate)]).refusals

    assert "can never be waived" in refusal


def test_a_waiver_covers_its_own_gate_only() -> None:
    verdicts = judge(replace(GOOD, trades=60, hit_rate=0.40), THRESHOLDS)

    assert decide(verdicts, CANDIDACY, [WAIVER]).refusals == ("Hit rate 40.0 % (needs > 45.0 %)",)


def test_one_waiver_that_counts_is_enough_beside_one_that_does_not() -> None:
    expired = replace(WAIVER, expires_at=NOW - timedelta(days=1))

    assert decide(FEW_TRADES, CANDIDACY, [expired, WAIVER]).promoted
