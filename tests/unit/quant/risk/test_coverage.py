"""Back-tests of value at risk: published examples and tables, and the laws of the tests."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from quant.risk import (
    basel_plus_factor,
    basel_zone,
    christoffersen_test,
    coverage_record,
    independence_test,
    kupiec_test,
    past_value_at_risk,
    value_at_risk,
)

_CRITICAL = 3.841458820694124  # chi-squared, one degree of freedom, 95 %


def _hits(runs: list[tuple[int, int]]) -> np.ndarray:
    """Hits from runs of (value, length)."""
    return np.concatenate([np.full(length, value) for value, length in runs])


def test_kupiec_of_jorion() -> None:
    # Jorion (2007), "Value at Risk", 3rd ed., section 6.2.3: J.P. Morgan 1998, 20 exceptions in
    # 252 days at 95 % -> 3.91, rejected at 3.84
    found = kupiec_test(20, 252, level=0.95)

    assert found.statistic == pytest.approx(3.91, abs=0.005)
    assert found.p_value == pytest.approx(chi2.sf(3.91, 1), abs=5e-4)
    assert found.p_value < 0.05


def test_exceptions_of_jorion_cluster() -> None:
    # Jorion (2007), table 6-5: of the 20, six followed an exception and fourteen did not:
    # LR_ind = 9.53, LR_cc = 3.91 + 9.53 = 13.44
    found = independence_test(218, 14, 14, 6)

    assert found.statistic == pytest.approx(9.53, abs=0.005)
    both = found.statistic + kupiec_test(20, 252, level=0.95).statistic
    assert both == pytest.approx(13.44, abs=0.005)


def test_all_three_figures_of_the_mathworks_example() -> None:
    # MathWorks, Risk Management Toolbox, `varbacktest.cc`, portfolio "EquityIndex", Normal95: 57
    # failures in 1043 days, transitions 932, 53, 53 and 4. Any order with those is as good.
    runs = [(0, 19), *[(1, 2), (0, 18)] * 4, *[(1, 1), (0, 18)] * 49]
    runs[-1] = (0, 1043 - sum(length for _, length in runs[:-1]))

    found = christoffersen_test(_hits(runs), level=0.95)

    assert found.counts == (932, 53, 53, 4)
    assert found.unconditional.statistic == pytest.approx(0.46147, abs=5e-6)
    assert found.unconditional.p_value == pytest.approx(0.49694, abs=5e-6)
    assert found.independence.statistic == pytest.approx(0.25866, abs=5e-6)
    assert found.independence.p_value == pytest.approx(0.61104, abs=5e-6)
    assert found.conditional.statistic == pytest.approx(0.72013, abs=5e-6)
    assert found.conditional.p_value == pytest.approx(0.69763, abs=5e-6)


@pytest.mark.parametrize(
    ("level", "regions"),
    [
        (0.99, {252: (-1, 7), 255: (-1, 7), 510: (1, 11), 1000: (4, 17)}),
        (0.975, {252: (2, 12), 255: (2, 12), 510: (6, 21), 1000: (15, 36)}),
        (0.95, {252: (6, 20), 255: (6, 21), 510: (16, 36), 1000: (37, 65)}),
        (0.925, {252: (11, 28), 255: (11, 28), 510: (27, 51), 1000: (59, 92)}),
        (0.90, {252: (16, 36), 255: (16, 36), 510: (38, 65), 1000: (81, 120)}),
    ],
)
def test_kupiec_accepts_the_published_counts(
    level: float, regions: dict[int, tuple[int, int]]
) -> None:
    # Kupiec (1995) and Jorion (2007), table 6-2, non-rejection regions at 95 %, as open
    # intervals: at 99 % N < 7, 1 < N < 11, 4 < N < 17, ... (T = 255 in the first, 252 in the
    # second). For 99 % and a year both leave the lower end open, though none at all gives 5.07.
    for n_obs, (below, above) in regions.items():
        accepted = [
            n for n in range(above + 5) if kupiec_test(n, n_obs, level=level).statistic < _CRITICAL
        ]
        assert accepted == list(range(max(below, 0) + 1, above))


def test_kupiec_and_christoffersen_of_a_vendors_manual() -> None:
    # MathWorks, Risk Management Toolbox, `varbacktest` (pof, cci, cc) for "EquityIndex",
    # Normal95: 1,043 observations, 57 failures, N00 932, N10 53, N01 53, N11 4 ->
    # 0.46147 (p 0.49694), 0.25866 (p 0.61104), 0.72013 (p 0.69763)
    hits = _hits([(0, 1)] + [(1, 1), (0, 17)] * 49 + [(1, 2), (0, 17)] * 4 + [(0, 84)])
    found = christoffersen_test(hits, level=0.95)

    assert (hits.size, found.counts) == (1043, (932, 53, 53, 4))
    assert found.unconditional.statistic == pytest.approx(0.46147, abs=5e-6)
    assert found.unconditional.p_value == pytest.approx(0.49694, abs=5e-6)
    assert found.independence.statistic == pytest.approx(0.25866, abs=5e-6)
    assert found.independence.p_value == pytest.approx(0.61104, abs=5e-6)
    assert found.conditional.statistic == pytest.approx(0.72013, abs=5e-6)
    assert found.conditional.p_value == pytest.approx(0.69763, abs=5e-6)


def test_cumulative_probabilities_of_the_supervisor() -> None:
    # Basel Committee (1996), table 2, cumulative probability in per cent at 250 sessions, 99 %
    published = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]

    assert binom.cdf(np.arange(11), 250, 0.01) * 100 == pytest.approx(published, abs=5e-3)
    zones = [basel_zone(n, 250, level=0.99) for n in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


def test_plus_factors_of_the_supervisor() -> None:
    # Basel Committee (1996), table 2: increase in the scaling factor
    published = [0.0] * 5 + [0.40, 0.50, 0.65, 0.75, 0.85, 1.00, 1.00]

    assert [basel_plus_factor(n) for n in range(12)] == published


@pytest.mark.parametrize(("n_obs", "level"), [(249, 0.99), (500, 0.99), (250, 0.95)])
def test_zones_are_refused_for_anything_else(n_obs: int, level: float) -> None:
    with pytest.raises(ValueError, match="for 250 sessions at 99 % only"):
        basel_zone(3, n_obs, level=level)


def test_no_exceptions_by_hand() -> None:
    # -2 ln 0.99^250
    assert kupiec_test(0, 250, level=0.99).statistic == pytest.approx(-500 * np.log(0.99))


def test_nothing_but_exceptions_by_hand() -> None:
    # -2 ln 0.01^10, and no transition but 1 to 1
    found = christoffersen_test(np.ones(10), level=0.99)

    assert found.unconditional.statistic == pytest.approx(-20 * np.log(0.01))
    assert found.independence.statistic == 0.0


def test_a_year_without_exceptions_by_hand() -> None:
    # -2 ln 0.99^250 = 5.025 of coverage; without an exception nothing can cluster
    found = christoffersen_test(np.zeros(250), level=0.99)

    assert found.counts == (249, 0, 0, 0)
    assert found.statistic == found.unconditional.statistic == pytest.approx(5.0252, abs=5e-5)
    assert (found.independence.statistic, found.independence.p_value) == (0.0, 1.0)


@pytest.mark.parametrize(("last", "counts"), [(1, (8, 1, 0, 1)), (0, (7, 1, 1, 1))])
def test_two_exceptions_in_a_row_at_the_end_and_before_it(
    last: int, counts: tuple[int, int, int, int]
) -> None:
    hits = np.zeros(11, dtype=bool)
    hits[9:] = True
    hits = np.roll(hits, last - 1)

    found = christoffersen_test(hits, level=0.90)

    # shares after none n01 / (n00 + n01) and after one n11 / (n10 + n11), against 2 of 10
    n00, n01, n10, n11 = counts
    after_one = n11 / (n10 + n11)
    apart = n00 * np.log(n00 / (n00 + n01)) + n01 * np.log(n01 / (n00 + n01))
    apart += (n10 * np.log(1 - after_one) if n10 else 0.0) + n11 * np.log(after_one)
    pooled = 8 * np.log(0.8) + 2 * np.log(0.2)
    assert found.counts == counts
    assert found.independence.statistic == pytest.approx(2 * (apart - pooled))


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
    assert found.p_value < 1e-5


def test_few_expected_exceptions_are_insufficient() -> None:
    assert kupiec_test(3, 499, level=0.99).insufficient
    enough = kupiec_test(3, 500, level=0.99)
    assert not enough.insufficient
    assert enough.monte_carlo_p_value is None


@pytest.mark.parametrize("exceptions", [0, 1, 5, 7, 10])
def test_monte_carlo_p_value_is_near_the_exact_one(exceptions: int) -> None:
    # all counts whose statistic is as large, weighed by the binomial
    found = kupiec_test(exceptions, 250, level=0.99)
    statistics = np.array([kupiec_test(n, 250, level=0.99).statistic for n in range(30)])
    exact = binom.pmf(np.arange(30), 250, 0.01)[statistics >= found.statistic - 1e-9].sum()

    assert found.monte_carlo_p_value == pytest.approx(exact, abs=0.02)


def test_monte_carlo_p_values_of_every_part_are_given_and_repeat() -> None:
    hits = _hits([(0, 240), (1, 2), (0, 1), (1, 1), (0, 6)])
    first, again = (christoffersen_test(hits, level=0.99) for _ in range(2))

    assert first.insufficient
    assert first == again
    for part in (first.unconditional, first.independence, first.conditional):
        assert part.monte_carlo_p_value is not None
        assert 0.0 < part.monte_carlo_p_value <= 1.0


def test_monte_carlo_rejects_true_figures_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(3)
    p_values = np.array(
        [
            christoffersen_test(rng.random(100) < 0.01, level=0.99).conditional.monte_carlo_p_value
            for _ in range(60)
        ]
    )

    # 5 % of 60 is 3; binomially at most 9 in all but one case of a thousand
    assert np.sum(p_values <= 0.05) <= 9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.data(), st.floats(0.5, 0.99))
def test_counting_the_periods_that_held_gives_the_same_statistic(
    n_obs: int, data: st.DataObject, level: float
) -> None:
    exceptions = data.draw(st.integers(0, n_obs))

    found = kupiec_test(exceptions, n_obs, level=level)

    assert found.statistic >= 0.0
    assert 0.0 <= found.p_value <= 1.0
    other = kupiec_test(n_obs - exceptions, n_obs, level=1.0 - level)
    assert other.statistic == pytest.approx(found.statistic, abs=1e-7)


@pytest.mark.parametrize(
    ("exceptions", "n_obs", "level", "message"),
    [
        (-1, 250, 0.99, "at least 0"),
        (251, 250, 0.99, "251 of 250"),
        (2.5, 250, 0.99, "whole number"),
        (0, 0, 0.99, "at least 1"),
        (3, 250, 1.0, "strictly between 0 and 1"),
        (3, 250, float("nan"), "strictly between 0 and 1"),
    ],
)
def test_impossible_records_are_refused(
    exceptions: int, n_obs: int, level: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kupiec_test(exceptions, n_obs, level=level)


@pytest.mark.parametrize("hits", [[1], [0, 2, 1], [0.0, np.nan], [[0, 1], [1, 0]]])
def test_hits_that_are_no_hits_are_refused(hits: list[float]) -> None:
    with pytest.raises(ValueError, match="two zeros and ones in order of time"):
        christoffersen_test(np.array(hits), level=0.99)


def test_past_figures_are_those_of_the_window_before() -> None:
    returns = np.random.default_rng(4).normal(size=300) * 0.01

    figures = past_value_at_risk(returns, level=0.95, window=100)

    assert figures.size == 200
    for now in (0, 57, 199):
        assert figures[now] == value_at_risk(returns[now : now + 100], level=0.95)


@given(st.integers(110, 199), st.booleans())
def test_past_figures_do_not_know_their_own_return(place: int, filtered: bool) -> None:
    returns = np.random.default_rng(5).normal(size=200) * 0.01
    changed = returns.copy()
    changed[place] -= 0.5

    before, after = (
        past_value_at_risk(r, level=0.95, window=100, filtered=filtered) for r in (returns, changed)
    )

    np.testing.assert_array_equal(before[: place - 99], after[: place - 99])


def test_filtered_figures_follow_a_rise_of_volatility() -> None:
    rng = np.random.default_rng(6)
    returns = np.concatenate((rng.normal(size=600) * 0.005, rng.normal(size=60) * 0.03))

    plain, filtered = (
        past_value_at_risk(returns, level=0.95, window=500, filtered=way) for way in (False, True)
    )

    hits = [
        coverage_record(returns[500:], f, level=0.95).hits[-60:].sum() for f in (plain, filtered)
    ]
    assert filtered[-1] > 2 * plain[-1]
    assert hits[1] < hits[0] / 2


def test_record_of_a_year_has_a_zone_and_any_other_has_none() -> None:
    returns = np.full(260, 0.001)
    returns[[100, 180, 250]] = -0.05
    figures = np.full(260, 0.04)

    found = coverage_record(returns, figures)

    assert found.hits.sum() == 3
    assert found.zone == "green"
    assert found.tests.counts == (253, 3, 3, 0)
    assert coverage_record(returns, figures, level=0.95).zone is None
    assert coverage_record(returns[:249], figures[:249]).zone is None
