"""Labels look ahead exactly as far as they say, and weights count overlap."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.labels import (
    average_uniqueness,
    excess_to_last_close,
    forward_excess,
    time_decay,
    triple_barrier,
)

OPENS = np.array([100.0, 102.0, 101.0, 110.0, 99.0, 105.0])
INDEX = np.array([1000.0, 1010.0, 1000.0, 1020.0, 1030.0, 1040.0])
ONE = np.array([0, 6])
SESSIONS = np.arange(6)


def test_label_runs_from_next_open_to_open_after_horizon_in_excess_of_the_index() -> None:
    labels = forward_excess(OPENS, INDEX, ONE, SESSIONS, horizon=2)

    # decided at session 0: 102 -> 110 against 1010 -> 1020
    assert labels.value[0] == pytest.approx(110 / 102 - 1020 / 1010)
    assert (labels.start_session[0], labels.end_session[0]) == (1, 3)
    assert labels.outperformed[0] == 1.0
    assert np.isnan(labels.value[3:]).all()
    assert np.isnan(labels.outperformed[3:]).all()


def test_label_is_divided_by_the_volatility_over_its_horizon() -> None:
    labels = forward_excess(OPENS, INDEX, ONE, SESSIONS, horizon=4, volatility=np.full(6, 0.01))

    # 4 sessions of 1 % a day are 2 %
    assert labels.value[0] == pytest.approx((105 / 102 - 1040 / 1010) / 0.02)
    assert labels.excess[0] == pytest.approx(105 / 102 - 1040 / 1010)


def test_a_missing_session_leaves_the_label_unknown() -> None:
    sessions = np.array([0, 1, 3, 4])  # no row for session 2

    labels = forward_excess(OPENS[:4], INDEX, np.array([0, 4]), sessions, horizon=1)

    # 0 needs 1 and 2, 1 needs 2 and 3; 3 needs 4 and 5: none is there
    assert np.isnan(labels.value).all()


def test_symbols_do_not_run_into_each_other() -> None:
    both = np.concatenate([OPENS, 7 * OPENS])

    labels = forward_excess(both, INDEX, np.array([0, 6, 12]), np.tile(SESSIONS, 2), horizon=2)

    np.testing.assert_allclose(labels.value[:6], labels.value[6:], equal_nan=True)


@given(st.integers(0, 39), st.floats(0.1, 10.0), st.integers(1, 5))
def test_a_changed_open_moves_only_labels_whose_interval_touches_it(
    place: int, factor: float, horizon: int
) -> None:
    opens = 50.0 + np.arange(40.0)
    changed = opens.copy()
    changed[place] *= factor
    index = np.full(40, 10.0)
    ends = np.array([0, 40])

    before = forward_excess(opens, index, ends, np.arange(40), horizon=horizon)
    after = forward_excess(changed, index, ends, np.arange(40), horizon=horizon)

    outside = (before.start_session > place) | (before.end_session < place)
    np.testing.assert_array_equal(before.value[outside], after.value[outside])


def test_triple_barrier_takes_the_stop_first_when_one_bar_touches_both() -> None:
    opens = np.array([100.0, 100.0, 100.0, 100.0])
    high, low = np.array([100.0, 101.0, 105.0, 100.0]), np.array([100.0, 99.0, 95.0, 100.0])

    labels = triple_barrier(
        opens,
        high,
        low,
        np.array([0, 4]),
        np.arange(4),
        horizon=1,
        volatility=np.full(4, 0.02),
        profit=1.0,
        stop=0.25,
    )

    # entry 100 in session 1, whose low 99 is beyond the stop at 99.5
    assert labels.excess[0] == pytest.approx(-0.005)
    assert labels.end_session[0] == 1


def test_triple_barrier_exits_at_the_open_that_gaps_beyond_and_at_the_horizon() -> None:
    opens = np.array([100.0, 100.0, 90.0, 100.0, 101.0, 102.0])
    labels = triple_barrier(
        opens,
        opens,
        opens,
        np.array([0, 6]),
        np.arange(6),
        horizon=2,
        volatility=np.full(6, 0.05),
        profit=1.0,
        stop=1.0,
    )

    assert labels.excess[0] == pytest.approx(-0.10)  # the gap, not the stop at 92.93
    assert labels.excess[2] == pytest.approx(0.02)  # 100 -> 102 at the vertical barrier


def test_uniqueness_of_three_labels_by_hand() -> None:
    # sessions 1-2, 2-3 and 5: session 2 is shared by two
    unique = average_uniqueness(np.array([1, 2, 5]), np.array([2, 3, 5]), np.array([0, 3]))

    np.testing.assert_allclose(unique, [0.75, 0.75, 1.0])


def test_horizon_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1 session, was 0"):
        forward_excess(OPENS, INDEX, ONE, SESSIONS, horizon=0)


def _barriers(
    side: list[int] | None, *, high: list[float], low: list[float], profit: float = 1.0
) -> tuple[float, int, float]:
    """The first row's trade from 100: its return, last session, and whether it paid."""
    opens = np.full(4, 100.0)
    labels = triple_barrier(
        opens, np.array(high), np.array(low), np.array([0, 4]), np.arange(4),
        horizon=2, volatility=np.full(4, 0.02 / np.sqrt(2.0)), profit=profit, stop=0.5,
        side=None if side is None else np.array(side),
    )  # fmt: skip
    return float(labels.excess[0]), int(labels.end_session[0]), float(labels.outperformed[0])


def test_meta_labels_say_whether_the_chosen_side_paid() -> None:
    falls: dict[str, Any] = {
        "high": [100.0, 100.5, 100.0, 100.0],
        "low": [100.0, 99.5, 97.0, 100.0],
    }

    # 2 % over the span: a short gains 2 % at 98 in session 2, a purchase is stopped at 99
    assert _barriers([-1, 0, 0, 0], **falls) == pytest.approx((0.02, 2, 1.0))
    assert _barriers([1, 0, 0, 0], **falls) == pytest.approx((-0.01, 2, 0.0))
    assert _barriers(None, **falls) == pytest.approx((-0.01, 2, 0.0))
    assert np.isnan(_barriers([0, 1, 1, 1], **falls)[0])


def test_of_a_bar_that_touches_both_a_short_takes_its_stop_above() -> None:
    wide: dict[str, Any] = {
        "high": [100.0, 103.0, 100.0, 100.0],
        "low": [100.0, 97.0, 100.0, 100.0],
    }

    assert _barriers([-1, 0, 0, 0], **wide) == pytest.approx((-0.01, 1, 0.0))


@given(st.integers(0, 999), st.sampled_from([1, -1]))
def test_a_short_is_the_mirror_of_a_purchase_in_mirrored_prices(seed: int, sign: int) -> None:
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, 0.01, (3, 30))
    up, down = (100.0 * (1.0 + way * moves) for way in (1.0, -1.0))
    how: dict[str, Any] = {
        "horizon": 3,
        "volatility": np.full(30, 0.005),
        "profit": 1.5,
        "stop": 0.7,
    }
    ends, days = np.array([0, 30]), np.arange(30)

    def told(prices: np.ndarray, side: int) -> np.ndarray:
        high, low = prices.max(axis=0), prices.min(axis=0)
        return triple_barrier(
            np.full(30, 100.0), high, low, ends, days, **how, side=np.full(30, side)
        ).excess

    np.testing.assert_allclose(told(up, sign), told(down, -sign), atol=1e-12)


@pytest.mark.parametrize("side", [[1, 1], [2, 0, 0, 0], [0.5, 0, 0, 0]])
def test_a_side_that_is_none_is_refused(side: list[int]) -> None:
    with pytest.raises(ValueError, match="`side` must be -1, 0 or 1 for each of 4 rows"):
        _barriers(side, high=[100.0] * 4, low=[100.0] * 4)


@given(st.integers(2, 38), st.integers(1, 6), st.sampled_from([1, -1]), st.integers(0, 99))
def test_what_happens_after_a_label_has_ended_does_not_change_it(
    cut: int, horizon: int, side: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    bars = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (40, 1)), axis=0))
    bars = bars * np.exp(rng.normal(0.0, 0.005, (40, 3)))
    other = bars.copy()
    other[cut:] *= np.exp(rng.normal(0.0, 0.2, other[cut:].shape))

    def told(prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        labels = triple_barrier(
            prices[:, 0], prices.max(axis=1), prices.min(axis=1), np.array([0, 40]),
            np.arange(40), horizon=horizon, volatility=np.full(40, 0.01),
            side=np.full(40, side),
        )  # fmt: skip
        return labels.value, labels.end_session

    (before, end), (after, _) = told(bars), told(other)
    np.testing.assert_array_equal(before[end < cut], after[end < cut])


def test_uniqueness_of_the_book() -> None:
    # López de Prado (2018), section 4.5.3: labels over returns 0-2, 2-3 and 4-5
    start, end = np.array([0, 2, 4]), np.array([2, 3, 5])

    unique = average_uniqueness(start, end, np.array([0, 3]))

    np.testing.assert_allclose(unique, [5 / 6, 3 / 4, 1.0])


def test_probabilities_of_the_second_draw_of_the_book() -> None:
    # the same section: label 2 was drawn first; its own uniqueness beside it, and the others',
    # give the second draw's probabilities 5/14, 3/14 and 6/14
    start, end = np.array([0, 2, 4]), np.array([2, 3, 5])

    beside = np.array(
        [average_uniqueness(start[[1, i]], end[[1, i]], np.array([0, 2]))[1] for i in range(3)]
    )

    np.testing.assert_allclose(beside / beside.sum(), [5 / 14, 3 / 14, 6 / 14])


@pytest.mark.parametrize(
    ("oldest", "weights"),
    [
        (1.0, [1.0, 1.0, 1.0, 1.0]),
        (0.5, [0.625, 0.75, 0.875, 1.0]),
        (0.0, [0.25, 0.5, 0.75, 1.0]),
        (-0.5, [0.0, 0.0, 0.5, 1.0]),
    ],
)
def test_decay_of_four_labels_that_do_not_overlap(oldest: float, weights: list[float]) -> None:
    # López de Prado (2018), snippet 4.11: slope (1 - c) / 4, or 1 / ((c + 1) 4) where c < 0
    aged = time_decay(np.ones(4), np.arange(4), oldest=oldest)

    np.testing.assert_allclose(aged, weights)


def test_age_is_counted_in_what_was_observed_and_is_one_for_a_session() -> None:
    unique, sessions = np.array([0.5, 0.25, 1.0, 0.25]), np.array([7, 3, 9, 3])

    # a quarter of it is known by session 3, half by session 7
    np.testing.assert_allclose(time_decay(unique, sessions, oldest=0.0), [0.5, 0.25, 1.0, 0.25])


@pytest.mark.parametrize(
    ("unique", "oldest", "message"),
    [
        ([1.0, 1.0], 1.5, "`oldest` must lie above -1"),
        ([1.0, 1.0], -1.0, "`oldest` must lie above -1"),
        ([0.0, 0.0], 1.0, "not all 0"),
        ([1.0, np.nan], 1.0, "must be finite"),
        ([1.0], 1.0, "same number of rows"),
    ],
)
def test_a_decay_of_nothing_is_refused(unique: list[float], oldest: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        time_decay(np.array(unique), np.arange(2), oldest=oldest)


def test_what_left_before_the_horizon_is_worth_its_last_close_and_nothing_is_entered_after() -> (
    None
):
    opens = np.array([10.0, 10.0, 11.0, 20.0, 20.0])
    closes = np.array([10.0, 12.0, 9.0, 20.0, 22.0])
    index = np.array([[100.0, 100.0], [100.0, 110.0], [100.0, 105.0]])

    excess, last = excess_to_last_close(
        np.column_stack((opens, closes)), index, np.array([0, 3, 5]), np.array([0, 1, 2, 0, 2]),
        horizon=2,
    )  # fmt: skip

    # Entry at 10, or at 11, and 9 at the last close; the index rose from 100 to 105. The second
    # symbol has no open in the session after its first.
    assert excess[:2] == pytest.approx([9 / 10 - 1.05, 9 / 11 - 1.05])
    assert np.isnan(excess[2:]).all()
    assert last.tolist() == [2, 2, 2, 2, 2]


def test_what_is_still_there_at_the_horizon_is_no_matter_of_the_last_close() -> None:
    ones = np.ones((3, 2))

    excess, _ = excess_to_last_close(ones, ones, np.array([0, 3]), np.arange(3), horizon=1)

    assert np.isnan(excess[0])
    assert excess[1] == 0.0
