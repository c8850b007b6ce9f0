import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quant.resampling import (
    IntradayBars,
    Reason,
    daily,
    reconcile,
    regular,
    resample,
    session_vwap,
)

WHOLE_DAY, HALF_DAY = 390, 210


def minute_bars(
    starts: list[int], closes: list[float], volumes: list[int] | None = None, series: int = 0
) -> IntradayBars:
    """Each opens at the close before it; high and low are the larger and the smaller."""
    close = np.array(closes, dtype=np.float64)
    opens = np.concatenate([close[:1], close[:-1]])
    return IntradayBars(
        series=np.full(len(starts), series), start=np.array(starts, dtype=np.int64), open=opens,
        high=np.maximum(opens, close), low=np.minimum(opens, close), close=close,
        volume=np.array(volumes or [100] * len(starts)),
        minutes=np.ones(len(starts), dtype=np.int64),
    )  # fmt: skip


def lengths(*minutes: int) -> np.ndarray:
    return np.array(minutes)


def joined(first: IntradayBars, second: IntradayBars) -> IntradayBars:
    return IntradayBars(
        **{
            name: np.concatenate([getattr(first, name), getattr(second, name)])
            for name in first.__dataclass_fields__
        }
    )


@st.composite
def sessions(draw: st.DrawFn) -> tuple[IntradayBars, np.ndarray]:
    """One to three series with gaps, extended hours and half-days."""
    made, session_minutes = None, []
    for series in range(draw(st.integers(1, 3))):
        starts = sorted(draw(st.sets(st.integers(-30, 420), min_size=1, max_size=60)))
        closes = draw(
            hnp.arrays(
                np.float64, len(starts), elements=st.floats(1, 500).map(lambda p: round(p, 2))
            )
        )
        volumes = draw(st.lists(st.integers(0, 10_000), min_size=len(starts), max_size=len(starts)))
        bars = minute_bars(starts, list(closes), volumes, series)
        made = bars if made is None else joined(made, bars)
        session_minutes.append(draw(st.sampled_from([WHOLE_DAY, HALF_DAY])))
    assert made is not None
    return made, np.array(session_minutes)


def test_five_minutes_are_aligned_to_the_opening_and_a_gap_has_no_bar() -> None:
    bars = minute_bars([0, 1, 4, 5, 15], [10.0, 12.0, 9.0, 11.0, 10.5], [1, 2, 3, 4, 5])

    fives = resample(bars, length=5, session_minutes=lengths(WHOLE_DAY))

    # Minutes 0, 1, 4 | 5 | none of 10 to 14 | 15.
    assert fives.start.tolist() == [0, 5, 15]
    assert fives.open.tolist() == [10.0, 9.0, 11.0]
    assert fives.high.tolist() == [12.0, 11.0, 11.0]
    assert fives.low.tolist() == [9.0, 9.0, 10.5]
    assert fives.close.tolist() == [9.0, 11.0, 10.5]
    assert fives.volume.tolist() == [6, 4, 5]
    assert fives.minutes.tolist() == [3, 1, 1]


@pytest.mark.parametrize(("session", "hours"), [(WHOLE_DAY, 7), (HALF_DAY, 4)])
def test_the_last_hour_of_a_session_ends_with_it(session: int, hours: int) -> None:
    starts = list(range(-10, session + 10))
    bars = minute_bars(starts, [50.0] * len(starts))

    made = resample(bars, length=60, session_minutes=lengths(session))

    # 390 = 6 x 60 + 30 and 210 = 3 x 60 + 30.
    assert made.start.tolist() == [60 * n for n in range(hours)]
    assert made.minutes.tolist() == [60] * (hours - 1) + [30]


def test_extended_hours_are_marked_and_left_out_of_the_day() -> None:
    bars = minute_bars([-1, 0, 209, 210], [99.0, 10.0, 11.0, 1.0], [7, 5, 6, 8])

    assert regular(bars, lengths(HALF_DAY)).tolist() == [False, True, True, False]
    day = daily(bars, session_minutes=lengths(HALF_DAY))
    assert (day.close.item(), day.low.item(), day.volume.item()) == (11.0, 10.0, 11)


def test_a_series_without_a_regular_minute_has_no_day() -> None:
    bars = joined(minute_bars([-5], [10.0]), minute_bars([0], [20.0], series=1))

    day = daily(bars, session_minutes=lengths(WHOLE_DAY, WHOLE_DAY))

    assert day.series.tolist() == [1]


def test_vwap_weighs_typical_prices_by_shares_and_begins_anew_with_each_series() -> None:
    first = IntradayBars(
        series=np.zeros(3, dtype=int), start=np.arange(3), open=np.full(3, 10.0),
        high=np.array([12.0, 11.0, 13.0]), low=np.array([9.0, 8.0, 10.0]),
        close=np.array([12.0, 11.0, 10.0]), volume=np.array([0, 10, 30]),
        minutes=np.ones(3, dtype=int),
    )  # fmt: skip
    both = joined(first, minute_bars([0], [200.0], [5], series=1))

    # Typical 11, 10, 11. Nothing traded; 10 shares at 10; (10 x 10 + 30 x 11) / 40; another series.
    assert session_vwap(both) == pytest.approx([11.0, 10.0, 10.75, 200.0])


@given(sessions(), st.sampled_from([1, 5, 15, 60]))
def test_longer_bars_lose_no_share_and_no_extreme(
    drawn: tuple[IntradayBars, np.ndarray], length: int
) -> None:
    bars, session_minutes = drawn
    made = resample(bars, length=length, session_minutes=session_minutes)
    inside = bars.where(regular(bars, session_minutes))

    assert made.volume.sum() == inside.volume.sum()
    assert made.minutes.sum() == inside.start.size
    assert np.all(made.start % length == 0)
    assert np.all(made.start < session_minutes[made.series])
    for series in np.unique(inside.series):
        mine, whole = made.series == series, inside.series == series
        assert made.high[mine].max() == inside.high[whole].max()
        assert made.low[mine].min() == inside.low[whole].min()


@given(sessions())
def test_the_day_is_the_same_by_way_of_five_minutes(
    drawn: tuple[IntradayBars, np.ndarray],
) -> None:
    bars, session_minutes = drawn
    fives = resample(bars, length=5, session_minutes=session_minutes)

    straight = daily(bars, session_minutes=session_minutes)
    again = daily(fives, session_minutes=session_minutes)

    for name in straight.__dataclass_fields__:
        assert np.array_equal(getattr(straight, name), getattr(again, name))


@given(sessions())
def test_vwap_lies_within_the_prices_so_far(drawn: tuple[IntradayBars, np.ndarray]) -> None:
    bars, _ = drawn
    vwap = session_vwap(bars)

    for series in np.unique(bars.series):
        mine = bars.series == series
        assert np.all(vwap[mine] <= np.maximum.accumulate(bars.high[mine]) * (1 + 1e-9))
        assert np.all(vwap[mine] >= np.minimum.accumulate(bars.low[mine]) * (1 - 1e-9))


# A whole half-day from 100 to 110, its high 112 and its low 99, 210 x 100 shares.
OFFICIAL = {"open": 100.0, "high": 112.0, "low": 99.0, "close": 110.0, "volume": 21_000.0}


def reason(minutes: float = HALF_DAY, **differs: float) -> Reason:
    told = OFFICIAL | differs
    made = IntradayBars(
        series=np.zeros(1, dtype=int), start=np.zeros(1, dtype=int),
        **{name: np.array([value]) for name, value in told.items()},
        minutes=np.array([int(minutes)]),
    )  # fmt: skip
    official = {name: np.array([value]) for name, value in OFFICIAL.items()}
    found = reconcile(made, **official, session_minutes=lengths(HALF_DAY))
    return Reason(found.reason.item())


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({}, Reason.AGREES),
        ({"close": 110.01}, Reason.AGREES),  # a cent
        ({"volume": 20_600.0}, Reason.AGREES),  # 2 %
        ({"minutes": 150, "high": 108.0, "volume": 15_000.0}, Reason.MINUTES_MISSING),
        ({"minutes": 150, "high": 115.0}, Reason.UNEXPLAINED),  # outside the day
        ({"open": 100.5, "close": 109.5}, Reason.AUCTIONS),
        ({"open": 103.0}, Reason.UNEXPLAINED),  # no auction is 3 % off
        ({"high": 111.9, "low": 99.2, "volume": 700.0}, Reason.THIN_FEED),
        ({"open": 50.0, "high": 56.0, "low": 49.5, "close": 55.0, "volume": 42_000.0},
         Reason.OTHER_BASIS),  # before a split of 2 for 1
        ({"open": 1e4, "high": 1.12e4, "low": 9.9e3, "close": 1.1e4}, Reason.OTHER_BASIS),  # cents
        ({"volume": 42_000.0}, Reason.UNEXPLAINED),  # every minute twice
        ({"low": 0.99}, Reason.UNEXPLAINED),  # a bad tick
    ],
)  # fmt: skip
def test_a_day_that_differs_is_told_why(differs: dict[str, float], expected: Reason) -> None:
    assert reason(**differs) is expected


def test_differences_are_told_as_fractions_of_the_official_bar() -> None:
    made = daily(minute_bars([0, 1], [99.0, 101.0], [10, 20]), session_minutes=lengths(4))
    official = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 60.0}

    found = reconcile(
        made, **{name: np.array([v]) for name, v in official.items()}, session_minutes=lengths(4)
    )

    assert found.open.item() == pytest.approx(-0.01)
    assert found.close.item() == pytest.approx(0.01)
    assert found.volume.item() == pytest.approx(-0.5)
    assert found.coverage.item() == 0.5


def test_bars_out_of_order_are_refused_with_their_place() -> None:
    with pytest.raises(ValueError, match=r"bar 1 \(series 0, minute 3\).*minute 3"):
        minute_bars([3, 3], [1.0, 2.0])


def test_a_length_below_a_minute_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 minute, was 0"):
        resample(minute_bars([0], [1.0]), length=0, session_minutes=lengths(WHOLE_DAY))
