"""Labels look ahead exactly as far as they say, and weights count overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.labels import average_uniqueness, forward_excess, triple_barrier

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
