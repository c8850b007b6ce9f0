"""Performance figures by hand and against independent formulas."""

from collections.abc import Callable

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
    closed_trades,
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


@pytest.mark.parametrize(
    "figure", [sharpe_ratio, annualised_volatility, maximum_drawdown, total_return, sortino_ratio]
)
def test_a_table_of_curves_is_not_taken_for_one(figure: Callable[[np.ndarray], float]) -> None:
    table = np.random.default_rng(1).normal(size=(30, 2)) * 0.01

    with pytest.raises(ValueError, match=r"one series of shape \(n_obs,\), had shape \(30, 2\)"):
        figure(table)


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


def test_a_trade_runs_from_flat_to_flat_however_often_it_is_added_to() -> None:
    # asset 0: buys 10 at 100 and 5 at 110, sells 15 at 120, each execution costs 1:
    # 1800 - 1000 - 550 - 3. Asset 1: buys 10 at 50, sells 4 at 40 and is still open.
    profits = closed_trades(
        np.array([0, 1, 0, 1, 0]),
        np.array([10.0, 10.0, 5.0, -4.0, -15.0]),
        np.array([100.0, 50.0, 110.0, 40.0, 120.0]),
        np.full(5, 1.0),
    )

    assert profits.tolist() == [pytest.approx(247.0)]


def test_one_execution_may_close_a_long_trade_and_begin_a_short_one() -> None:
    # long 10 at 100, sells 30 at 110 for 6 (a third of it closes: +100 - 2), buys 20 at 100
    # (+200 - 4 of the sale)
    profits = closed_trades(
        np.zeros(3, dtype=np.int64),
        np.array([10.0, -30.0, 20.0]),
        np.array([100.0, 110.0, 100.0]),
        np.array([0.0, 6.0, 0.0]),
    )

    assert profits == pytest.approx([98.0, 196.0])


def test_what_is_left_of_a_symbol_whose_prices_end_is_a_closed_trade() -> None:
    bought = (np.array([1]), np.array([10.0]), np.array([100.0]), np.array([1.0]))

    assert closed_trades(*bought).size == 0
    assert closed_trades(*bought, ended=np.array([np.nan, np.nan])).size == 0
    assert closed_trades(*bought, ended=np.array([np.nan, 40.0])) == pytest.approx([-601.0])


@given(st.integers(0, 999))
def test_closed_trades_and_what_is_still_held_earn_all_that_was_earned(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = np.round(rng.normal(size=30), 0)
    prices, costs = rng.uniform(50.0, 60.0, 30), rng.uniform(0.0, 0.1, 30)
    # sold at the end at whatever price, all trades are closed
    shares = np.append(shares, -shares.sum())
    prices, costs = np.append(prices, 55.0), np.append(costs, 0.05 * (shares[-1] != 0.0))
    traded = shares != 0.0

    profits = closed_trades(np.zeros(traded.sum(), dtype=np.int64), *(
        values[traded] for values in (shares, prices, costs)
    ))  # fmt: skip

    assert profits.sum() == pytest.approx(-(shares * prices)[traded].sum() - costs[traded].sum())
