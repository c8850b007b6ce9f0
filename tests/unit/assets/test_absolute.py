"""What a record earned over cash, by hand and against a backtest whose cash earns."""

from dataclasses import replace

import numpy as np
import pytest

from assets.absolute import idle_cash, metrics, over_cash
from quant.backtest import Costs, backtest
from quant.performance import SESSIONS_PER_YEAR
from quant.performance.absolute import absolute_figures, cash_returns

N_OBS = 600


def test_figures_by_hand() -> None:
    returns, cash = np.array([0.02, 0.0]), np.array([0.01, 0.01])

    told = absolute_figures(returns, cash, np.array([0.0, 1.0]))

    # earned 2 % and then what cash does, in excess of cash 1 % and 0 %: mean 0.005, deviation
    # 0.01 / 2**0.5
    assert told.annual_return == pytest.approx((1.02 * 1.01) ** 126 - 1)
    assert told.cash_return == pytest.approx(1.01**252 - 1)
    assert told.excess_return == pytest.approx(told.annual_return - told.cash_return)
    assert told.sharpe == pytest.approx(0.5 * 2**0.5 * 252**0.5)
    assert told.volatility == pytest.approx(0.01 / 2**0.5 * 252**0.5)
    assert told.drawdown == 0.0


def test_cash_compounds_to_its_rate_in_a_year() -> None:
    returns = cash_returns(np.full(SESSIONS_PER_YEAR, 0.05))

    assert np.prod(1.0 + returns) == pytest.approx(1.05)
    with pytest.raises(ValueError, match=r"above -1, the lowest was -1\.5"):
        cash_returns(np.array([0.02, -1.5]))


def test_who_lies_in_cash_all_the_time_has_earned_nothing_over_it() -> None:
    told = over_cash(np.zeros(N_OBS), np.ones(N_OBS), np.full(N_OBS, 0.03))["absolute"]

    assert isinstance(told, dict)
    assert told["annual_return"] == told["cash_return"] == pytest.approx(0.03)
    assert (told["excess_return"], told["sharpe"]) == (0.0, None)


def test_idle_cash_earns_what_a_backtest_lets_it_earn() -> None:
    rng = np.random.default_rng(11)
    closes = 50.0 * np.exp(np.cumsum(rng.normal(0.0004, 0.01, (N_OBS, 3)), axis=0))
    volumes = np.full_like(closes, 1e7)
    weights = np.full_like(closes, 0.1)
    rates = np.full(N_OBS, 0.04)
    free = backtest(closes, closes, volumes, weights)
    paid = replace(Costs(), cash_rate=float(cash_returns(rates)[0]) * SESSIONS_PER_YEAR)
    lent = backtest(closes, closes, volumes, weights, costs=paid)

    told = over_cash(free.returns, idle_cash(free, capital=100_000.0), rates)["absolute"]

    assert isinstance(told, dict)
    years = N_OBS / SESSIONS_PER_YEAR
    earned = (lent.equity[-1] / 100_000.0) ** (1 / years) - 1
    unpaid = (free.equity[-1] / 100_000.0) ** (1 / years) - 1
    assert earned - unpaid > 0.027  # seven tenths of 4 %
    assert told["annual_return"] == pytest.approx(earned, abs=2e-5)


def test_what_short_sales_brought_in_is_not_idle_cash() -> None:
    closes = np.full((30, 2), 50.0)
    volumes = np.full_like(closes, 1e7)
    free = replace(Costs(), half_spread_bps=0.0, impact=0.0, borrow_rate=0.0)
    both = backtest(closes, closes, volumes, np.tile([0.1, -0.1], (30, 1)), costs=free)

    # A tenth went into shares; the proceeds of the sale are what the lender of the others holds.
    assert both.settled[-1] == pytest.approx(100_000.0)
    assert idle_cash(both, capital=100_000.0)[-1] == pytest.approx(0.9)


def test_a_rate_nobody_knows_is_taken_for_nothing_and_counted() -> None:
    returns = np.random.default_rng(2).normal(0.0005, 0.01, 10)
    rates = np.concatenate((np.full(4, np.nan), np.full(6, 0.02)))

    some = over_cash(returns, np.zeros(10), rates)["absolute"]
    none = over_cash(returns, np.zeros(10), np.full(10, np.nan))["absolute"]

    assert isinstance(some, dict)
    assert isinstance(none, dict)
    assert (some["without_rate"], some["sessions"]) == (4, 10)
    assert none["without_rate"] == 10
    assert none["cash_return"] == 0.0
    assert none["excess_return"] == none["annual_return"] > some["excess_return"]


def test_the_registry_is_told_what_is_known() -> None:
    told = over_cash(np.zeros(5), np.ones(5), np.full(5, 0.03))

    assert "absolute_sharpe" not in metrics(told)
    assert metrics(told)["absolute_annual_return"] == pytest.approx(0.03)
    assert metrics(told)["absolute_without_rate"] == 0
    assert over_cash(np.zeros(1), np.ones(1), np.zeros(1)) == metrics({}) == {}
