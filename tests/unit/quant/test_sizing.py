"""Sizes by hand, and limits that hold whatever is asked."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quant.sizing import (
    WeightLimits,
    atr_stop,
    equal_risk_contribution_weights,
    equal_weights,
    fixed_risk_quantity,
    half_kelly_weights,
    kelly_fraction,
    risk_contributions,
    shares_within,
    shrunk_probability,
    volatility_target_weights,
    whole_lots,
    within_limits,
)

WIDE = WeightLimits(position=9.0, gross=9.0, net=9.0)


@pytest.mark.parametrize(
    ("probability", "win", "loss", "fraction"),
    [
        (0.53, 1.0, 1.0, 0.06),  # Thorp (2006): even money, f = p - q
        (0.6, 2.0, 1.0, 0.4),  # (2 * 0.6 - 0.4) / 2
        (0.55, 0.02, 0.02, 5.0),  # unclipped: 0.05 / 0.02 * 2
        (0.4, 1.0, 1.0, -0.2),
        # Haghani & Dewey (2016), "Rational decision-making under uncertainty: observed betting
        # patterns on a biased coin": heads 60 %, even money -> 20 %
        (0.6, 1.0, 1.0, 0.2),
        (0.5, 2.0, 1.0, 0.25),  # two to one on a fair coin: (2 * 0.5 - 0.5) / 2
        (1.0, 1.0, 0.25, 4.0),  # certain to win: the loss alone bounds it
    ],
)
def test_kelly_fraction_by_hand(
    probability: float, win: float, loss: float, fraction: float
) -> None:
    assert kelly_fraction(probability, win=win, loss=loss) == pytest.approx(fraction)


@given(st.floats(0.05, 0.95), st.floats(0.1, 3.0), st.floats(0.1, 1.0))
def test_kelly_fraction_maximises_growth(p: float, win: float, loss: float) -> None:
    best = kelly_fraction(p, win=win, loss=loss)

    # the derivative of p ln(1 + f win) + q ln(1 - f loss) is zero there
    slope = p * win / (1 + best * win) - (1 - p) * loss / (1 - best * loss)
    assert slope == pytest.approx(0.0, abs=1e-7)


def test_half_kelly_of_one_asset_is_half_of_mean_over_variance() -> None:
    weights = half_kelly_weights(np.array([0.01]), np.array([[0.04]]), limits=WIDE)

    assert weights == pytest.approx([0.125])


def test_half_kelly_of_two_correlated_assets_by_hand() -> None:
    # Σ⁻¹ μ with Σ = [[4, 2], [2, 4]] / 100: (1/12) [[4, -2], [-2, 4]] * 100 μ
    covariance = np.array([[0.04, 0.02], [0.02, 0.04]])
    weights = half_kelly_weights(np.array([0.03, 0.01]), covariance, limits=WIDE, long_only=False)

    assert weights == pytest.approx([0.5 * 10 / 12, -0.5 * 2 / 12])


def test_long_only_drops_the_asset_that_would_be_short() -> None:
    covariance = np.array([[0.04, 0.02], [0.02, 0.04]])
    weights = half_kelly_weights(np.array([0.03, 0.01]), covariance, limits=WIDE)

    # without the second asset the first gets its own 0.03 / 0.04, halved
    assert weights == pytest.approx([0.375, 0.0])


@given(
    arrays(np.float64, 6, elements=st.floats(-3, 3)),
    st.floats(0.01, 1.0),
    st.floats(0.1, 2.0),
    st.floats(0.0, 1.0),
)
def test_limits_hold_and_proportions_stay(
    weights: np.ndarray, position: float, gross: float, net: float
) -> None:
    limits = WeightLimits(position=position, gross=gross, net=net)

    kept = within_limits(weights, limits=limits)

    assert np.abs(kept).max() <= position + 1e-12
    assert np.abs(kept).sum() <= gross + 1e-12
    assert abs(kept.sum()) <= net + 1e-12
    np.testing.assert_allclose(
        kept * np.abs(weights).sum(), weights * np.abs(kept).sum(), atol=1e-12
    )


def test_fixed_risk_by_hand() -> None:
    # 0.4 % of 100,000 is 400; 195.93 - 186.71 is 9.22 a share
    assert (
        fixed_risk_quantity(
            Decimal(100_000), Decimal("0.004"), Decimal("195.93"), Decimal("186.71")
        )
        == 43
    )
    assert (
        fixed_risk_quantity(
            Decimal(100_000), Decimal("0.004"), Decimal("186.71"), Decimal("195.93")
        )
        == 43
    )


def test_shares_of_the_design_example() -> None:
    # 5 % of 100,000 buys 8 AAPL at 599.71 and 25 IBM at 195.93
    assert shares_within(Decimal(5000), Decimal("599.71")) == 8
    assert shares_within(Decimal(5000), Decimal("195.93")) == 25
    assert shares_within(Decimal(5000), Decimal("195.93"), lot=10) == 20
    assert shares_within(Decimal(0), Decimal("195.93")) == 0


@given(st.decimals(0, 100_000, places=2), st.decimals("0.01", 5000, places=2), st.integers(1, 100))
def test_shares_fit_and_one_more_lot_would_not(amount: Decimal, price: Decimal, lot: int) -> None:
    shares = shares_within(amount, price, lot=lot)

    assert shares % lot == 0
    assert shares * price <= amount < (shares + lot) * price


def test_stop_is_rounded_away_from_the_entry() -> None:
    how = {"multiple": Decimal(3), "tick": Decimal("0.01")}

    # 3 * 1.111 = 3.333: 96.667 down to 96.66, 103.333 up to 103.34
    assert atr_stop(Decimal(100), Decimal("1.111"), **how, long=True) == Decimal("96.66")
    assert atr_stop(Decimal(100), Decimal("1.111"), **how, long=False) == Decimal("103.34")


def test_a_stop_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="would not be a price"):
        atr_stop(Decimal(3), Decimal(2), multiple=Decimal(3), tick=Decimal("0.01"), long=True)


def test_probability_shrinks_to_one_half_but_not_past_it() -> None:
    assert shrunk_probability(0.56, standard_error=0.04) == pytest.approx(0.52)
    assert shrunk_probability(0.44, standard_error=0.04) == pytest.approx(0.48)
    assert shrunk_probability(0.52, standard_error=0.04) == 0.5


def test_equal_contributions_of_the_paper() -> None:
    # Maillard, Roncalli & Teiletche (2010), section 4.1: volatilities 10 to 40 %, correlations
    # 0.8 and -0.5 in pairs -> 38.4, 19.2, 24.3 and 18.2 %
    correlation = np.array([[1, 0.8, 0, 0], [0.8, 1, 0, 0], [0, 0, 1, -0.5], [0, 0, -0.5, 1]])
    volatility = np.array([0.1, 0.2, 0.3, 0.4])

    weights = equal_risk_contribution_weights(
        correlation * np.outer(volatility, volatility), limits=WIDE
    )

    assert 100 * weights == pytest.approx([38.4, 19.2, 24.3, 18.2], abs=0.05)


@given(st.integers(2, 12), st.integers(0, 999))
def test_contributions_are_equal_and_add_up(n_assets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n_assets, n_assets + 4)) * rng.uniform(0.001, 0.1, (n_assets, 1))
    covariance = spread @ spread.T

    weights = equal_risk_contribution_weights(covariance, limits=WIDE, invested=0.8)

    assert (weights > 0.0).all()
    assert weights.sum() == pytest.approx(0.8)
    assert risk_contributions(weights, covariance) == pytest.approx(
        np.full(n_assets, 1 / n_assets), abs=1e-9
    )


def test_equal_contributions_are_those_of_skfolio() -> None:
    from skfolio.optimization import RiskBudgeting

    returns = np.random.default_rng(1).normal(size=(300, 5)) * [0.01, 0.02, 0.01, 0.03, 0.015]
    returns[:, 1] += returns[:, 0]

    ours = equal_risk_contribution_weights(np.cov(returns, rowvar=False), limits=WIDE)

    np.testing.assert_allclose(ours, RiskBudgeting().fit(returns).weights_, atol=1e-4)


def test_two_assets_contribute_equally_by_inverse_volatility() -> None:
    # whatever their correlation: weights 2/3 and 1/3
    covariance = np.array([[0.01, -0.012], [-0.012, 0.04]])

    weights = equal_risk_contribution_weights(covariance, limits=WIDE)
    assert weights == pytest.approx([2 / 3, 1 / 3])


def test_assets_that_reproduce_each_other_have_no_equal_contributions() -> None:
    with pytest.raises(ValueError, match="positive definite"):
        equal_risk_contribution_weights(np.ones((2, 2)), limits=WIDE)
    with pytest.raises(ValueError, match="must be finite"):
        equal_risk_contribution_weights(np.array([[1.0, np.nan], [np.nan, 1.0]]), limits=WIDE)


def test_volatility_target_by_hand() -> None:
    # two equal, uncorrelated assets of 2 % a day
    weights = volatility_target_weights(
        np.array([0.1, 0.1]), np.eye(2) * 4e-4, target=0.10, limits=WIDE, periods_per_year=250
    )

    # w √(2 * 250) * 2 % = 10 %
    assert weights == pytest.approx(np.full(2, 0.10 / (0.02 * 500**0.5)))


def test_limits_win_over_the_volatility_target() -> None:
    tight = WeightLimits(position=0.05, gross=1.0, net=1.0)

    weights = volatility_target_weights(np.ones(2), np.eye(2) * 1e-4, target=0.5, limits=tight)
    assert weights == pytest.approx([0.05, 0.05])
    with pytest.raises(ValueError, match="no volatility"):
        volatility_target_weights(np.zeros(2), np.eye(2), target=0.1, limits=tight)


def test_equal_weights_fill_the_limit_that_binds_first() -> None:
    sides = np.array([1.0, 1.0, -1.0, 0.0])

    # gross 0.9 of three, then net 0.2 of the one left over, then 5 %
    assert equal_weights(sides, limits=WeightLimits(1.0, 0.9, 1.0)) == pytest.approx(
        [0.3, 0.3, -0.3, 0.0]
    )
    assert equal_weights(sides, limits=WeightLimits(1.0, 0.9, 0.2)) == pytest.approx(
        [0.2, 0.2, -0.2, 0.0]
    )
    assert equal_weights(sides, limits=WeightLimits()) == pytest.approx([0.05, 0.05, -0.05, 0.0])
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        equal_weights(np.array([0.5]), limits=WIDE)


def test_whole_lots_by_hand() -> None:
    prices = [Decimal("599.71"), Decimal("195.93"), Decimal(10)]

    # 5 % of 100,000 buys 8 and 25, and 10 % short of it 1,000 at 10
    shares = whole_lots(np.array([0.05, 0.05, -0.1]), prices, equity=Decimal(100_000), limits=WIDE)
    assert shares == [8, 25, -1000]


def test_lots_that_tilt_the_book_are_given_up() -> None:
    # 2 long at 300 and 1 short of 500 that rounds to none: net 600 of 1,000, allowed 400
    limits = WeightLimits(position=1.0, gross=2.0, net=0.4)

    shares = whole_lots(
        np.array([0.6, -0.4]), [Decimal(300), Decimal(500)], equity=Decimal(1000), limits=limits
    )
    assert shares == [1, 0]


@given(
    arrays(np.float64, 5, elements=st.floats(-2, 2)),
    st.lists(st.decimals("0.5", 700, places=2), min_size=5, max_size=5),
    st.integers(1, 100),
)
def test_whole_lots_never_pass_a_limit(wanted: np.ndarray, prices: list[Decimal], lot: int) -> None:
    limits = WeightLimits(position=0.4, gross=1.0, net=0.3)
    weights = within_limits(wanted, limits=limits)
    equity = Decimal(50_000)

    shares = whole_lots(wanted, prices, equity=equity, limits=limits, lot=lot)

    values = [q * p for q, p in zip(shares, prices, strict=True)]
    assert all(q % lot == 0 for q in shares)
    for value, weight in zip(values, weights, strict=True):
        assert abs(value) <= abs(Decimal(repr(float(weight)))) * equity
    assert abs(sum(values, Decimal(0))) <= Decimal("0.3") * equity
