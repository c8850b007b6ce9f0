"""A gate passes on a figure that meets it, and on nothing else."""

from dataclasses import fields, replace

import numpy as np
import pytest

from config import gates as gates_file
from quant.gates import (
    GATES,
    Evidence,
    GateVerdict,
    deflating_variance,
    evidence_of_returns,
    evidence_of_trades,
    judge,
)
from quant.overfitting import expected_maximum_sharpe
from tests.unit.quant.good_model import GOOD, THRESHOLDS


def _with(name: str, figure: float | None) -> Evidence:
    """Good evidence but for one figure."""
    return Evidence(**{**vars(GOOD), name: figure})


def _verdict(evidence: Evidence, name: str) -> GateVerdict:
    return next(v for v in judge(evidence, THRESHOLDS) if v.name == name)


def test_the_file_holds_every_gate_and_compares_as_the_judge_does() -> None:
    held = gates_file.load().gates

    assert tuple(held) == tuple(gates_file.COMPARISONS) == GATES
    for verdict in judge(GOOD, THRESHOLDS):
        assert held[verdict.name].comparison in {None, verdict.comparison}


def test_good_evidence_passes_every_gate() -> None:
    assert all(verdict.passed for verdict in judge(GOOD, THRESHOLDS))


@pytest.mark.parametrize("field", [f.name for f in fields(Evidence)])
@pytest.mark.parametrize("missing", [None, float("nan")])
def test_one_unknown_figure_fails_its_gate_and_no_other(field: str, missing: float | None) -> None:
    failed = [v for v in judge(_with(field, missing), THRESHOLDS) if not v.passed]

    assert [v.name for v in failed] == [field.removesuffix("_needed")]
    assert "unknown" in failed[0].reason


@pytest.mark.parametrize(
    ("name", "just_within", "just_beyond"),
    [
        ("walk_forward_sharpe", 1.0001, 1.0),
        ("deflated_sharpe", 0.95, 0.9499),
        ("overfitting_probability", 0.20, 0.2001),
        ("combinatorial_sharpe", 0.0001, 0.0),
        ("track_record", 900, 899),
        ("scaled_drawdown", 0.20, 0.2001),
        ("trades", 101, 100),
        ("hit_rate", 0.4501, 0.45),
        ("leakage_probes", True, False),
        ("regime_stability", 0.0, -0.0001),
        ("universe_point_in_time", True, False),
        ("real_data", True, False),
    ],
)
def test_each_gate_turns_at_its_threshold(
    name: str, just_within: float, just_beyond: float
) -> None:
    assert _verdict(_with(name, just_within), name).passed
    assert not _verdict(_with(name, just_beyond), name).passed


def test_a_truth_cannot_be_waived_by_its_threshold() -> None:
    hindsight = replace(GOOD, universe_point_in_time=False)
    verdicts = judge(hindsight, {**THRESHOLDS, "universe_point_in_time": False})

    assert [v.name for v in verdicts if not v.passed] == ["universe_point_in_time"]


def test_a_gate_without_a_threshold_fails() -> None:
    thresholds = {name: value for name, value in THRESHOLDS.items() if name != "trades"}

    assert [v.name for v in judge(GOOD, thresholds) if not v.passed] == ["trades"]


def test_a_misspelt_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="no gate is called sharp"):
        judge(GOOD, {**THRESHOLDS, "sharp": 0.1})


def test_sentences_read_as_on_the_card() -> None:
    shown = replace(GOOD, walk_forward_sharpe=0.62, track_record=540, track_record_needed=1776)

    assert _verdict(shown, "walk_forward_sharpe").sentence == "Sharpe 0.62 (needs > 1.00)"
    assert _verdict(shown, "track_record").sentence == "Track record 540 of 1,776 sessions"


def test_a_loss_has_no_sufficient_track_record() -> None:
    active = np.random.default_rng(1).normal(-0.001, 0.01, 500)

    verdict = next(
        v
        for v in judge(evidence_of_returns(active, n_trials=1, trial_variance=0.0), THRESHOLDS)
        if v.name == "track_record"
    )

    assert not verdict.passed
    assert verdict.threshold is None
    assert "no track record would be long enough" in verdict.reason


def test_unknown_trials_leave_the_deflated_ratio_unknown() -> None:
    active = np.random.default_rng(1).normal(0.001, 0.01, 500)

    assert evidence_of_returns(active, n_trials=None, trial_variance=None).deflated_sharpe is None


def test_returns_that_do_not_vary_prove_nothing() -> None:
    found = evidence_of_returns(np.full(500, 0.001), n_trials=1, trial_variance=0.0)

    assert found == Evidence(track_record=500.0)


def test_the_variance_of_trials_is_the_samples_where_it_exceeds_lucks() -> None:
    # (-0.1, 0, 0.1): variance 0.01 with ddof 1; luck gives 1 / 1000
    ratios = np.array([-0.1, 0.0, 0.1])

    assert deflating_variance(ratios, n_obs=1_000) == pytest.approx(0.01)
    assert deflating_variance(ratios / 100.0, n_obs=1_000) == pytest.approx(0.001)
    assert deflating_variance(ratios / 100.0, n_obs=1_000, least=0.0) == pytest.approx(1e-6)
    assert deflating_variance(ratios[:1], n_obs=1_000) is None


@pytest.mark.parametrize("flood", [0.0, -0.03, 0.02])
@pytest.mark.parametrize("n_more", [1, 10, 100, 10_000])
def test_no_flood_of_like_trials_lowers_the_hurdle_below_that_of_luck(
    flood: float, n_more: int
) -> None:
    honest = np.random.default_rng(4).normal(0.0, 2_500**-0.5, 30)
    all_of_them = np.append(honest, np.full(n_more, flood))

    variance = deflating_variance(all_of_them, n_obs=2_500)
    assert variance is not None

    hurdle = expected_maximum_sharpe(all_of_them.size, trial_variance=variance)
    assert hurdle > expected_maximum_sharpe(30, trial_variance=1 / 2_500)
    # taken as it is, the sample's variance gives way to the larger floods
    if n_more == 10_000:
        raw = deflating_variance(all_of_them, n_obs=2_500, least=0.0)
        assert raw is not None
        assert raw < 0.1 * variance


def test_trades_are_counted_and_won_as_their_profit_says() -> None:
    assert evidence_of_trades(np.array([5.0, -1.0, 0.0, 2.0])) == (4.0, 0.5)
    assert evidence_of_trades(np.array([])) == (0.0, None)
