"""Risk figures by hand, published tests of their coverage, and the laws they obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, norm

from quant.risk import (
    basel_zone,
    beta,
    christoffersen_test,
    component_value_at_risk,
    cornish_fisher_value_at_risk,
    ewma_volatility,
    expected_shortfall,
    exposures,
    kupiec_test,
    parametric_value_at_risk,
    stress_loss,
    value_at_risk,
)

returns_pair = st.integers(5, 60).flatmap(
    lambda n: arrays(np.float64, (2, n), elements=st.floats(-0.2, 0.2))
)


def test_expected_shortfall_counts_the_straddling_observation_in_part() -> None:
    returns = np.array([0.03, -0.04, 0.01, -0.02, 0.0])

    # 5 observations at 70 %: the tail is 1.5 of them, (0.04 + 0.5 * 0.02) / 1.5
    assert expected_shortfall(returns, level=0.70) == pytest.approx(0.05 / 1.5)


@given(returns_pair)
def test_expected_shortfall_is_subadditive(pair: np.ndarray) -> None:
    a, b = pair

    assert expected_shortfall(a + b) <= expected_shortfall(a) + expected_shortfall(b) + 1e-12


def test_value_at_risk_is_exceeded_by_five_of_a_hundred_at_95_per_cent() -> None:
    returns = -np.arange(1.0, 101.0) / 1000.0

    # losses 0.001 ... 0.100: five of them lie above 0.095
    assert value_at_risk(returns, level=0.95) == pytest.approx(0.095)


@given(returns_pair, st.floats(0.5, 0.99))
def test_value_at_risk_never_exceeds_expected_shortfall(pair: np.ndarray, level: float) -> None:
    returns = pair[0]

    assert value_at_risk(returns, level=level) <= expected_shortfall(returns, level=level) + 1e-12
    assert np.mean(-returns > value_at_risk(returns, level=level)) <= 1.0 - level + 1e-9


def test_parametric_value_at_risk_by_hand() -> None:
    # 1.645 deviations of 1 % over 4 periods: 1.645 * 0.01 * 2 - 4 * 0.0005
    assert parametric_value_at_risk(0.0005, 0.01, level=0.95, periods=4) == pytest.approx(
        1.6449 * 0.02 - 0.002, abs=1e-6
    )


def test_cornish_fisher_equals_the_normal_for_normal_moments() -> None:
    # quantiles of a normal: no skew, almost no excess kurtosis
    returns = norm.ppf((np.arange(200_000) + 0.5) / 200_000) * 0.01

    assert cornish_fisher_value_at_risk(returns, level=0.95) == pytest.approx(0.01645, abs=2e-5)


def test_kupiec_of_jorion() -> None:
    # Jorion, "Value at Risk": 20 exceptions in 252 days at 95 % -> 3.91
    assert kupiec_test(20, 252, level=0.95).statistic == pytest.approx(3.91, abs=0.005)


@pytest.mark.parametrize(
    ("level", "n_obs", "accepted"),
    [
        (0.99, 255, range(7)),
        (0.975, 510, range(7, 21)),
        (0.95, 255, range(7, 21)),
        (0.99, 1000, range(5, 17)),
    ],
)
def test_kupiec_accepts_the_published_counts(level: float, n_obs: int, accepted: range) -> None:
    # Kupiec (1995), table of non-rejection regions at 95 % confidence: N < 7, 6 < N < 21, ...
    passed = [
        n for n in range(60) if kupiec_test(n, n_obs, level=level).statistic < 3.841458820694124
    ]

    assert passed[-1] == accepted[-1]
    assert passed[0] in {accepted[0], 1}  # the table counts 0 of 255 as acceptable


def test_four_exceptions_or_fewer_have_the_supervisors_probability() -> None:
    # Basel Committee (1996), table 1: 89.22 %
    assert binom.cdf(4, 250, 0.01) == pytest.approx(0.8922, abs=5e-5)
    zones = [basel_zone(n) for n in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


def test_few_expected_exceptions_are_inconclusive() -> None:
    assert not kupiec_test(3, 250, level=0.99).conclusive
    assert kupiec_test(3, 500, level=0.99).conclusive


def test_no_exceptions_by_hand() -> None:
    # -2 ln 0.99^250
    assert kupiec_test(0, 250, level=0.99).statistic == pytest.approx(-500 * np.log(0.99))


def test_christoffersen_by_hand() -> None:
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 0, 1, 0])
    found = christoffersen_test(hits, level=0.90)

    # transitions 00: 4, 01: 2, 10: 2, 11: 1; shares 1/3 and 1/3 equal the pooled 3/9
    assert found.counts == (4, 2, 2, 1)
    assert found.independence.statistic == pytest.approx(0.0, abs=1e-12)
    # 3 of 10 at 10 %: -2 (7 ln .9 + 3 ln .1 - 7 ln .7 - 3 ln .3)
    expected = -2 * (7 * np.log(0.9 / 0.7) + 3 * np.log(0.1 / 0.3))
    assert found.unconditional.statistic == pytest.approx(expected)
    assert found.statistic == pytest.approx(expected)


def test_clustered_exceptions_are_not_independent() -> None:
    hits = np.zeros(500)
    hits[100:105] = hits[300:305] = 1

    found = christoffersen_test(hits, level=0.98)

    assert found.unconditional.p_value == pytest.approx(1.0)
    assert found.independence.p_value < 1e-6


@given(arrays(np.float64, 4, elements=st.floats(-1, 1)), st.integers(0, 99))
def test_component_value_at_risk_adds_up(weights: np.ndarray, seed: int) -> None:
    spread = np.random.default_rng(seed).normal(size=(4, 4)) * 0.01
    covariance = spread @ spread.T

    parts = component_value_at_risk(weights, covariance, level=0.95)

    whole = norm.ppf(0.95) * np.sqrt(weights @ covariance @ weights)
    assert parts.sum() == pytest.approx(whole, abs=1e-12)


def test_exposures_by_hand() -> None:
    found = exposures(np.array([0.4, -0.1, 0.0]))

    assert found.gross == pytest.approx(0.5)
    assert found.net == pytest.approx(0.3)
    assert (found.long, found.short, found.largest) == (0.4, 0.1, 0.4)
    assert found.concentration == pytest.approx(0.8**2 + 0.2**2)


def test_beta_of_a_levered_benchmark_is_its_leverage() -> None:
    market = np.array([0.01, -0.02, 0.03])

    assert beta(0.001 + 1.5 * market, market) == pytest.approx(1.5)


def test_ewma_volatility_by_hand() -> None:
    # after two returns: (0.5 * 0.04² + 0.5² ... ) normalised: (0.5 * 0.02² + 1 * 0.04²) / 1.5
    known = ewma_volatility(np.array([0.02, -0.04]), decay=0.5)

    assert known == pytest.approx([0.02, np.sqrt((0.5 * 0.02**2 + 0.04**2) / 1.5)])


def test_stress_takes_the_gap_instead_of_the_markets_move() -> None:
    weights, betas = np.array([0.5, 0.3]), np.array([1.2, 1.0])

    # 0.5 * 1.2 * 10 % and a gap of 40 % on 0.3
    assert stress_loss(weights, {1: -0.4}, betas=betas, market=-0.1) == pytest.approx(0.18)


def test_empty_and_broken_returns_are_refused() -> None:
    with pytest.raises(ValueError, match="was empty"):
        expected_shortfall(np.empty(0))
    with pytest.raises(ValueError, match="must be finite: 1 of 2"):
        value_at_risk(np.array([0.0, np.nan]))
