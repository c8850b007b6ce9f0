"""Published worked examples, and the laws the statistics obey."""

from collections.abc import Callable
from itertools import combinations
from math import e, inf, sqrt
from statistics import NormalDist
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.overfitting import (
    VarianceAt,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
)


@pytest.mark.parametrize(
    ("n_trials", "skew", "kurtosis", "published"),
    [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)],
)
def test_deflated_sharpe_of_the_paper(
    n_trials: int, skew: float, kurtosis: float, published: float
) -> None:
    # Bailey & López de Prado (2014), "A numerical example": 2.5 a year over 1,250 days, 250 a
    # year; 46 trials would have been few enough, and 88 had returns been normal
    deflated = deflated_sharpe_ratio(
        2.5 / sqrt(250),
        n_obs=1250,
        n_trials=n_trials,
        trial_variance=0.5 / 250,
        skew=skew,
        kurtosis=kurtosis,
    )

    assert deflated == pytest.approx(published, abs=5e-5)


def test_benchmark_of_the_paper() -> None:
    # the same example: a hundred trials raise the bar to 0.1132 a day
    bar = expected_maximum_sharpe(100, trial_variance=0.5 / 250)

    assert bar == pytest.approx(0.1132, abs=5e-5)


# Bailey & López de Prado (2012): two years of a hedge fund's months, mean 0.036, deviation 0.079,
# skew -2.448 and kurtosis 10.164.
HEDGE_FUND = 0.036 / 0.079


@pytest.mark.parametrize(
    ("skew", "kurtosis", "published"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)]
)
def test_probabilistic_sharpe_of_the_paper(skew: float, kurtosis: float, published: float) -> None:
    # section 4, ratio 0.458: as if normal 0.982, with its higher moments 0.913
    found = probabilistic_sharpe_ratio(0.458, n_obs=24, skew=skew, kurtosis=kurtosis)

    assert found == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize(
    ("bar", "probability", "months"), [(0.0, 0.987, 13.029), (0.1, 0.939, 27.109)]
)
def test_hedge_fund_in_the_form_of_2025(bar: float, probability: float, months: float) -> None:
    # López de Prado, Lipton & Zoonekynd (2025), "How to use the Sharpe ratio", pages 6-8
    found = probabilistic_sharpe_ratio(
        HEDGE_FUND,
        n_obs=24,
        skew=-2.448,
        kurtosis=10.164,
        benchmark=bar,
        variance_at="benchmark",
    )
    needed = minimum_track_record_length(
        HEDGE_FUND, benchmark=bar, skew=-2.448, kurtosis=10.164, variance_at="benchmark"
    )

    assert found == pytest.approx(probability, abs=5e-4)
    assert needed == pytest.approx(months, abs=5e-4)


@pytest.mark.parametrize(("periods", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_of_the_paper(periods: int, years: float) -> None:
    # Bailey & López de Prado (2012), section 5: 2 a year against 1 at 95 %, normal returns
    needed = minimum_track_record_length(2 / sqrt(periods), benchmark=1 / sqrt(periods))

    assert needed / periods == pytest.approx(years, abs=0.005)


def test_minimum_track_record_of_hedge_funds() -> None:
    # the same with months of skew -0.72 and kurtosis 5.78 (Brooks & Kat 2002): 59.895 months,
    # 4.99 years
    needed = minimum_track_record_length(
        2 / sqrt(12), benchmark=1 / sqrt(12), skew=-0.72, kurtosis=5.78
    )

    assert needed == pytest.approx(59.895, abs=5e-4)
    assert needed / 12 == pytest.approx(4.99, abs=0.005)


@pytest.mark.parametrize(
    ("sharpe", "skew", "kurtosis", "against_none", "against_half"),
    [(0.7079, -0.2250, 2.9570, 0.7152, 1.0804), (0.8183, -1.4455, 7.0497, 1.1593, 1.6695)],
)
def test_efficient_portfolios_of_the_paper(
    sharpe: float, skew: float, kurtosis: float, against_none: float, against_half: float
) -> None:
    # Bailey & López de Prado (2012), figure 16: the portfolios of highest PSR and of highest
    # Sharpe ratio over 134 months; years needed against 0 and against 0.5 a year
    for benchmark, years in ((0.0, against_none), (0.5 / sqrt(12), against_half)):
        needed = minimum_track_record_length(
            sharpe, benchmark=benchmark, skew=skew, kurtosis=kurtosis
        )
        assert needed / 12 == pytest.approx(years, abs=1e-4)


def test_no_track_record_is_long_enough_without_an_edge() -> None:
    assert minimum_track_record_length(0.1, benchmark=0.1) == inf
    assert minimum_track_record_length(-0.3, benchmark=-0.2) == inf
    # against a worse benchmark a loser has an edge
    assert minimum_track_record_length(-0.1, benchmark=-0.2) < inf


@pytest.mark.parametrize("confidence", [0.5, 0.3, 0.01])
def test_less_than_a_coins_confidence_needs_no_record(confidence: float) -> None:
    # whatever the length, the probability of a ratio above the benchmark is one half or more
    assert minimum_track_record_length(0.2, benchmark=0.1, confidence=confidence) == 1.0


@pytest.mark.parametrize(
    ("sharpe", "deviations"),
    [
        (0.5, [0.306, 0.217, 0.177, 0.153, 0.137, 0.095, 0.067, 0.047]),
        (1.0, [0.354, 0.250, 0.204, 0.177, 0.158, 0.110, 0.077, 0.055]),
        (3.0, [0.677, 0.479, 0.391, 0.339, 0.303, 0.210, 0.148, 0.105]),
    ],
)
def test_standard_errors_of_lo(sharpe: float, deviations: list[float]) -> None:
    # Lo (2002), "The statistics of Sharpe ratios", table 1: independent normal returns over T
    # periods have √((1 + SR² / 2) / T); a ratio is above one such error less itself with Φ(1)
    for n_obs, deviation in zip((12, 24, 36, 48, 60, 125, 250, 500), deviations, strict=True):
        benchmark = sharpe - float(np.sqrt((1.0 + sharpe**2 / 2.0) / n_obs))

        assert sharpe - benchmark == pytest.approx(deviation, abs=6e-4)
        assert probabilistic_sharpe_ratio(
            sharpe, n_obs=n_obs + 1, benchmark=benchmark
        ) == pytest.approx(0.841345, abs=1e-6)


def test_forty_five_trials_deceive_over_five_years() -> None:
    # Bailey, Borwein, López de Prado & Zhu (2014), section "minimum backtest length"
    assert minimum_backtest_length(45) == pytest.approx(5.0, abs=0.01)


def test_ten_trials_show_1_57_without_skill() -> None:
    # the same paper: after 10 trials over a year the best is expected to show 1.57
    assert expected_maximum_sharpe(10, trial_variance=1.0) == pytest.approx(1.57, abs=0.005)
    # López de Prado, Lipton & Zoonekynd (2025), page 13: ten trials of variance 0.1 -> 0.498
    assert expected_maximum_sharpe(10, trial_variance=0.1) == pytest.approx(0.498, abs=5e-4)


@pytest.mark.parametrize(
    ("n_trials", "exact"),
    [(10, 1.53875), (20, 1.86748), (50, 2.24907), (100, 2.50759), (1000, 3.24144)],
)
def test_expected_maximum_is_near_the_exact_one(n_trials: int, exact: float) -> None:
    # Tippett (1925), Biometrika 17, 364-387: expected largest of n standard normals
    assert expected_maximum_sharpe(n_trials, trial_variance=1.0) == pytest.approx(exact, rel=0.025)


def test_one_trial_has_nothing_to_deflate() -> None:
    assert expected_maximum_sharpe(1, trial_variance=0.5) == 0.0
    assert deflated_sharpe_ratio(0.1, n_obs=99, n_trials=1, trial_variance=0.5) == (
        probabilistic_sharpe_ratio(0.1, n_obs=99)
    )
    assert minimum_backtest_length(1) == 0.0


@pytest.mark.parametrize("n_trials", [1.5, 7.25, 33.3])
def test_the_bar_of_a_count_that_is_not_whole(n_trials: float) -> None:
    # the formula as it stands: (1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))
    z = NormalDist().inv_cdf
    gamma = 0.57721566490153286
    expected = (1 - gamma) * z(1 - 1 / n_trials) + gamma * z(1 - 1 / (n_trials * e))

    assert expected_maximum_sharpe(n_trials, trial_variance=0.04) == pytest.approx(0.2 * expected)


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


@given(
    st.floats(0.05, 0.4),
    st.floats(-1.0, 0.5),
    st.floats(3.0, 12.0),
    st.sampled_from(get_args(VarianceAt)),
)
def test_track_record_at_its_minimum_gives_just_the_confidence(
    sharpe: float, skew: float, kurtosis: float, form: VarianceAt
) -> None:
    needed = minimum_track_record_length(
        sharpe, benchmark=0.01, confidence=0.95, skew=skew, kurtosis=kurtosis, variance_at=form
    )

    assert probabilistic_sharpe_ratio(
        sharpe, n_obs=needed, benchmark=0.01, skew=skew, kurtosis=kurtosis, variance_at=form
    ) == pytest.approx(0.95)


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e6))
def test_more_trials_raise_the_bar(some: float, others: float) -> None:
    fewer, more = sorted((some, others))

    assert expected_maximum_sharpe(fewer, trial_variance=1.0) <= expected_maximum_sharpe(
        more, trial_variance=1.0
    )
    assert minimum_backtest_length(fewer) <= minimum_backtest_length(more)


def _by_the_book(returns: np.ndarray, n_blocks: int) -> list[float]:
    """Logits of CSCV, written step by step from Bailey et al. (2017), section 2.2."""
    blocks, logits = np.split(returns, n_blocks), []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        inside = np.vstack([blocks[i] for i in chosen])
        outside = np.vstack([blocks[i] for i in range(n_blocks) if i not in chosen])
        ratio = [half.mean(axis=0) / half.std(axis=0, ddof=1) for half in (inside, outside)]
        best = int(np.argmax(ratio[0]))
        rank = int(np.sum(ratio[1] <= ratio[1][best]))
        relative = rank / (returns.shape[1] + 1)
        logits.append(float(np.log(relative / (1 - relative))))
    return logits


@given(st.integers(0, 999), st.integers(2, 9))
def test_logits_are_those_of_the_book(seed: int, n_trials: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0005, 0.01, size=(60, n_trials))

    study = probability_of_backtest_overfitting(returns, n_blocks=6)

    by_the_book = _by_the_book(returns, 6)
    assert study.logits == pytest.approx(by_the_book)
    assert study.pbo == pytest.approx(np.mean(np.array(by_the_book) <= 1e-12))


def test_ties_share_their_ranks() -> None:
    # three equal trials: rank 2 of 3, relative 2 / 4, logit 0, which counts as overfit
    returns = np.repeat(np.random.default_rng(6).normal(size=(40, 1)), 3, axis=1)

    study = probability_of_backtest_overfitting(returns, n_blocks=4)

    assert study.logits == pytest.approx(np.zeros(6), abs=1e-12)
    assert study.pbo == 1.0


@pytest.mark.parametrize("n_trials", [5, 17, 64])
def test_equal_trials_are_ties_in_whatever_column(n_trials: int) -> None:
    # relative rank ((n + 1) / 2) / (n + 1): logit 0
    returns = np.repeat(np.random.default_rng(7).normal(size=(70, 1)) * 0.01, n_trials, axis=1)

    study = probability_of_backtest_overfitting(returns, n_blocks=10)

    assert study.logits == pytest.approx(np.zeros(252), abs=1e-12)


def test_a_trial_that_gains_without_varying_ranks_first_and_breaks_no_line() -> None:
    returns = np.random.default_rng(10).normal(size=(40, 4)) * 0.01
    returns[:, 2] = 0.001

    study = probability_of_backtest_overfitting(returns, n_blocks=4)

    assert study.logits == pytest.approx(np.full(6, np.log(4.0)))
    assert (study.slope, study.intercept) == (0.0, 0.0)
    assert (study.in_sample == inf).all()
    assert (study.out_of_sample == inf).all()


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_study_of_any_numbers_is_that_of_the_same_figures_in_full(kind: str) -> None:
    stored = np.random.default_rng(11).integers(-90, 95, size=(70, 12)).astype(kind)
    stored[:, 5] = stored[:, 2]  # a tie, also in single precision

    found, full = (
        probability_of_backtest_overfitting(returns, n_blocks=10)
        for returns in (stored, stored.astype(np.float64))
    )

    np.testing.assert_array_equal(found.logits, full.logits)
    assert (found.pbo, found.slope) == (full.pbo, full.slope)


@pytest.mark.parametrize("left_over", [1, 7])
def test_observations_that_fill_no_block_are_left_out_at_the_start(left_over: int) -> None:
    returns = np.random.default_rng(12).normal(size=(80 + left_over, 5))

    whole, kept = (
        probability_of_backtest_overfitting(part, n_blocks=8)
        for part in (returns, returns[left_over:])
    )

    np.testing.assert_array_equal(whole.logits, kept.logits)


def test_a_study_too_large_for_memory_is_judged_in_parts() -> None:
    # 12,870 splits of 400 trials are done in three parts; trials in another order change nothing
    returns = np.random.default_rng(8).normal(size=(64, 400))
    mixed = np.random.default_rng(9).permutation(400)

    one, other = (probability_of_backtest_overfitting(r) for r in (returns, returns[:, mixed]))

    assert one.n_splits == one.logits.size == 12_870
    np.testing.assert_allclose(one.logits, other.logits)


def test_the_bar_keeps_rising_beyond_any_count() -> None:
    low, high = (expected_maximum_sharpe(n, trial_variance=1.0) for n in (1e15, 1e20))

    # the largest of n normals grows as √(2 ln n)
    assert low < high < sqrt(2 * np.log(1e20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: probabilistic_sharpe_ratio(0.1, n_obs=1), "`n_obs` must exceed 1"),
        (lambda: expected_maximum_sharpe(0.5, trial_variance=1.0), "at least 1"),
        (lambda: probabilistic_sharpe_ratio(float("nan"), n_obs=9), "must be finite"),
        (lambda: probabilistic_sharpe_ratio(0.1, n_obs=9, kurtosis=0.0), "Pearson's, at least 1"),
        (lambda: probabilistic_sharpe_ratio(2.0, n_obs=9, skew=3.0), "no returns have"),
        (lambda: expected_maximum_sharpe(5, trial_variance=-1.0), "`trial_variance` not negative"),
        (lambda: minimum_backtest_length(5, expected_sharpe=0.0), "`expected_sharpe` positive"),
        (lambda: minimum_track_record_length(1, benchmark=0, confidence=1.0), "strictly between"),
        (lambda: probability_of_backtest_overfitting(np.full((64, 2), np.nan)), "must be finite"),
        (lambda: probability_of_backtest_overfitting(np.zeros((20, 2))), "for 20 observations"),
        (lambda: probability_of_backtest_overfitting(np.zeros((64, 1))), "at least two trials"),
        (lambda: probability_of_backtest_overfitting(np.zeros((64, 2)), n_blocks=3), "even"),
    ],
)
def test_wrong_figures_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
