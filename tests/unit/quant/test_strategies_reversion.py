"""Intraday mean reversion: a plain walk with TA-Lib, fills by hand, and the laws of the clock."""

from dataclasses import replace

import numpy as np
import pytest
import talib

from quant.backtest import Costs
from quant.features import INTRADAY
from quant.features.minutes import MinutePanel, minute_features
from quant.strategies import Reversion, ReversionRules, mean_reversion, session_profits
from quant.strategies.reversion import REASONS

RULES = ReversionRules(both_sides=True)
OPEN, CLOSE, EARLY = 570, 960, 780  # minutes after midnight
SESSIONS = (15_000, 15_001, 15_002)
EARLY_SESSION = SESSIONS[1]
FREE = Costs(half_spread_bps=0.0, impact=0.0, participation=1.0)


def market(n_symbols: int = 2, seed: int = 4) -> MinutePanel:
    """Prices drawn back to where they were, with a bar missing here and there."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(n_symbols):
        for session in SESSIONS:
            n = (EARLY if session == EARLY_SESSION else CLOSE) - OPEN
            gap = np.zeros(n + 1)
            for i in range(1, n + 1):
                gap[i] = 0.95 * gap[i - 1] + 0.001 * rng.standard_t(4)
            price = 100.0 * np.exp(gap)
            body = np.column_stack((price[:-1], price[1:]))
            wick = 1.0 + 0.0003 * rng.random((n, 2))
            bars = np.column_stack(
                (body[:, 0], body.max(axis=1) * wick[:, 0], body.min(axis=1) / wick[:, 1],
                 body[:, 1], rng.integers(1_000, 9_000, n).astype(float))
            )  # fmt: skip
            kept = (rng.random(n) > 0.02) | (np.arange(n) == 0)
            parts.append(np.column_stack((np.full(n, session), OPEN + np.arange(n), bars))[kept])
    rows = np.concatenate(parts)
    per = len(SESSIONS)
    lengths = [sum(len(p) for p in parts[per * s : per * s + per]) for s in range(n_symbols)]
    return panel_of(rows, lengths)


def panel_of(rows: np.ndarray, lengths: list[int]) -> MinutePanel:
    columns = [np.ascontiguousarray(rows[:, i], dtype=np.float64) for i in range(2, 7)]
    return MinutePanel(
        symbols=tuple(f"S{i}" for i in range(len(lengths))),
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        sessions=rows[:, 0].astype(np.int32),
        minutes=rows[:, 1].astype(np.int32),
        open=columns[0], high=columns[1], low=columns[2], close=columns[3], volume=columns[4],
    )  # fmt: skip


def closing(panel: MinutePanel) -> np.ndarray:
    return np.where(panel.sessions == EARLY_SESSION, EARLY, CLOSE).astype(np.int32)


@pytest.fixture(scope="module", name="panel")
def _panel() -> MinutePanel:
    return market()


@pytest.fixture(scope="module", name="done")
def _done(panel: MinutePanel) -> Reversion:
    return mean_reversion(panel, closing(panel), rules=RULES, costs=FREE)


def walked(panel: MinutePanel) -> list[tuple[int, int, float, float]]:
    """Entry and exit row and price of each trade, by the rules in words, symbol by symbol."""
    z, rsi = minute_features(panel, registry=INTRADAY.select(("vwap_z", "rsi_14m"))).T
    trades = []
    for s in range(len(panel.symbols)):
        for session in SESSIONS:
            rows = np.arange(panel.offsets[s], panel.offsets[s + 1])
            rows = rows[panel.sessions[rows] == session]
            end = EARLY if session == EARLY_SESSION else CLOSE
            ranges = talib.ATR(panel.high[rows], panel.low[rows], panel.close[rows], 14)
            trades += _session(panel, rows, z, rsi, ranges, end)
    return trades


def _session(
    panel: MinutePanel,
    rows: np.ndarray,
    z: np.ndarray,
    rsi: np.ndarray,
    ranges: np.ndarray,
    end: int,
) -> list[tuple[int, int, float, float]]:
    trades: list[tuple[int, int, float, float]] = []
    side, quiet, i, entry = 0, False, 1, 0
    price = stop = 0.0
    while i < rows.size:
        now, before = rows[i], i - 1
        left = end - panel.minutes[rows[before]]
        if abs(z[rows[before]]) < 0.5:
            quiet = False
        if side == 0:
            cheap = z[rows[before]] < -2 and rsi[rows[before]] < 30
            dear = z[rows[before]] > 2 and rsi[rows[before]] > 70
            if (cheap or dear) and not quiet and left > 30 and ranges[before] > 0:
                side, entry, price = (1 if cheap else -1), now, panel.open[now]
                stop = price - side * 1.5 * ranges[before]
        elif left <= 2 or side * z[rows[before]] > -0.5:
            trades.append((entry, now, price, panel.open[now]))
            side = 0
        if side != 0 and side * ((panel.low if side > 0 else panel.high)[now] - stop) <= 0:
            at = min(panel.open[now], stop) if side > 0 else max(panel.open[now], stop)
            trades.append((entry, now, price, at))
            side, quiet = 0, True
        elif side != 0 and i == rows.size - 1:
            trades.append((entry, now, price, panel.close[now]))
        i += 1
    return trades


def test_trades_are_those_a_plain_walk_with_ta_lib_takes(
    panel: MinutePanel, done: Reversion
) -> None:
    expected = walked(panel)
    trades = done.trades

    assert len(expected) >= 10
    assert list(zip(trades.entered.tolist(), trades.left.tolist(), strict=True)) == [
        (first, last) for first, last, _, _ in expected
    ]
    np.testing.assert_allclose(trades.entry_price, [price for *_, price, _ in expected])
    np.testing.assert_allclose(trades.exit_price, [price for *_, price in expected])
    assert {REASONS[code] for code in trades.reason} >= {"mean", "stop"}


def test_a_decision_is_traded_at_the_open_of_the_next_bar(
    panel: MinutePanel, done: Reversion
) -> None:
    trades = done.trades

    np.testing.assert_array_equal(trades.entry_price, panel.open[trades.entered])
    np.testing.assert_array_equal(np.sign(trades.shares), done.wanted[trades.entered - 1])


def test_everything_is_flat_before_the_close_also_of_an_early_one(
    panel: MinutePanel, done: Reversion
) -> None:
    trades = done.trades

    assert (panel.sessions[trades.entered] == panel.sessions[trades.left]).all()
    assert (panel.minutes[trades.left] < closing(panel)[trades.left]).all()
    begun = panel.minutes[trades.entered - 1]
    assert (begun < closing(panel)[trades.entered] - RULES.last_entry).all()


@pytest.mark.parametrize("cut", [60, 391, 700])
def test_what_comes_later_changes_no_decision(cut: int) -> None:
    whole = market(n_symbols=1)
    told = mean_reversion(whole, closing(whole), rules=RULES)
    names = ("sessions", "minutes", "open", "high", "low", "close", "volume")
    early = replace(
        whole,
        offsets=np.array([0, cut]),
        **{name: getattr(whole, name)[:cut] for name in names},
    )
    then = mean_reversion(early, closing(early), rules=RULES)

    np.testing.assert_array_equal(then.wanted, told.wanted[:cut])
    np.testing.assert_array_equal(then.stops, told.stops[:cut])


def test_a_model_that_says_no_keeps_everything_out(panel: MinutePanel) -> None:
    never = np.zeros(panel.n_rows, dtype=np.bool_)

    assert not mean_reversion(panel, closing(panel), rules=RULES, allowed=never).wanted.any()


def falling(low: float, opens: float) -> MinutePanel:
    """200 quiet minutes, a fall that asks for a purchase, the purchase, and a bar to leave in."""
    n = 204
    rows = np.zeros((n, 7))
    rows[:, 0], rows[:, 1] = SESSIONS[0], OPEN + np.arange(n)
    swings = 100.0 + 0.1 * (-1.0) ** np.arange(n)
    rows[:, 2], rows[:, 5] = swings, -swings + 200.0
    rows[:, 3], rows[:, 4] = 100.1, 99.9
    rows[:, 6] = 10_000.0
    rows[200, 2:6] = (100.0, 100.0, 98.0, 98.0)
    rows[201, 2:6] = (98.1, 98.2, 98.0, 98.1)
    rows[202, 2:6] = (opens, max(opens, 98.2), low, 98.1)
    rows[203, 2:6] = (98.1, 98.2, 98.0, 98.1)
    return panel_of(rows, [n])


def stop_of(panel: MinutePanel) -> float:
    ranges = talib.ATR(panel.high, panel.low, panel.close, 14)
    return 98.1 - 1.5 * float(ranges[200])


def test_a_stop_is_filled_at_its_price_and_beyond_it_where_the_bar_opens_there() -> None:
    touched, jumped = falling(low=96.0, opens=98.0), falling(low=96.0, opens=96.5)
    stop = stop_of(touched)

    for panel, expected in ((touched, stop), (jumped, 96.5)):
        trades = mean_reversion(panel, closing(panel), rules=RULES, costs=FREE).trades
        assert (trades.entered[0], trades.left[0]) == (201, 202)
        assert trades.exit_price[0] == pytest.approx(expected)
        assert REASONS[trades.reason[0]] == "stop"


def test_costs_are_those_of_both_sides_and_profits_a_share_of_equity() -> None:
    panel = falling(low=96.0, opens=98.0)
    costs = Costs(commission_per_share=0.01, half_spread_bps=10.0, impact=0.1, participation=0.1)
    trades = mean_reversion(panel, closing(panel), rules=RULES, costs=costs).trades
    shares = 0.05 * 100_000 / 98.1  # below a tenth of 10,000
    share = shares / 10_000
    per_share = 0.02 + (98.1 + trades.exit_price[0]) * (0.001 + 0.1 * share**2)

    assert trades.shares[0] == pytest.approx(shares)
    assert trades.cost[0] == pytest.approx(shares * per_share)
    days, earned = session_profits(trades, panel.sessions, capital=100_000.0)
    lost = shares * (trades.exit_price[0] - 98.1 - per_share)
    assert days.tolist() == [SESSIONS[0]]
    assert earned.tolist() == [pytest.approx(lost / 100_000)]


def test_a_purchase_takes_no_more_of_a_bar_than_its_share() -> None:
    panel = falling(low=96.0, opens=98.0)
    costs = replace(FREE, participation=0.001)

    trades = mean_reversion(panel, closing(panel), rules=RULES, costs=costs).trades

    assert trades.shares[0] == pytest.approx(0.001 * 10_000)


def test_the_stop_that_is_told_is_that_of_the_close(panel: MinutePanel, done: Reversion) -> None:
    asked = np.isfinite(done.stops)

    assert asked.any()
    assert (np.sign(panel.close - done.stops)[asked] == done.wanted[asked]).all()


def test_rules_that_contradict_themselves_are_refused(panel: MinutePanel) -> None:
    with pytest.raises(ValueError, match="`exit` must lie below `entry`"):
        ReversionRules(exit=3.0)
    with pytest.raises(ValueError, match="one entry for each of"):
        mean_reversion(panel, closing(panel)[:-1], rules=RULES)
