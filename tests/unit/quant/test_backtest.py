"""The backtest by hand, and the money it may not make or lose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant.backtest import Costs, backtest, equal_weight_hold

FREE = Costs(half_spread_bps=0.0, impact=0.0, participation=1.0, borrow_rate=0.0)


def _column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, None]


def test_a_decision_is_sized_at_its_close_and_traded_at_the_next_open() -> None:
    opens, closes = _column(99, 102, 104), _column(100, 103, 106)

    found = backtest(
        opens, closes, _column(1e6, 1e6, 1e6), _column(0.5, np.nan, 0.0), costs=FREE, capital=1e4
    )

    # 0.5 * 10,000 / 100 = 50 shares bought at 102: 10,000 + 50 * (103 - 102), then 106
    assert found.trades.shares.tolist() == [50.0]
    assert found.trades.price.tolist() == [102.0]
    assert found.equity == pytest.approx([10_000, 10_050, 10_200])
    assert found.gross[1] == pytest.approx(50 * 103 / 10_050)
    assert found.turnover == pytest.approx([0, 0.51, 0])


def test_costs_by_hand() -> None:
    costs = Costs(commission_per_share=0.01, half_spread_bps=5, impact=0.1, participation=0.1)
    found = backtest(
        _column(100, 100),
        _column(100, 100),
        _column(1000, 1000),
        _column(0.5, 0),
        costs=costs,
        capital=1e4,
    )

    # 50 of 1,000 shares: 0.50 commission, 50 * 100 * 5 bps = 2.50, 5,000 * 0.1 * 0.05² = 1.25
    assert found.trades.cost == pytest.approx([4.25])
    assert found.equity[1] == pytest.approx(10_000 - 4.25)


def test_participation_caps_a_trade() -> None:
    costs = Costs(half_spread_bps=0, impact=0, participation=0.025)
    flat = _column(100, 100, 100)
    found = backtest(
        flat, flat, _column(800, 800, 800), _column(0.5, 0.5, 0), costs=costs, capital=1e4
    )

    assert found.trades.shares.tolist() == [20.0, 20.0]  # 2.5 % of 800 a session, 50 wanted


def test_a_short_pays_to_borrow() -> None:
    costs = Costs(half_spread_bps=0, impact=0, participation=1, borrow_rate=0.0252)
    flat = _column(100, 100)
    found = backtest(flat, flat, _column(1e6, 1e6), _column(-0.5, 0), costs=costs, capital=1e4)

    # 5,000 short at 2.52 % a year of 252 sessions: 0.50 a session
    assert found.borrow_paid == pytest.approx(0.5)
    assert found.equity[1] == pytest.approx(9_999.5)
    assert found.net[1] == pytest.approx(-5000 / 9_999.5)


@pytest.mark.parametrize(
    ("settlement", "settled"),
    [
        (0, [10_000, 5_000, 5_000, 10_000]),
        (1, [10_000, 10_000, 5_000, 5_000]),
        (2, [10_000, 10_000, 10_000, 5_000]),
    ],
)
def test_cash_earns_until_it_is_delivered_and_from_then_on(
    settlement: int, settled: list[float]
) -> None:
    flat, rate = _column(100, 100, 100, 100), 252e-6  # a millionth a session
    costs = Costs(half_spread_bps=0, impact=0, participation=1, cash_rate=rate,
                  settlement=settlement)  # fmt: skip

    # 50 shares bought in the second session and sold in the fourth.
    found = backtest(
        flat, flat, 1e6 * flat, _column(0.5, np.nan, 0.0, 0.0), costs=costs, capital=1e4
    )

    assert found.cash == pytest.approx([10_000, 5_000, 5_000, 10_000], abs=0.1)
    assert found.settled == pytest.approx(settled, abs=0.1)
    assert found.interest_earned == pytest.approx(sum(settled) * 1e-6, rel=1e-5)


def test_a_delisted_position_is_closed_at_its_last_price_less_the_loss() -> None:
    nan = np.nan
    costs = Costs(half_spread_bps=0, impact=0, participation=1, delisting_loss=0.3)
    found = backtest(
        np.array([[100.0, 1], [100, 1], [nan, 1]]),
        np.array([[100.0, 1], [80, 1], [nan, 1]]),
        np.full((3, 2), 1e6),
        np.array([[0.5, 0], [0.5, 0], [0.5, 0]]),
        costs=costs,
        capital=1e4,
    )

    # 50 shares end at 80, 4,000, of which 30 % is lost
    assert found.delisting_losses == pytest.approx(1200)
    assert found.equity[2] == pytest.approx(9_000 - 1200)
    assert found.shares[2].tolist() == [0.0, 0.0]


def test_a_halted_session_trades_nothing_and_keeps_the_last_mark() -> None:
    nan = np.nan
    found = backtest(
        _column(100, nan, 110),
        _column(100, nan, 110),
        _column(1e6, 0, 1e6),
        _column(0.5, 0.5, 0),
        costs=FREE,
        capital=1e4,
    )

    assert found.trades.session.tolist() == [2]
    assert found.equity[1] == pytest.approx(10_000)


def _market(seed: int, n_obs: int = 40, n_assets: int = 4) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    closes = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_obs, n_assets)), axis=0))
    opens = closes * np.exp(rng.normal(0, 0.01, closes.shape))
    closes[25:, 0] = opens[25:, 0] = np.nan  # leaves
    opens[10, 1] = closes[10, 1] = np.nan  # halts
    volumes = rng.integers(100, 5000, closes.shape).astype(float)
    weights = rng.uniform(-0.4, 0.4, closes.shape)
    weights[rng.random(closes.shape) < 0.2] = np.nan
    return opens, closes, volumes, weights


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_money_is_conserved(seed: int) -> None:
    opens, closes, volumes, weights = _market(seed)
    costs = Costs(commission_per_share=0.01, delisting_loss=0.2, cash_rate=0.02)

    found = backtest(opens, closes, volumes, weights, costs=costs, capital=1e5)

    trades = found.trades
    spent = float((trades.shares * trades.price + trades.cost).sum())
    proceeds = found.shares[24, 0] * closes[24, 0]
    cash = (
        1e5 - spent + proceeds - found.delisting_losses + found.interest_earned - found.borrow_paid
    )
    assert found.cash[-1] == pytest.approx(cash)
    held = found.shares[-1] * np.nan_to_num(closes[-1])
    assert found.equity[-1] == pytest.approx(cash + held.sum())
    bought = np.zeros(4)
    np.add.at(bought, trades.asset, trades.shares)
    np.testing.assert_allclose(bought[1:], found.shares[-1][1:])
    assert np.prod(1 + found.returns) == pytest.approx(found.equity[-1] / 1e5)
    assert (np.abs(trades.shares) <= 0.025 * volumes[trades.session, trades.asset] + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 38))
def test_the_future_does_not_change_the_past(seed: int, now: int) -> None:
    opens, closes, volumes, weights = _market(seed)
    before = backtest(opens, closes, volumes, weights)
    opens[now + 1 :, 2] *= 3.0
    closes[now + 1 :, 2] *= 3.0
    weights[now:] = 0.1

    after = backtest(opens, closes, volumes, weights)

    np.testing.assert_array_equal(before.equity[: now + 1], after.equity[: now + 1])


def test_costs_only_ever_take() -> None:
    opens, closes, volumes, weights = _market(7)
    weights = np.abs(np.nan_to_num(weights)) / 4
    free = Costs(half_spread_bps=0, impact=0, borrow_rate=0)

    cheap = backtest(opens, closes, volumes, weights, costs=free)
    dear = backtest(opens, closes, volumes, weights, costs=Costs(half_spread_bps=50))

    assert dear.equity[-1] < cheap.equity[-1]


def test_equal_weight_hold_by_hand() -> None:
    nan = np.nan
    opens = np.array([[10.0, 10, nan], [10, 10, nan], [20, 10, 5]])
    closes = np.array([[10.0, 10, nan], [20, 10, nan], [20, 10, 6]])

    earned = equal_weight_hold(opens, closes)

    # half each: +50 %; then the third gets a third at 5 and gains 20 % of it
    assert earned == pytest.approx([0.0, 0.5, 0.2 / 3])


def test_equal_weight_hold_of_members_by_hand() -> None:
    opens = np.array([[10.0, 10, 10], [10, 10, 10], [20, 10, 10], [20, 20, 20], [20, 20, 20]])
    closes = np.array([[10.0, 10, 10], [20, 10, 20], [20, 20, 20], [20, 20, 40], [80, 30, 80]])
    members = np.ones(closes.shape, dtype=np.bool_)
    members[:3, 2] = False  # joins in the fourth session, after it has doubled
    members[4, 0] = False  # has left before it rises fourfold

    earned = equal_weight_hold(opens, closes, members)

    # Half each: 0.5 -> 1 and 0.5 -> 0.5; then the second doubles. In the fourth session a third of
    # the 2 goes into the third, which doubles; then the second gains half and the third doubles.
    third = 2 / 3
    fourth = 2 + third
    gained = third * 0.5 + 2 * third
    assert earned == pytest.approx([0.0, 0.5, 0.5 / 1.5, third / 2, gained / fourth])


def test_prices_must_be_positive() -> None:
    flat = _column(100, 100)
    with pytest.raises(ValueError, match="`closes` must be positive"):
        backtest(flat, _column(100, 0), flat, flat)
