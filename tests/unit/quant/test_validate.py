"""Messages about bad arguments name what was wanted, what came, and where."""

from __future__ import annotations

import numpy as np
import pytest

from quant.jit import kernel
from quant.validate import (
    require_finite,
    require_level,
    require_positive_int,
    require_same_length,
)


def test_gaps_are_counted_and_the_first_is_placed() -> None:
    values = np.array([[1.0, 2.0], [np.nan, np.inf]])

    with pytest.raises(ValueError, match=r"`prices` must be finite: 2 of 4 .* at position 2\."):
        require_finite(values, name="prices")


def test_finite_values_pass_and_so_does_nothing_at_all() -> None:
    require_finite(np.array([1.0, -2.0]), name="prices")
    require_finite(np.empty(0), name="prices")


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.1, float("nan")])
def test_a_level_outside_the_open_interval_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=f"`confidence` must lie .* was {level}"):
        require_level(level, name="confidence")


def test_lengths_that_differ_are_listed() -> None:
    require_same_length(returns=np.ones(3), weights=np.ones((3, 2)))
    with pytest.raises(ValueError, match="`returns` has 3, `weights` has 2"):
        require_same_length(returns=np.ones(3), weights=np.ones(2))


@pytest.mark.parametrize("value", [0, 2.0, True, "3"])
def test_a_window_that_is_no_count_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="`window` must be a whole number of at least 1"):
        require_positive_int(value, name="window")


def test_a_kernel_without_a_folder_to_cache_in_still_runs() -> None:
    space: dict[str, object] = {}
    exec("def double(x):\n    return 2.0 * x", space)  # numba finds no file to cache beside
    double = space["double"]
    assert callable(double)

    assert kernel(double)(4.0) == 8.0
