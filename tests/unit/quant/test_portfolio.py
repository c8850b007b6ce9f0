"""Portfolios against closed forms, the published example of risk parity, and their limits."""

import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from quant.portfolio import (
    Trading,
    hierarchical_risk_parity_weights,
    less_turnover,
    maximum_sharpe_weights,
    minimum_variance_weights,
)
from quant.sizing import WeightLimits

WIDE = WeightLimits(position=9.0, gross=19.0, net=9.0)
SPREAD = np.array([[1.0, 0.6, 0.2], [0.6, 2.0, 0.4], [0.2, 0.4, 1.5]]) * 1e-4
RETURNS = np.random.default_rng(1).multivariate_normal([6e-4, 4e-4, 8e-4], SPREAD, size=750)
MAKERS: list[Callable[..., np.ndarray]] = [
    minimum_variance_weights,
    maximum_sharpe_weights,
    hierarchical_risk_parity_weights,
]


def _shrunk_mean(returns: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Bayes-Stein, written from Jorion (1986), equations 17 and 18."""
    n_obs, n_assets = returns.shape
    mean, inverse = returns.mean(axis=0), np.linalg.inv(covariance)
    target = inverse.sum(axis=0) @ mean / inverse.sum()
    off = mean - target
    share = (n_assets + 2) / (n_assets + 2 + n_obs * off @ inverse @ off)
    shrunk: np.ndarray = mean - share * off
    return shrunk


def test_minimum_variance_is_the_closed_form() -> None:
    covariance = ledoit_wolf(RETURNS)[0]
    free = np.linalg.solve(covariance, np.ones(3))

    found = minimum_variance_weights(RETURNS, limits=WIDE, invested=1.0, long_only=False)

    np.testing.assert_allclose(found, free / free.sum(), atol=2e-4)


def test_maximum_sharpe_is_the_closed_form() -> None:
    covariance = ledoit_wolf(RETURNS)[0]
    free = np.linalg.solve(covariance, _shrunk_mean(RETURNS, covariance) - 1e-4)

    found = maximum_sharpe_weights(
        RETURNS, limits=WIDE, invested=0.5, long_only=False, risk_free=1e-4
    )

    np.testing.assert_allclose(found, 0.5 * free / free.sum(), atol=2e-4)


def test_risk_parity_of_the_paper() -> None:
    # López de Prado (2016), exhibit 5 (and "Advances in Financial Machine Learning", table 16.1):
    # ten series from the generator of its snippet; HRP weights in per cent
    drawn = np.random.RandomState(12345)
    chosen = random.Random(12345)
    own = drawn.normal(0, 1, size=(10_000, 5))
    # what random.randint(0, 4) drew in the paper's Python 2
    columns = [int(chosen.random() * 5) for _ in range(5)]
    returns = np.append(own, own[:, columns] + drawn.normal(0, 0.25, size=(10_000, 5)), axis=1)

    found = hierarchical_risk_parity_weights(returns, limits=WIDE, invested=1.0)

    published = [7.00, 7.59, 10.84, 19.03, 9.72, 10.19, 6.62, 9.10, 7.12, 12.79]
    assert 100 * found == pytest.approx(published, abs=0.006)


def test_two_assets_share_risk_by_inverse_variance() -> None:
    # one bisection: weights in proportion to 1 / variance, whatever the correlation
    returns = RETURNS[:, :2]
    variances = returns.var(axis=0, ddof=1)

    found = hierarchical_risk_parity_weights(returns, limits=WIDE, invested=1.0)

    assert found == pytest.approx(variances[::-1] / variances.sum())


@pytest.mark.parametrize("make", MAKERS)
def test_limits_hold(make: Callable[..., np.ndarray]) -> None:
    returns = np.random.default_rng(2).normal(5e-4, 0.01, size=(300, 8)) * np.linspace(0.5, 3, 8)
    limits = WeightLimits(position=0.15, gross=0.8, net=0.6)

    found = make(returns, limits=limits)

    # the net binds: 0.6 of 8 * 0.15
    assert found.sum() == pytest.approx(0.6, abs=1e-6)
    assert found.min() >= 0.0
    assert found.max() <= 0.15 + 1e-6


def test_a_book_with_shorts_stays_within_gross_and_net() -> None:
    returns = np.random.default_rng(3).multivariate_normal([1e-3, -1e-3, 0], SPREAD, size=400)
    limits = WeightLimits(position=0.5, gross=0.6, net=0.2)

    found = maximum_sharpe_weights(returns, limits=limits, long_only=False)

    assert found.min() < -0.05
    assert np.abs(found).sum() <= 0.6 + 1e-6
    assert np.abs(found).max() <= 0.5 + 1e-6
    assert found.sum() == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("make", MAKERS)
def test_dearer_trading_trades_less(make: Callable[..., np.ndarray]) -> None:
    limits = WeightLimits(position=0.9, gross=1.0, net=1.0)
    held = np.array([0.2, 0.5, 0.3])

    turnover = [
        float(np.abs(make(RETURNS, limits=limits, trading=Trading(held, penalty)) - held).sum())
        for penalty in (0.0, 1e-5, 5e-5, 1.0)
    ]

    assert all(after <= before + 1e-6 for before, after in pairwise(turnover))
    assert turnover[0] > 0.05
    assert turnover[-1] == pytest.approx(0.0, abs=1e-5)


def test_less_turnover_by_hand() -> None:
    moved = less_turnover(np.array([0.5, 0.2, 0.0]), np.array([0.1, 0.18, 0.3]), band=0.05)

    # + 0.4 becomes + 0.35, + 0.02 is not made, - 0.3 becomes - 0.25
    assert moved == pytest.approx([0.45, 0.18, 0.05])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.full((100, 2), np.nan), "must be finite: 200 of 200"),
        (np.column_stack((RETURNS[:100, 0], np.full(100, 0.01))), r"positions \[1\] do not vary"),
        (RETURNS[:59], "at least 60 periods are needed, were 59"),
        (RETURNS[:, :1], "n_assets >= 2"),
    ],
)
def test_broken_returns_are_refused(
    make: Callable[..., np.ndarray], returns: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(returns, limits=WIDE)


def test_more_than_the_limits_allow_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 positions of at most 5\.00% .* at most 15\.00%"):
        minimum_variance_weights(RETURNS, limits=WeightLimits(), invested=0.5)


def test_no_portfolio_beats_a_high_rate_of_cash() -> None:
    with pytest.raises(ValueError, match="no maximum Sharpe weights were found"):
        maximum_sharpe_weights(RETURNS, limits=WIDE, invested=1.0, risk_free=0.05)


def test_held_weights_must_fit() -> None:
    with pytest.raises(ValueError, match="one weight for each of 3 assets"):
        minimum_variance_weights(RETURNS, limits=WIDE, trading=Trading(np.zeros(2), 0.0))
