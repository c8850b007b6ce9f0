"""Two sources on the same bars, and prices that a source adjusted for splits."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.market_data.differences import Tolerance, differences
from adapters.market_data.yahoo import unsplit

DAY = date(2012, 7, 2)
TOLERANCE = Tolerance(price=0.011, thin_price=0.005, volume=0.02, thin_feeds=frozenset({"iex"}))
FIGURES = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "volume": 1_000_000}


def bars(feed: str = "sip", symbol: str = "IBM", **figures: float) -> pl.DataFrame:
    return pl.DataFrame([{"symbol": symbol, "session": DAY, **FIGURES, **figures, "feed": feed}])


def told(primary: pl.DataFrame, secondary: pl.DataFrame) -> list[tuple[str, float, float, float]]:
    found = differences(primary, secondary, TOLERANCE)
    return found.select("field", "primary", "secondary", "difference").rows()


def test_equal_bars_do_not_differ() -> None:
    assert told(bars(), bars("consolidated")) == []


def test_a_cent_is_rounding_and_two_are_not() -> None:
    assert told(bars(), bars(close=100.51, open=99.99)) == []
    ((field, ours, theirs, apart),) = told(bars(), bars(close=100.52))
    assert (field, ours, theirs) == ("close", 100.5, 100.52)
    assert apart == pytest.approx(-0.02, abs=1e-9)


def test_two_per_cent_of_volume_are_late_prints_and_three_are_not() -> None:
    assert told(bars(), bars(volume=1_020_000)) == []
    assert told(bars(), bars(volume=1_031_000)) == [("volume", 1_000_000.0, 1_031_000.0, -31_000.0)]


def test_a_thin_feed_is_near_the_tape_and_its_volume_is_not_compared() -> None:
    # 0.5 % of 100.9 is 0.5045
    assert told(bars("iex", volume=25_000), bars(close=100.9)) == []
    assert [field for field, *_ in told(bars("iex"), bars(close=101.5))] == ["close"]


def test_a_bar_that_one_source_lacks_is_told_as_its_close() -> None:
    only_first = pl.concat([bars(), bars(symbol="FB")])

    assert differences(only_first, bars(), TOLERANCE).rows() == [
        ("FB", DAY, "close", 100.5, None, None)
    ]
    assert differences(bars(), only_first, TOLERANCE).rows() == [
        ("FB", DAY, "close", None, 100.5, None)
    ]


@given(st.floats(-0.5, 0.5), st.integers(-50_000, 50_000))
def test_whoever_is_first_the_same_figures_differ(apart: float, volume: int) -> None:
    one, other = bars(), bars(close=100.5 + apart, volume=1_000_000 + volume)

    assert [(f, b, a, -d) for f, a, b, d in told(one, other)] == told(other, one)


def adjusted(close: float, volume: float, dividend: float = 0.0) -> pl.DataFrame:
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return pl.DataFrame(
        [{"session": date(2005, 2, 25), **prices, "volume": volume, "dividend": dividend}]
    )


def test_apple_was_sold_at_88_99_on_the_last_day_before_its_split_of_2005() -> None:
    splits = [(date(2005, 2, 28), 2.0), (date(2014, 6, 9), 7.0), (date(2020, 8, 31), 4.0)]

    # 88.99 / (2 * 7 * 4) = 1.589107, which charts show today
    was = unsplit(adjusted(1.589107, 56_000.0), splits)

    assert was["close"].item() == pytest.approx(88.99, abs=5e-4)
    assert was["volume"].item() == 1_000.0


def test_the_ex_date_itself_is_after_its_split() -> None:
    assert unsplit(adjusted(10.0, 1.0), [(date(2005, 2, 25), 2.0)])["close"].item() == 10.0


@given(
    st.floats(0.01, 5_000.0),
    st.integers(1, 10**9),
    st.lists(st.sampled_from([2.0, 3.0, 7.0, 0.1, 1.5]), max_size=4),
)
def test_taking_splits_out_changes_neither_what_was_paid_in_all_nor_its_share_as_dividend(
    close: float, volume: int, ratios: list[float]
) -> None:
    splits = [(date(2006, 1, 2), ratio) for ratio in ratios]

    was = unsplit(adjusted(close, float(volume), close / 100), splits)

    # Prices are kept to four decimals: 5e-5 USD a share remain open.
    paid, shares = was["close"].item(), was["volume"].item()
    assert paid * shares == pytest.approx(close * volume, abs=6e-5 * shares, rel=1e-9)
    assert was["dividend"].item() == pytest.approx(paid / 100, abs=6e-5)
