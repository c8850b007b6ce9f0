"""Published worked examples, and the laws the statistics obey."""

from collections.abc import Callable
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.overfitting import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
)


@pytest.mark.parametrize(("n_trials", "published"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_of_the_paper(n_trials: int, published: float) -> None:
    # Bailey & López de Prado (2014), numerical example: 2.5 a year over 1,250 of 250 days
    deflated = deflated_sharpe_ratio(
        2.5 / sqrt(250),
        n_obs=1250,
        n_trials=n_trials,
        trial_variance=0.5 / 250,
        skew=-3,
        kurtosis=10,
    )

    assert deflated == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize(("periods", "years"), [(250, 2.73), (12, 3.24)])
def test_minimum_track_record_of_the_paper(periods: int, years: float) -> None:
    # Bailey & López de Prado (2012): 2 a year against 1 at 95 %, daily and monthly
    needed = minimum_track_record_length(2 / sqrt(periods), benchmark=1 / sqrt(periods))

    assert needed / periods == pytest.approx(years, abs=0.005)


def test_no_track_record_is_long_enough_without_an_edge() -> None:
    assert minimum_track_record_length(0.1, benchmark=0.1) == inf


def test_forty_five_trials_deceive_over_five_years() -> None:
    # Bailey, Borwein, López de Prado & Zhu (2014), section "minimum backtest length"
    assert minimum_backtest_length(45) == pytest.approx(5.0, abs=0.01)


def test_one_trial_has_nothing_to_deflate() -> None:
    assert expected_maximum_sharpe(1, trial_variance=0.5) == 0.0
    assert minimum_backtest_length(1) == 0.0


def test_expected_maximum_is_near_that_of_drawn_normals() -> None:
    best = np.random.default_rng(1).normal(size=(20_000, 50)).max(axis=1).mean()

    assert expected_maximum_sharpe(50, trial_variance=1.0) == pytest.approx(best, abs=0.05)


def test_sixteen_blocks_give_12870_splits() -> None:
    # Bailey et al. (2017): S = 16 blocks
    returns = np.random.default_rng(2).normal(size=(320, 4))

    assert probability_of_backtest_overfitting(returns, n_blocks=16).n_splits == 12_870


def test_a_trial_that_is_always_best_is_not_overfit() -> None:
    returns = np.random.default_rng(3).normal(size=(400, 10)) * 0.01
    returns[:, 7] += 0.02

    study = probability_of_backtest_overfitting(returns, n_blocks=8)

    assert study.pbo == 0.0
    # rank 10 of 10: ln((10/11) / (1/11)) = ln 10
    assert study.logits == pytest.approx(np.full(70, np.log(10.0)))
    assert study.probability_of_loss == 0.0


def test_two_trials_that_trade_places_are_overfit_by_hand() -> None:
    # each trial gains in one half and loses in the other: the better one in sample is the
    # worse one out of sample, relative rank 1/3, logit ln(1/2)
    up, down = [0.02, 0.01], [-0.02, -0.01]
    returns = np.array([up + down, down + up]).T

    study = probability_of_backtest_overfitting(returns, n_blocks=2)

    assert study.pbo == 1.0
    assert study.logits == pytest.approx([np.log(0.5)] * 2)
    assert study.probability_of_loss == 1.0


def test_sharpe_ratios_of_splits_equal_those_computed_directly() -> None:
    returns = np.random.default_rng(4).normal(size=(40, 3)) * 0.01 + 5.0
    study = probability_of_backtest_overfitting(returns, n_blocks=2)

    direct = returns[:20].mean(axis=0) / returns[:20].std(axis=0, ddof=1)
    assert study.in_sample[0] == pytest.approx(direct.max(), rel=1e-9)


def test_noise_is_overfit_about_half_the_time() -> None:
    rng = np.random.default_rng(5)
    found = [
        probability_of_backtest_overfitting(rng.normal(size=(240, 20)), n_blocks=8).pbo
        for _ in range(60)
    ]

    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


figures = st.floats(-0.3, 0.3)


@given(figures, figures, st.integers(30, 3000))
def test_probabilities_for_and_against_add_up(sharpe: float, benchmark: float, n: int) -> None:
    above = probabilistic_sharpe_ratio(sharpe, n_obs=n, benchmark=benchmark)
    mirrored = probabilistic_sharpe_ratio(-sharpe, n_obs=n, benchmark=-benchmark)

    assert above + mirrored == pytest.approx(1.0)


@given(st.floats(0.05, 0.4), st.floats(-1.0, 0.5), st.floats(3.0, 12.0))
def test_track_record_at_its_minimum_gives_just_the_confidence(
    sharpe: float, skew: float, kurtosis: float
) -> None:
    needed = minimum_track_record_length(
        sharpe, benchmark=0.01, confidence=0.95, skew=skew, kurtosis=kurtosis
    )

    assert probabilistic_sharpe_ratio(
        sharpe, n_obs=needed, benchmark=0.01, skew=skew, kurtosis=kurtosis
    ) == pytest.approx(0.95)


def test_variance_at_the_benchmark_differs_from_that_at_the_estimate() -> None:
    # at a benchmark of 0 the factor is 1: Φ(0.1 √99)
    from scipy.stats import norm

    given_null = probabilistic_sharpe_ratio(0.1, n_obs=100, skew=-2, variance_at="benchmark")

    assert given_null == pytest.approx(norm.cdf(0.1 * sqrt(99)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: probabilistic_sharpe_ratio(0.1, n_obs=1), "`n_obs` must exceed 1"),
        (lambda: expected_maximum_sharpe(0.5, trial_variance=1.0), "at least 1"),
        (lambda: probabilistic_sharpe_ratio(float("nan"), n_obs=9), "must be finite"),
        (lambda: probability_of_backtest_overfitting(np.zeros((64, 1))), "at least two trials"),
        (lambda: probability_of_backtest_overfitting(np.zeros((64, 2)), n_blocks=3), "even"),
    ],
)
def test_wrong_figures_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
