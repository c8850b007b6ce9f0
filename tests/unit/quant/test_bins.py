"""Bins begin at a feature's own values: every one of few, quantiles of many."""

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quant.models.bins import borders

RNG = np.random.default_rng(5)


def told(column: np.ndarray) -> np.ndarray:
    return np.asarray(column[~np.isnan(column)])


def test_few_values_all_begin_a_bin_however_rare() -> None:
    pattern = np.zeros((10_000, 1), dtype=np.float32)
    pattern[7], pattern[9_000] = 1.0, -1.0

    np.testing.assert_array_equal(told(borders(pattern, 64)[:, 0]), [-1.0, 0.0, 1.0])


def test_many_values_are_cut_at_their_quantiles() -> None:
    values = RNG.standard_normal((5_000, 3)).astype(np.float32)

    found = borders(values, 64)

    shares = np.linspace(0.0, 1.0, 64)
    np.testing.assert_array_equal(found, np.quantile(values, shares, axis=0, method="nearest"))


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 90), st.just(2)),
        elements=st.sampled_from([np.nan, 0.0, -3.5, 1e-30, 2.0, 7.0, 8.0, 9.0, 1e30]),
    ),
    st.integers(2, 12),
)
def test_borders_ascend_and_are_values_of_the_feature(values: np.ndarray, max_bin: int) -> None:
    for column, chosen in zip(values.T, borders(values, max_bin).T, strict=True):
        known, found = np.unique(told(column)), told(chosen)
        assert np.all(np.diff(found) > 0.0)
        assert np.isin(found, known).all()
        assert np.isin(known[[0, -1]] if known.size else known, found).all()
        if known.size <= max_bin:
            assert found.size == known.size


def test_a_quantile_of_drawn_rows_is_near_that_of_all() -> None:
    ranks = RNG.permutation(np.linspace(0.0, 1.0, 200_000, dtype=np.float32))[:, None]

    found = borders(ranks, 64)

    assert np.abs(found[:, 0] - np.linspace(0.0, 1.0, 64)).max() < 1.0 / 64.0
    np.testing.assert_array_equal(found, borders(ranks, 64))


@pytest.mark.parametrize("n_values", [3, 64, 500])
def test_xgboost_cuts_where_it_is_told(n_values: int) -> None:
    values = RNG.integers(0, n_values, (4_000, 2)).astype(np.float32)
    wanted = borders(values, 64)

    bins = xgb.QuantileDMatrix(wanted, max_bin=64)

    begins, cuts = xgb.QuantileDMatrix(values, ref=bins, max_bin=64).get_quantile_cut()
    for k in range(2):
        own = cuts[begins[k] : begins[k + 1]]
        inner = told(wanted[:, k])[1:]  # the first bin has no border below it
        np.testing.assert_array_equal(own[np.isin(own, inner)], inner)
