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
    fixed_risk_quantity,
    half_kelly_weights,
    kelly_fraction,
    shares_within,
    shrunk_probability,
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
