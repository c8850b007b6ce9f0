"""Performance figures by hand and against independent formulas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skfolio import measures
from statsmodels.stats.weightstats import DescrStatsW

from quant.performance import (
    active_returns,
    annualised_return,
    annualised_volatility,
    calmar_ratio,
    current_drawdown,
    downside_deviation,
    drawdowns,
    maximum_drawdown,
    returns_to_date,
    scaled_drawdown,
    sharpe_ratio,
    sortino_ratio,
    total_return,
    trade_statistics,
    turnover,
)

RETURNS = np.array([0.10, -0.50, 0.20, 0.50])
# Bacon (2008), "Practical portfolio performance measurement and attribution", 2nd ed., Wiley: two
# years of monthly portfolio returns that all its risk examples use.
BACON = np.array(
    [0.003, 0.026, 0.011, -0.010, 0.015, 0.025, 0.016, 0.067, -0.014, 0.040, -0.005, 0.081,
     0.040, -0.037, -0.061, 0.017, -0.049, -0.022, 0.070, 0.058, -0.065, 0.024, -0.005, -0.009]
)  # fmt: skip
some_returns = arrays(np.float64, st.integers(3, 50), elements=st.floats(-0.5, 0.5))


def test_curve_by_hand() -> None:
    # 1.1, 0.55, 0.66, 0.99
    assert total_return(RETURNS) == pytest.approx(-0.01)
    assert annualised_return(RETURNS, periods_per_year=2) == pytest.approx(0.99**0.5 - 1)
    assert drawdowns(RETURNS) == pytest.approx([0.0, 0.5, 0.4, 0.1])
    assert maximum_drawdown(RETURNS) == pytest.approx(0.5)
    assert current_drawdown(RETURNS) == pytest.approx(0.1)
    assert calmar_ratio(RETURNS, periods_per_year=4) == pytest.approx(-0.01 / 0.5)


def test_a_loss_from_the_start_is_a_drawdown() -> None:
    assert maximum_drawdown(np.array([-0.2, 0.1])) == pytest.approx(0.2)


def test_ratios_by_hand() -> None:
    returns = np.array([0.01, -0.01, 0.03])

    # mean 0.01, deviation 0.02, shortfalls (0.01² / 3)^½
    assert sharpe_ratio(returns, periods_per_year=4) == pytest.approx(1.0)
    assert annualised_volatility(returns, periods_per_year=4) == pytest.approx(0.04)
    assert downside_deviation(returns, periods_per_year=1) == pytest.approx(0.01 / 3**0.5)
    assert sortino_ratio(returns, periods_per_year=1) == pytest.approx(3**0.5)


@given(some_returns)
def test_drawdowns_agree_with_pandas(returns: np.ndarray) -> None:
    wealth = pd.Series(np.concatenate(([1.0], 1.0 + returns))).cumprod()

    np.testing.assert_allclose(drawdowns(returns), (1.0 - wealth / wealth.cummax())[1:], atol=1e-12)


@given(some_returns)
def test_cutting_a_year_in_two_does_not_change_its_total(returns: np.ndarray) -> None:
    first, second = returns[:2], returns[2:]
    both = (1 + total_return(first)) * (1 + total_return(second)) - 1

    assert total_return(returns) == pytest.approx(both)


def test_trades_by_hand() -> None:
    found = trade_statistics(np.array([100.0, -50.0, 0.0, 30.0]))

    assert (found.n_trades, found.win_rate) == (4, 0.5)
    assert found.profit_factor == pytest.approx(2.6)
    assert found.expectancy == pytest.approx(20.0)


def test_a_levered_benchmark_has_no_active_return_once_beta_is_known() -> None:
    market = np.random.default_rng(1).normal(0.001, 0.01, 200)

    active = active_returns(2.0 * market, market, window=100, minimum=20)

    np.testing.assert_allclose(active[:20], market[:20])
    np.testing.assert_allclose(active[20:], 0.0, atol=1e-12)


@given(st.integers(30, 99))
def test_active_returns_do_not_know_the_future(place: int) -> None:
    rng = np.random.default_rng(2)
    own, market = rng.normal(size=(2, 100)) * 0.01
    changed = own.copy()
    changed[place] += 0.5

    before, after = (active_returns(r, market, minimum=20) for r in (own, changed))

    np.testing.assert_array_equal(before[:place], after[:place])
    assert after[place] - before[place] == pytest.approx(0.5)


@given(some_returns.filter(lambda r: np.ptp(r) > 0.01), st.floats(0.1, 1.0))
def test_scaled_drawdown_does_not_depend_on_leverage(returns: np.ndarray, by: float) -> None:
    assert scaled_drawdown(returns * by) == pytest.approx(scaled_drawdown(returns))


def test_returns_that_do_not_vary_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="all 3 are equal"):
        sharpe_ratio(np.full(3, 0.001))


def test_downside_of_bacon() -> None:
    # pages 94-96, at a required 0.5 % a month: downside deviation 2.55 %, Sortino's ratio of
    # monthly figures (Kappa 2) 0.157, gains over losses (Bernardo and Ledoit) 1.78
    assert downside_deviation(BACON, required_return=0.005, periods_per_year=1) == pytest.approx(
        0.0255, abs=5e-5
    )
    assert sortino_ratio(BACON, required_return=0.005, periods_per_year=1) == pytest.approx(
        0.157, abs=5e-4
    )
    assert trade_statistics(BACON).profit_factor == pytest.approx(1.78, abs=5e-3)


@given(some_returns.filter(lambda r: np.ptp(r) > 0.01 and r.min() < -0.01))
def test_measures_agree_with_skfolio(returns: np.ndarray) -> None:
    curve = measures.get_cumulative_returns(returns, compounded=True)
    falls = measures.get_drawdowns(returns, compounded=True)

    assert total_return(returns) == pytest.approx(curve[-1] - 1.0, abs=1e-9)
    assert annualised_volatility(returns, periods_per_year=1) == pytest.approx(
        measures.standard_deviation(returns)
    )
    np.testing.assert_allclose(drawdowns(returns), -falls, atol=1e-12)
    assert maximum_drawdown(returns) == pytest.approx(measures.max_drawdown(falls), abs=1e-12)
    # skfolio divides by one observation less
    n_obs = returns.size
    assert downside_deviation(returns, periods_per_year=1) == pytest.approx(
        measures.semi_deviation(returns, min_acceptable_return=0.0) * ((n_obs - 1) / n_obs) ** 0.5
    )


@given(some_returns.filter(lambda r: np.ptp(r) > 0.01))
def test_sharpe_ratio_is_a_t_statistic_of_statsmodels(returns: np.ndarray) -> None:
    per_period = sharpe_ratio(returns, risk_free=0.002, periods_per_year=1)

    assert per_period * returns.size**0.5 == pytest.approx(
        DescrStatsW(returns).ttest_mean(0.002)[0], rel=1e-6, abs=1e-9
    )


def test_returns_to_date_by_hand() -> None:
    days = np.array(["2011-12-30", "2012-01-03", "2012-04-30", "2012-05-01", "2012-05-02"], "M8[D]")
    found = returns_to_date(np.array([0.5, 0.1, -0.2, 0.05, 0.02]), days)

    assert found.day == pytest.approx(0.02)
    assert found.month == pytest.approx(1.05 * 1.02 - 1)
    assert found.quarter == pytest.approx(0.8 * 1.05 * 1.02 - 1)
    assert found.year == pytest.approx(1.1 * 0.8 * 1.05 * 1.02 - 1)


def test_days_that_do_not_rise_are_refused() -> None:
    days = np.array(["2012-01-03", "2012-01-03"], "M8[D]")
    with pytest.raises(ValueError, match="rise strictly"):
        returns_to_date(np.zeros(2), days)


def test_turnover_by_hand() -> None:
    # half of 20 % and half of 40 % on average, 252 times a year
    assert turnover(np.array([20.0, 80.0]), np.array([100.0, 200.0])) == pytest.approx(0.15 * 252)
    with pytest.raises(ValueError, match="must not be negative"):
        turnover(np.array([-1.0]), np.array([100.0]))
