"""Capacity by hand and by the laws of scale; shortfall beside Perold's, trade by trade."""

from decimal import Decimal

import numpy as np
import pytest

from quant.backtest import Backtest, Costs, backtest, equal_weight_hold
from quant.capacity import capacity_curve, shortfall_of
from quant.execution_cost import Execution, implementation_shortfall

COSTS = Costs(
    commission_per_share=0.005, half_spread_bps=5.0, impact=0.5, participation=0.02,
    borrow_rate=0.0,
)  # fmt: skip
CAPITAL = 1e6


def market(seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A hundred and fifty sessions of four symbols, and weights that change every few."""
    rng = np.random.default_rng(seed)
    closes = 50.0 * np.exp(np.cumsum(0.01 * rng.standard_normal((150, 4)), axis=0))
    opens = closes * (1.0 + 0.004 * rng.standard_normal((150, 4)))
    volumes = rng.integers(200_000, 900_000, (150, 4)).astype(float)
    weights = np.repeat(rng.uniform(-0.2, 0.3, (30, 4)), 5, axis=0)
    return opens, closes, volumes, weights


def test_without_impact_and_cap_the_capital_does_not_matter() -> None:
    opens, closes, volumes, weights = market()
    free = Costs(half_spread_bps=5.0, impact=0.0, participation=1e12)

    curve = capacity_curve(
        opens, closes, volumes, weights, benchmark=equal_weight_hold(opens, closes), costs=free
    )

    assert [told.sharpe for told in curve] == pytest.approx([curve[0].sharpe] * len(curve))
    assert [told.net_return for told in curve] == pytest.approx([curve[0].net_return] * len(curve))
    assert [told.filled for told in curve] == pytest.approx([1.0] * len(curve))


def test_more_money_pays_more_and_fills_less() -> None:
    opens, closes, volumes, weights = market()
    hold = equal_weight_hold(opens, closes)

    uncapped = Costs(impact=0.5, participation=1e12)
    paid = capacity_curve(
        opens, closes, volumes, weights, benchmark=hold, costs=uncapped, capitals=(1e5, 1e6, 1e7)
    )
    capped = capacity_curve(opens, closes, volumes, weights, benchmark=hold, costs=COSTS)

    assert np.all(np.diff([told.cost for told in paid]) > 0.0)
    assert np.all(np.diff([told.net_return for told in paid]) < 0.0)
    filled = [told.filled or 0.0 for told in capped]
    assert filled[0] == pytest.approx(1.0)
    assert np.all(np.diff(filled) <= 0.0)
    assert filled[-1] < 0.05


def test_one_purchase_by_hand() -> None:
    prices, volumes = np.full((253, 1), 100.0), np.full((253, 1), 10_000.0)
    weights = np.full((253, 1), np.nan)
    weights[0] = 0.5
    costs = Costs(half_spread_bps=10.0, impact=0.1, participation=0.1)

    small, large = capacity_curve(
        prices, prices, volumes, weights, benchmark=np.zeros(253), costs=costs,
        capitals=(10_000.0, 1_000_000.0),
    )  # fmt: skip

    # 50 shares of 10,000: 5,000 × (0.001 + 0.1 × 0.005²), over 253 sessions of 252 a year
    assert small.cost * 253 / 252 == pytest.approx(5_000 * (0.001 + 0.1 * 0.005**2) / 10_000)
    # 5,000 wanted, 1,000 allowed
    assert large.filled == pytest.approx(0.2)


def done() -> tuple[Backtest, tuple[np.ndarray, ...]]:
    told = market()
    return backtest(*told, costs=COSTS, capital=CAPITAL), told


def shares(figure: float) -> Decimal:
    """To the millionth: Perold's sum is exact, and would find more filled than wanted."""
    return Decimal(f"{figure:.6f}")


def test_the_parts_are_perolds_of_every_decision() -> None:
    result, (opens, closes, volumes, weights) = done()
    split = shortfall_of(result, opens, closes, volumes, weights, costs=COSTS, capital=CAPITAL)
    delay = opportunity = fees = 0.0
    for now in range(1, closes.shape[0]):
        for asset in range(closes.shape[1]):
            held = result.shares[now - 1, asset]
            target = weights[now - 1, asset] * result.equity[now - 1] / closes[now - 1, asset]
            own = (result.trades.session == now) & (result.trades.asset == asset)
            filled = abs(float(result.trades.shares[own].sum()))
            told = implementation_shortfall(
                "buy" if target > held else "sell",
                shares(max(abs(target - held), filled)),
                decision_price=Decimal(closes[now - 1, asset]),
                arrival_price=Decimal(opens[now, asset]),
                final_price=Decimal(closes[now, asset]),
                fills=[Execution(shares(filled), Decimal(opens[now, asset]))] if filled else [],
                fees=Decimal(float(result.trades.cost[own].sum())),
            )
            delay += float(told.delay)
            opportunity += float(told.opportunity)
            fees += float(told.fees)

    assert split.delay == pytest.approx(delay)
    assert split.opportunity == pytest.approx(opportunity)
    assert split.commission + split.spread + split.impact == pytest.approx(fees)


def test_paper_less_the_parts_is_what_was_earned() -> None:
    result, (opens, closes, volumes, weights) = done()
    split = shortfall_of(result, opens, closes, volumes, weights, costs=COSTS, capital=CAPITAL)
    # Paper holds each target from the close that decided on it, at no cost.
    held = np.vstack((np.zeros(4), weights[:-1] * result.equity[:-1, None] / closes[:-1]))
    paper = float((held[1:] * np.diff(closes, axis=0)).sum())

    assert result.equity[-1] - CAPITAL == pytest.approx(paper - split.total)


def test_no_ratio_is_told_before_a_beta_is_known() -> None:
    short = [table[:64] for table in market()]
    hold = equal_weight_hold(short[0], short[1])

    told = capacity_curve(*short, benchmark=hold, costs=COSTS)

    assert {row.sharpe for row in told} == {None}  # one session is left of 64


def test_no_capital_is_refused() -> None:
    opens, closes, volumes, weights = market()
    with pytest.raises(ValueError, match="at least one amount"):
        capacity_curve(opens, closes, volumes, weights, benchmark=np.zeros(150), capitals=())
