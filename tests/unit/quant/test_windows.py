"""Kernels over windows: where a value is missing, and what a constant window gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from quant.scans import rolling_quantile
from quant.windows import next_missing, rolling_moment, rolling_std, rolling_sum, weighted_mean


@pytest.mark.parametrize("n_rows", [0, 1, 63, 64, 65, 130])
def test_the_next_missing_row_is_found_wherever_it_lies(n_rows: int) -> None:
    values = np.arange(n_rows, dtype=np.float64)
    assert next_missing(values, 0) == n_rows
    for place in range(n_rows):
        values[place] = np.nan
        assert [next_missing(values, begin) for begin in (0, place)] == [place, place]
        assert next_missing(values, place + 1) == n_rows
        values[place] = place


def test_a_window_of_zeros_sums_to_zero_whatever_came_before() -> None:
    values = np.concatenate([np.full(7, 0.1), np.zeros(5)])
    sums = np.empty(values.size)
    rolling_sum(values, 3, np.zeros(1, dtype=np.int64), sums)
    assert (sums[-3:] == 0.0).all()


def test_a_weighted_mean_of_zeros_is_zero_whatever_came_before() -> None:
    values = np.concatenate([np.full(7, 0.1), [0.3, 0.7], np.zeros(9)])
    means = np.empty(values.size)
    weighted_mean(values, 5, 0.1, np.zeros(1, dtype=np.int64), means)
    assert (means[-5:] == 0.0).all()
    assert means[-6] == pytest.approx(0.7 * 0.1 * 0.9**4 / (1.0 - 0.9**5))


@pytest.mark.parametrize("order", [3.0, 4.0])
def test_a_constant_window_has_no_moments_whatever_came_before(order: float) -> None:
    before = 0.02 * np.random.default_rng(1).normal(size=90)
    for constant in (0.0, 0.01):
        values = np.concatenate([before, np.full(80, constant), before])
        moments = np.empty(values.size)
        rolling_moment(values, 63, order, np.zeros(1, dtype=np.int64), moments)
        assert np.isnan(moments[90 + 62 : 90 + 80]).all()
        assert np.isfinite(moments[62 : 90 + 62]).all()
        assert np.isfinite(moments[90 + 80 :]).all()


@pytest.mark.parametrize("moves", [1e-3, 1e-5, 1e-7])
def test_moments_of_small_moves_after_a_great_one_are_scipys(moves: float) -> None:
    values = moves * np.random.default_rng(2).normal(size=200)
    values[70] = 0.3
    for order, figure in ((3.0, stats.skew), (4.0, lambda x: stats.kurtosis(x, fisher=False))):
        moments = np.empty(values.size)
        rolling_moment(values, 63, order, np.zeros(1, dtype=np.int64), moments)
        wanted = [figure(values[end - 63 : end]) for end in range(63, 201)]
        np.testing.assert_allclose(moments[62:], wanted, rtol=1e-7, atol=1e-7)


def test_deviations_are_zero_of_constants_and_missing_where_a_value_is() -> None:
    values = np.concatenate([np.full(6, 0.1), [np.nan], np.full(4, 0.3), [0.4]])
    deviations = np.empty(values.size)
    rolling_std(values, 3, 1.0, np.zeros(1, dtype=np.int64), deviations)
    missing = np.array([True] * 2 + [False] * 4 + [True] * 3 + [False] * 3)
    np.testing.assert_array_equal(np.isnan(deviations), missing)
    assert (deviations[~missing][:-1] == 0.0).all()
    assert deviations[-1] == pytest.approx(np.std([0.3, 0.3, 0.4], ddof=1))


@given(
    arrays(
        np.float64,
        st.integers(0, 90),
        elements=st.sampled_from([np.nan, -np.inf, -2.0, 0.0, 0.5, 0.5, 3.0, 1e300]),
    ),
    st.integers(1, 20),
    st.floats(0.0, 1.0),
)
def test_a_quantile_is_that_of_the_sorted_window(
    values: np.ndarray, window: int, share: float
) -> None:
    found = np.empty(values.size)
    rolling_quantile(values, window, share, found)

    for end, quantile in enumerate(found, start=1):
        seen = values[max(0, end - window) : end]
        if seen.size < window or np.isnan(seen).any():
            assert np.isnan(quantile)
        else:
            with np.errstate(invalid="ignore"):
                wanted = np.quantile(seen, share)
            # Between two infinities, or next to one, no line can be drawn.
            assert quantile == pytest.approx(wanted, nan_ok=True) or not np.isfinite(wanted)
