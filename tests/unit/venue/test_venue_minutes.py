"""Simulated minutes agree with the day they stand for."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venue.minutes import Minutes, simulated
from venue.sample import DailyBar, sample

cents = st.integers(min_value=100, max_value=100_000)


@st.composite
def daily_bars(draw: st.DrawFn) -> DailyBar:
    low, first, second, high = sorted(draw(st.lists(cents, min_size=4, max_size=4)))
    opens, closes = draw(st.permutations([first, second]))
    volume = draw(st.integers(min_value=0, max_value=10**9))
    day = draw(st.dates(date(2000, 1, 1), date(2013, 1, 1)))
    return DailyBar(day, opens / 100, high / 100, low / 100, closes / 100, volume)


def assert_agrees(minutes: Minutes, bar: DailyBar) -> None:
    assert minutes.open[0] == bar.open
    assert minutes.high.max() == bar.high
    assert minutes.low.min() == bar.low
    assert minutes.close[-1] == bar.close
    assert minutes.volume.sum() == bar.volume
    assert (minutes.volume >= 0).all()
    assert (minutes.low <= np.minimum(minutes.open, minutes.close)).all()
    assert (minutes.high >= np.maximum(minutes.open, minutes.close)).all()


@given(daily_bars(), st.sampled_from([390, 210]), st.integers(0, 2**31))
def test_minutes_aggregate_exactly_to_the_daily_bar(bar: DailyBar, n: int, seed: int) -> None:
    minutes = simulated(bar, symbol="AAPL", seed=seed, n_minutes=n)
    assert len(minutes) == n
    assert_agrees(minutes, bar)


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT", "SPX"])
def test_every_bar_of_the_replayed_year_can_be_simulated(symbol: str) -> None:
    for day, bar in sample().bars[symbol].items():
        if date(2012, 7, 2) <= day <= date(2013, 3, 1):
            assert_agrees(simulated(bar, symbol=symbol, seed=7, n_minutes=390), bar)


def test_the_same_arguments_give_the_same_minutes_and_others_give_others() -> None:
    bar = sample().bars["IBM"][date(2012, 7, 5)]

    def closes(symbol: str = "IBM", seed: int = 7) -> list[float]:
        return list(simulated(bar, symbol=symbol, seed=seed, n_minutes=390).close)

    assert closes() == closes()
    assert closes() != closes(seed=8)
    assert closes() != closes(symbol="AAPL")


def test_a_days_range_is_walked_and_not_leapt() -> None:
    """A day that opens at its low and closes at its high, as a leap to them would look worst."""
    bar = DailyBar(date(2012, 7, 5), 100.0, 104.0, 100.0, 104.0, 390_000)

    for seed in range(300):
        minutes = simulated(bar, symbol="IBM", seed=seed, n_minutes=390)
        assert np.abs(minutes.close - minutes.open).max() < 0.25 * (bar.high - bar.low)


def test_volume_is_busy_at_both_ends() -> None:
    bar = sample().bars["MSFT"][date(2012, 7, 5)]
    volume = simulated(bar, symbol="MSFT", seed=7, n_minutes=390).volume
    noon = volume[180:210].mean()
    assert volume[:30].mean() > 2 * noon
    assert volume[-30:].mean() > 2 * noon


def test_a_gap_scales_prices_from_its_minute_on() -> None:
    bar = sample().bars["MSFT"][date(2012, 7, 5)]
    minutes = simulated(bar, symbol="MSFT", seed=7, n_minutes=390)
    moved = minutes.scaled(100, 1.01)
    assert list(moved.close[:100]) == list(minutes.close[:100])
    assert moved.open[100] == pytest.approx(minutes.open[100] * 1.01, abs=1e-4)
    assert list(moved.volume) == list(minutes.volume)
