"""The planted-truth study in small: luck is refused, a strong edge let through, leaks caught."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from assets.judging import earned, traded
from benchmarks.planted_truth import leaks, samples, study, worlds
from benchmarks.planted_truth.calibrating import calibrated
from benchmarks.planted_truth.judged import POLICY
from benchmarks.planted_truth.leaky import Mistake, features, toy
from benchmarks.planted_truth.learning import Learner, daily_returns
from benchmarks.planted_truth.report import Told, page
from benchmarks.planted_truth.trading import Trading
from quant.models.calibration import fit_calibration
from quant.overfitting import probability_of_backtest_overfitting
from quant.typing import Float64Array

# A true ratio of about 3 a year: far from every threshold.
STRONG = 0.15
MARKETS = (
    study.Market("generated", 0, seed=101),
    study.Market("resampled", 0, seed=102),
    study.Market("power", 0, seed=103, level=3.0, edge=STRONG),
)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module", name="judged")
def _judged(folder: Path) -> list[study.Record]:
    return study.run(MARKETS, folder, workers=1)


@pytest.fixture(scope="module", name="small")
def _small() -> worlds.World:
    return worlds.generated(5, edge=STRONG, n_sessions=900)


def test_luck_is_refused_and_by_more_than_one_gate(judged: list[study.Record]) -> None:
    for record in judged[:2]:
        refused = {gate for gate, passed in record["passed"].items() if not passed}

        assert not record["accepted"]
        assert {"walk_forward_sharpe", "deflated_sharpe"} <= refused


def test_a_strong_edge_is_accepted_and_found_by_name(judged: list[study.Record]) -> None:
    record = judged[2]

    assert record["accepted"], record["passed"]
    assert record["idea"] == "signal"
    assert record["figures"]["overfitting_probability"] < 0.05
    # The record earns what its best use earns, as far as twelve years can tell: no more.
    assert record["figures"]["walk_forward_sharpe"] == pytest.approx(
        record["oracle_sharpe"], abs=0.6
    )


def test_a_killed_study_judges_only_what_is_missing(
    judged: list[study.Record], folder: Path
) -> None:
    file = folder / "markets.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    half = lines[-1][: len(lines[-1]) // 2]
    file.write_text("\n".join([*lines[:-1], half]) + "\n", encoding="utf-8")

    again = study.run(MARKETS, folder, workers=1)

    assert _but_time(again) == _but_time(judged)
    whole = [line for line in file.read_text(encoding="utf-8").splitlines() if line != half]
    assert [json.loads(line)["key"] for line in whole] == [market.key for market in MARKETS]


def test_the_page_tells_what_the_records_hold(judged: list[study.Record]) -> None:
    told = page(Told("the command", 7, judged[:2], [], [], [], pbo=True))

    assert "**0 of 2 accepted** (0.0% to 84.2%)" in told  # Clopper and Pearson's for none of two
    assert "| Deflated Sharpe, all trials counted | 0.95 | 1 | 1 | 0 | 0 | 0 |" in told


@pytest.mark.parametrize("leak", leaks.LEAKS)
def test_each_leak_is_caught_by_a_probe_with_a_name(leak: str) -> None:
    (found,) = leaks.planted(leak, 3, most=1)

    assert not found.finding.passed
    assert found.finding.probe in {
        "train and serve", "overlapping labels", "absent members", "matured before use",
        "same-close fill",
    }  # fmt: skip


def test_clean_work_is_not_suspected() -> None:
    suspected = [found.sentence for found in leaks.clean(3) if not found.passed]

    assert not suspected


def test_every_manner_of_a_leak_is_another_one() -> None:
    manners = Counter(found.manner for found in leaks.planted("unpurged overlap", 1))

    assert len(manners) == 24
    assert set(manners.values()) == {1}


def test_a_mistake_changes_what_it_names_and_nothing_else() -> None:
    market = toy(1)
    clean = features(market, None)
    spoiled = features(market, Mistake("full-sample scaling", "range", "return_5"))
    same = [
        np.array_equal(clean[..., n], spoiled[..., n], equal_nan=True)
        for n in range(clean.shape[-1])
    ]

    assert same == [False] + [True] * 7


def test_a_null_market_gives_nobody_more_than_another() -> None:
    world = worlds.resampled(1, n_sessions=60_000)
    growth = (world.closes[1:] / world.closes[:-1] - 1.0).mean(axis=0) * 252.0

    # Bootstrapped means of 240 years: within three standard errors of 40 % / sqrt(240).
    assert np.ptp(growth) < 3 * 2**0.5 * 0.4 / 240**0.5


def test_forecasts_earn_what_the_desk_says_they_earn(small: worlds.World) -> None:
    dataset, market = samples.dataset(small)
    rng = np.random.default_rng(1)
    margin = np.where(dataset.sessions > 300, rng.normal(0.0, 0.2, dataset.n_rows), np.nan)
    probability = 1.0 / (1.0 + np.exp(-margin))

    ours = Trading(dataset, market, POLICY).earned(probability, margin)
    desk = earned(dataset, market, probability, margin, POLICY)

    np.testing.assert_allclose(ours.active, desk.active, atol=1e-13)
    np.testing.assert_array_equal(ours.returns, desk.returns)
    np.testing.assert_array_equal(ours.profits, desk.profits)
    assert ours.span == desk.span
    gross, net = Trading(dataset, market, POLICY).traded(margin)
    trial = traded(dataset, market, margin, POLICY)
    np.testing.assert_allclose(net, trial.net, atol=1e-13)
    np.testing.assert_allclose(gross, trial.gross, atol=1e-13)
    assert trial.first_session == desk.span.start


def test_probabilities_are_those_of_the_desks_calibration() -> None:
    rng = np.random.default_rng(2)
    margin = np.round(rng.normal(size=8_000), 2)  # with ties
    won = (rng.random(8_000) < 0.5 + 0.05 * np.tanh(margin)).astype(np.float64)
    weights = rng.uniform(0.15, 0.2, 8_000)
    asked = np.linspace(-4.0, 4.0, 99)

    given = calibrated(asked, margin=margin, won=won, weights=weights)

    desk = fit_calibration(margin, won, weights).probability(asked)
    np.testing.assert_allclose(given, desk, atol=1e-12)


def test_a_trial_pays_for_every_change_of_side(small: worlds.World) -> None:
    dataset, _ = samples.dataset(small)
    side = np.where(dataset.symbols == 0, 1.0, -1.0)  # one stake of a fifth each, never changed

    gross, net = daily_returns(dataset, side)

    assert gross[0] - net[0] == pytest.approx(5e-4)  # the first session buys it all, at 5 bps
    np.testing.assert_array_equal(gross[1:], net[1:])
    first = dataset.daily_excess
    assert first is not None
    assert gross[0] == pytest.approx(float(side[:5] @ first[:5]) / 5.0)


def test_nobody_is_told_to_know_by_forecasts_walked_through_noise() -> None:
    """One half by walked forecasts; less by out-of-fold ones, which folds make for one another."""
    walked, folded = [], []
    for seed in range(12):
        dataset, market = samples.dataset(worlds.generated(seed, n_sessions=1_200))
        learner = Learner(dataset, Trading(dataset, market, POLICY))
        walked.append(_pbo(learner.ideas().gross))
        folded.append(_pbo(learner.folded_ideas()[0]))

    assert np.mean(walked) == pytest.approx(0.5, abs=0.15)
    assert np.mean(folded) < np.mean(walked)


def _pbo(returns: Float64Array) -> float:
    return probability_of_backtest_overfitting(returns, n_blocks=8).pbo


def _but_time(records: list[study.Record]) -> list[study.Record]:
    return [
        {k: v for k, v in record.items() if k not in {"cpu_seconds", "study"}} for record in records
    ]
