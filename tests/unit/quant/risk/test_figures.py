"""Risk figures by hand, from the literature, and the laws they obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.stats import norm
from skfolio import measures

from quant.risk import (
    METHODS,
    beta,
    component_expected_shortfall,
    component_value_at_risk,
    cornish_fisher_expected_shortfall,
    cornish_fisher_value_at_risk,
    days_to_exit,
    ewma_volatility,
    expected_shortfall,
    exposures,
    filtered_returns,
    fitted_garch,
    horizon_returns,
    incremental_value_at_risk,
    marginal_value_at_risk,
    normal_value_at_risk,
    parametric_expected_shortfall,
    parametric_value_at_risk,
    share_exited,
    simulated_returns,
    tail_risks,
    undiversified_value_at_risk,
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


@given(returns_pair, st.floats(0.55, 0.985))
def test_historical_figures_agree_with_skfolio(pair: np.ndarray, level: float) -> None:
    returns = pair[0]
    n_tail = returns.size * (1.0 - level)

    shortfall = expected_shortfall(returns, level=level)
    assert shortfall == pytest.approx(measures.cvar(returns, beta=level), abs=1e-12)
    if (
        abs(n_tail - round(n_tail)) > 1e-9
    ):  # where a quantile falls on an observation it takes the next
        assert value_at_risk(returns, level=level) == measures.value_at_risk(returns, beta=level)


def test_parametric_value_at_risk_by_hand() -> None:
    # 1.645 deviations of 1 % over 4 periods: 1.645 * 0.01 * 2 - 4 * 0.0005
    assert parametric_value_at_risk(0.0005, 0.01, level=0.95, periods=4) == pytest.approx(
        1.6449 * 0.02 - 0.002, abs=1e-6
    )


def test_cornish_fisher_equals_the_normal_for_normal_moments() -> None:
    # quantiles of a normal: no skew, almost no excess kurtosis
    returns = norm.ppf((np.arange(200_000) + 0.5) / 200_000) * 0.01

    assert cornish_fisher_value_at_risk(returns, level=0.95) == pytest.approx(0.01645, abs=2e-5)


# McNeil, Frey & Embrechts (2015), "Quantitative Risk Management", 2nd ed., table 2.1: a position
# of 10,000 in a share with 20 % volatility a year of 250 days, loss of one day, normal and t with
# four degrees of freedom of the same volatility.
@pytest.mark.parametrize(
    ("level", "normal", "student", "shortfall", "student_shortfall"),
    [
        (0.90, 162.1, 137.1, 222.0, 223.5),
        (0.95, 208.1, 190.7, 260.9, 286.5),
        (0.975, 247.9, 248.3, 295.7, 357.2),
        (0.99, 294.3, 335.1, 337.1, 466.9),
        (0.995, 325.8, 411.8, 365.8, 565.7),
    ],
)
def test_figures_of_mcneil_frey_and_embrechts(
    level: float, normal: float, student: float, shortfall: float, student_shortfall: float
) -> None:
    daily = 0.2 / np.sqrt(250)

    def figures(nu: float | None) -> list[float]:
        return [
            10_000 * figure(0.0, daily, level=level, degrees_of_freedom=nu)
            for figure in (parametric_value_at_risk, parametric_expected_shortfall)
        ]

    assert figures(None) == pytest.approx([normal, shortfall], abs=0.06)
    assert figures(4.0) == pytest.approx([student, student_shortfall], abs=0.06)


@pytest.mark.parametrize("nu", [None, 3.0, 8.0])
def test_parametric_shortfall_is_the_mean_of_the_figures_beyond(nu: float | None) -> None:
    mean, _ = quad(
        lambda level: parametric_value_at_risk(0.001, 0.02, level=level, degrees_of_freedom=nu),
        0.95,
        1.0,
        limit=200,
    )

    found = parametric_expected_shortfall(0.001, 0.02, level=0.95, degrees_of_freedom=nu)
    assert found == pytest.approx(mean / 0.05, rel=1e-5)


def test_cornish_fisher_shortfall_is_the_mean_of_the_figures_beyond() -> None:
    returns = np.random.default_rng(1).standard_t(df=8, size=4000) * 0.01
    returns -= 0.2 * returns**2

    mean, _ = quad(lambda a: cornish_fisher_value_at_risk(returns, level=a), 0.95, 1 - 1e-9)
    assert cornish_fisher_expected_shortfall(returns, level=0.95) == pytest.approx(
        mean / 0.05, rel=1e-5
    )


def test_cornish_fisher_is_refused_where_it_is_no_distribution() -> None:
    # one crash in a thousand quiet days: skew near -30
    returns = np.concatenate((np.tile([0.001, -0.001], 500), [-0.5]))

    with pytest.raises(ValueError, match="no distribution at level"):
        cornish_fisher_value_at_risk(returns, level=0.95)


def test_cornish_fisher_tends_to_the_normal_over_long_horizons() -> None:
    returns = np.random.default_rng(2).standard_t(df=6, size=3000) * 0.01
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))

    far = cornish_fisher_value_at_risk(returns, level=0.99, periods=10_000)

    assert far == pytest.approx(
        parametric_value_at_risk(mean, deviation, level=0.99, periods=10_000), rel=1e-3
    )


def test_horizon_returns_by_hand() -> None:
    # 1.1 * 0.5 - 1, 0.5 * 1.2 - 1
    assert horizon_returns(np.array([0.1, -0.5, 0.2]), horizon=2) == pytest.approx([-0.45, -0.4])


JORION = np.diag([0.05**2, 0.12**2])
AT_1_65 = float(norm.cdf(1.65))


def test_components_of_jorion() -> None:
    # Jorion (2007), section 7.2: $2 million of CAD at 5 % and $1 million of EUR at 12 %,
    # uncorrelated, 1.65 deviations: VaR $257,738 of $363,000 undiversified; marginal 0.0528 and
    # 0.1521; components $105,630 (41.0 %) and $152,108 (59.0 %)
    held = np.array([2.0, 1.0])  # millions

    whole = normal_value_at_risk(held, JORION, level=AT_1_65)
    parts = component_value_at_risk(held, JORION, level=AT_1_65)

    assert whole == pytest.approx(0.257738, abs=5e-7)
    assert undiversified_value_at_risk(held, JORION, level=AT_1_65) == pytest.approx(0.363)
    assert marginal_value_at_risk(held, JORION, level=AT_1_65) == pytest.approx(
        [0.0528, 0.1521], abs=5e-5
    )
    assert parts == pytest.approx([0.105630, 0.152108], abs=5e-7)
    assert parts / whole == pytest.approx([0.410, 0.590], abs=5e-4)


def test_two_shares_of_hull() -> None:
    # Hull, "Options, futures, and other derivatives" (6th ed., 2006, section 18.3; 2.33
    # deviations): $10 million of Microsoft at 2 % a day and $5 million of AT&T at 1 %, correlation
    # 0.3; ten days at 99 %: $1,473,621 and $368,405, together $1,622,657, diversification $219,369
    level = float(norm.cdf(2.33))
    covariance = np.array([[0.02**2, 0.3 * 0.02 * 0.01], [0.3 * 0.02 * 0.01, 0.01**2]])
    held = np.array([10e6, 5e6])

    def ten_days(weights: np.ndarray) -> float:
        return normal_value_at_risk(weights, covariance, level=level) * 10**0.5

    alone = [ten_days(held * [1, 0]), ten_days(held * [0, 1])]
    assert alone == pytest.approx([1_473_621, 368_405], abs=1)
    assert ten_days(held) == pytest.approx(1_622_657, abs=1)
    together = undiversified_value_at_risk(held, covariance, level=level) * 10**0.5
    assert together - ten_days(held) == pytest.approx(219_369, abs=1.5)


def test_ten_thousand_more_of_jorion() -> None:
    # Jorion (2007), section 7.2.2: $10,000 more CAD, marginal 0.0528 -> $528
    added = np.array([0.01, 0.0])

    more = incremental_value_at_risk(np.array([2.0, 1.0]), added, JORION, level=AT_1_65)
    assert more * 1e6 == pytest.approx(528, abs=1.5)  # the marginal figure is its first order


@given(arrays(np.float64, 4, elements=st.floats(-1, 1)), st.integers(0, 99))
def test_component_value_at_risk_adds_up(weights: np.ndarray, seed: int) -> None:
    spread = np.random.default_rng(seed).normal(size=(4, 4)) * 0.01
    covariance = spread @ spread.T

    parts = component_value_at_risk(weights, covariance, level=0.95)

    whole = norm.ppf(0.95) * np.sqrt(weights @ covariance @ weights)
    assert parts.sum() == pytest.approx(whole, abs=1e-12)
    assert whole <= undiversified_value_at_risk(weights, covariance, level=0.95) + 1e-12


@given(arrays(np.float64, 3, elements=st.floats(-1, 1)), st.floats(0.5, 0.98), st.integers(0, 99))
def test_component_shortfall_adds_up(weights: np.ndarray, level: float, seed: int) -> None:
    returns = np.random.default_rng(seed).normal(size=(60, 3)) * 0.02

    parts = component_expected_shortfall(weights, returns, level=level)

    whole = expected_shortfall(returns @ weights, level=level)
    assert parts.sum() == pytest.approx(whole, abs=1e-12)


def test_garch_figures_obey_their_own_recursion() -> None:
    rng = np.random.default_rng(8)
    returns, variance = np.empty(1500), 1e-4
    for now in range(1500):
        returns[now] = 0.0004 + np.sqrt(variance) * rng.standard_normal()
        variance = 4e-6 + 0.08 * (returns[now] - 0.0004) ** 2 + 0.88 * variance

    model = fitted_garch(returns)

    # within some standard errors of what made them
    assert model.alpha == pytest.approx(0.08, abs=0.04)
    assert model.beta == pytest.approx(0.88, abs=0.08)
    assert model.next_variance == pytest.approx(variance, rel=0.25)
    deviations = (returns - model.mean) / model.residuals
    stepped = model.omega + model.alpha * (returns[:-1] - model.mean) ** 2
    np.testing.assert_allclose(deviations[1:] ** 2, stepped + model.beta * deviations[:-1] ** 2)
    assert model.residuals.std() == pytest.approx(1.0, abs=0.05)
    # over one period nothing is drawn
    one = filtered_returns(model, rng=rng)
    assert value_at_risk(one, level=0.99) == pytest.approx(
        -model.mean + np.sqrt(model.next_variance) * value_at_risk(model.residuals, level=0.99)
    )
    # over ten the variance adds up the expected way: v̄ + (v - v̄) (α + β)^k
    persistence = model.alpha + model.beta
    mean = model.omega / (1 - persistence)
    expected = sum(mean + (model.next_variance - mean) * persistence**k for k in range(10))
    ten = filtered_returns(model, horizon=10, n_paths=40_000, rng=rng)
    assert ten.var() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.zeros(400), "returns that vary"),
        (np.full(100, 0.01), "at least 250 returns"),
        (np.array([0.01, np.nan] * 200), "must be finite"),
    ],
)
def test_garch_refuses_what_it_cannot_fit(returns: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted_garch(returns)


@pytest.mark.parametrize("nu", [None, 5.0])
def test_simulated_figures_are_near_the_closed_form(nu: float | None) -> None:
    # a weighted sum of joint normals is normal, of joint t is t with the same freedom
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]]) * 1e-4
    mean, held = np.array([0.0005, 0.001]), np.array([0.6, -0.3])

    drawn = simulated_returns(
        mean, covariance, n_draws=200_000, degrees_of_freedom=nu, rng=np.random.default_rng(9)
    )

    deviation = float(np.sqrt(held @ covariance @ held))
    for figure, exact in (
        (value_at_risk, parametric_value_at_risk),
        (expected_shortfall, parametric_expected_shortfall),
    ):
        wanted = exact(float(held @ mean), deviation, level=0.975, degrees_of_freedom=nu)
        assert figure(drawn @ held, level=0.975) == pytest.approx(wanted, rel=0.02)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), covariance, atol=1.2e-5)


def test_the_same_seed_draws_the_same_and_compounds() -> None:
    covariance = np.eye(2) * 1e-4

    first, again = (
        simulated_returns(np.zeros(2), covariance, horizon=5, rng=np.random.default_rng(1))
        for _ in range(2)
    )

    np.testing.assert_array_equal(first, again)
    assert first.var(axis=0) == pytest.approx(5e-4, rel=0.05)


def test_a_covariance_that_is_none_is_refused() -> None:
    for covariance, message in (
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "positive semi-definite"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.eye(3), r"shape \(2, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            simulated_returns(np.zeros(2), covariance, rng=np.random.default_rng(0))


def test_every_method_agrees_on_normal_returns() -> None:
    covariance = np.array([[1.0, 0.3], [0.3, 2.0]]) * 1e-4
    returns = np.random.default_rng(10).multivariate_normal([0, 0], covariance, size=3000)
    held = np.array([0.5, 0.4])

    for method in METHODS:
        found = tail_risks(
            held, returns, method=method, levels=(0.95,), rng=np.random.default_rng(11)
        )
        assert [(f.method, f.level, f.horizon, f.n_obs) for f in found] == [
            (method, 0.95, 1, 3000),
            (method, 0.95, 10, 3000),
        ]
        for figure in found:
            exact = float(np.sqrt(held @ covariance @ held * figure.horizon))
            # Student's t of equal volatility has 2.015 √(3/5) = 1.561 deviations at 95 %; ten
            # days of history overlap: 3,000 of them tell as much as 300
            wide = 0.15 if method in {"historical", "student"} else 0.06
            assert figure.value_at_risk == pytest.approx(1.645 * exact, rel=wide)
            assert figure.expected_shortfall > figure.value_at_risk


def test_unknown_methods_and_shapes_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="one of historical, filtered, normal"):
        tail_risks(np.ones(2), np.zeros((9, 2)), method="magic", rng=rng)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n_obs >= 2, 2"):
        tail_risks(np.ones(2), np.zeros((9, 3)), method="normal", rng=rng)


def test_days_to_exit_by_hand() -> None:
    days = days_to_exit(np.array([5000.0, -200.0, 0.0, 7.0]), np.array([1e5, 1e4, 0.0, 0.0]))

    # 5,000 of 10 % of 100,000 a session; 200 of 1,000
    assert days == pytest.approx([0.5, 0.2, 0.0, np.inf])
    # half of the first by the fourth of a day, all of the second: (50 + 100 + 0 + 0) / 250
    share = share_exited(np.array([100.0, -100.0, 0.0, 50.0]), days, after=0.25)
    assert share == pytest.approx(150 / 250)
    assert share_exited(np.zeros(2), np.zeros(2), after=0.0) == 1.0


def test_volumes_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        days_to_exit(np.array([1.0]), np.array([-5.0]))
    with pytest.raises(ValueError, match=r"participation.*\(0, 1\]"):
        days_to_exit(np.array([1.0]), np.array([5.0]), participation=0.0)


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


def test_empty_and_broken_returns_are_refused() -> None:
    with pytest.raises(ValueError, match="was empty"):
        expected_shortfall(np.empty(0))
    with pytest.raises(ValueError, match="must be finite: 1 of 2"):
        value_at_risk(np.array([0.0, np.nan]))
    for figure in (value_at_risk, expected_shortfall, ewma_volatility):
        with pytest.raises(ValueError, match="one series"):
            figure(np.zeros((9, 2)))
    with pytest.raises(ValueError, match="`decay` must lie strictly between"):
        ewma_volatility(np.zeros(9), decay=1.0)
