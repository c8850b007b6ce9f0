"""The swing rules against TA-Lib and a plain walk, and the laws they obey."""

from dataclasses import replace

import numpy as np
import pytest
import talib

from quant.backtest import Costs, backtest
from quant.strategies import Bars, SwingRules, bars_of, swing, swing_weights
from tests.unit.quant.panels import random_panel
from tests.unit.quant.real_bars import panel as real_panel

RULES = SwingRules()


@pytest.fixture(scope="module", name="bars")
def _bars() -> Bars:
    return bars_of(real_panel())


def walked(bars: Bars, symbol: int) -> list[tuple[int, int]]:
    """Decision and leaving of each position in one symbol, by TA-Lib and the rules in words."""
    tables = (bars.highs, bars.lows, bars.closes)
    high, low, close = (np.array(table[:, symbol], dtype=np.float64) for table in tables)
    fast, slow = talib.EMA(close, 20), talib.EMA(close, 50)
    adx, atr = talib.ADX(high, low, close, 14), talib.ATR(high, low, close, 14)
    trips, since = [], None
    stop = top = 0.0
    for now in range(close.size):
        if since is not None:
            top = max(top, close[now])
            stop = max(stop, top - 3.0 * atr[now])
            if close[now] < stop or fast[now] <= slow[now] or now - since >= 10:
                trips.append((since, now))
                since = None
        elif fast[now] > slow[now] and adx[now] > 20 and low[now] <= fast[now] < close[now]:
            since, top, stop = now, close[now], close[now] - 3.0 * atr[now]
    return trips if since is None else [*trips, (since, close.size)]


@pytest.mark.parametrize("symbol", [0, 1, 2])
def test_positions_are_those_a_plain_walk_with_ta_lib_takes(bars: Bars, symbol: int) -> None:
    # With room for all, no symbol keeps another from its place.
    told = swing(bars, rules=replace(RULES, gross=1.0))
    expected = walked(bars, symbol)
    held = np.flatnonzero(told.held[:, symbol])
    days = [np.arange(first, last) for first, last in expected]

    assert len(expected) >= 40
    assert np.flatnonzero(told.entered[:, symbol]).tolist() == [first for first, _ in expected]
    assert held.tolist() == np.concatenate(days).tolist()


def test_no_position_is_held_longer_than_ten_sessions_or_shorter_than_one(bars: Bars) -> None:
    told = swing(bars, rules=RULES)
    lengths = []
    for symbol in range(told.held.shape[1]):
        for first in np.flatnonzero(told.entered[:, symbol]):
            after = np.flatnonzero(~told.held[first:, symbol])
            lengths.append(int(after[0]) if after.size else 0)

    assert max(lengths) == RULES.longest
    assert min(length for length in lengths if length) >= 1


def test_the_stop_never_falls_and_lies_below_the_close(bars: Bars) -> None:
    told = swing(bars, rules=RULES)
    kept = told.held[1:] & told.held[:-1] & ~told.entered[1:]

    assert (np.diff(told.stops, axis=0)[kept] >= 0.0).all()
    assert (bars.closes[told.held] >= told.stops[told.held]).all()


@pytest.mark.parametrize("cut", [200, 777, 1_500, 2_400])
def test_what_comes_later_changes_no_decision(bars: Bars, cut: int) -> None:
    whole = swing_weights(bars, rules=RULES)

    np.testing.assert_array_equal(swing_weights(bars.until(cut), rules=RULES), whole[:cut])


def test_a_market_with_gaps_and_late_listings_is_followed_without_its_future() -> None:
    bars = bars_of(random_panel(n_symbols=6, n_sessions=400, seed=5))
    whole = swing(bars, rules=RULES)

    assert whole.entered.any()
    for cut in (120, 250, 399):
        np.testing.assert_array_equal(swing(bars.until(cut), rules=RULES).held, whole.held[:cut])


def test_no_more_positions_are_held_than_there_are_places(bars: Bars) -> None:
    told = swing(bars, rules=replace(RULES, gross=0.05))

    assert RULES.places == 3
    assert told.held.sum(axis=1).max() == 1


def test_a_model_that_says_no_keeps_everything_out_and_one_that_says_yes_nothing(
    bars: Bars,
) -> None:
    never = swing(bars, rules=RULES, allowed=np.zeros(bars.closes.shape, dtype=np.bool_))
    always = swing(bars, rules=RULES, allowed=np.ones(bars.closes.shape, dtype=np.bool_))

    assert not never.held.any()
    np.testing.assert_array_equal(always.held, swing(bars, rules=RULES).held)


def test_what_is_held_is_traded_once_in_and_once_out(bars: Bars) -> None:
    told = swing(bars, rules=RULES)
    done = backtest(
        bars.opens, bars.closes, bars.volumes, told.weights(RULES.position),
        costs=Costs(half_spread_bps=0.0, impact=0.0, participation=1.0),
    )  # fmt: skip
    decided = int(told.entered[:-1].sum())

    assert (done.trades.shares > 0).sum() == decided
    assert (done.trades.shares < 0).sum() in {decided, decided - int(told.held[-1].sum())}
    assert done.gross.max() < RULES.gross * 1.2  # grown since, never added to


def test_rules_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="`fast` must lie below `slow`"):
        SwingRules(fast=50, slow=20)
    with pytest.raises(ValueError, match="`position` must lie above 0"):
        SwingRules(gross=0.01)


def test_bars_are_worth_what_was_traded_whatever_was_split_or_paid() -> None:
    panel = random_panel(n_symbols=4, n_sessions=120, seed=3)

    bars = bars_of(panel)

    # A share of the volume is the same share of the market on the basis of prices and on the day.
    traded = np.sort((panel.close * panel.volume).ravel())
    told = np.sort((bars.closes * bars.volumes)[np.isfinite(bars.closes)])
    assert panel.return_factor.max() > panel.split_factor.max()  # something was paid
    assert told == pytest.approx(traded)
