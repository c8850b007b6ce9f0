"""Contributions add up to what was earned, whatever the way to look at it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quant.attribution import attribution, contributions, linked
from quant.performance import total_return

some_parts = st.tuples(st.integers(1, 30), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-0.1, 0.1))
)


def test_two_periods_by_hand() -> None:
    # A earns 10 % in the first, B 10 % in the second: 21 % in all. Both earned at the same rate,
    # so that linking gives each half of it, not 10 % and 11 %
    assert linked(np.array([[0.1, 0.0], [0.0, 0.1]])) == pytest.approx([0.105, 0.105])


def test_contributions_are_profits_over_equity_before() -> None:
    parts = contributions(np.array([[10.0, -5.0], [21.0, 0.0]]), np.array([100.0, 105.0]))

    assert parts == pytest.approx(np.array([[0.1, -0.05], [0.2, 0.0]]))


@given(some_parts)
def test_every_way_adds_up_to_the_compounded_return(parts: np.ndarray) -> None:
    n_items = parts.shape[1]
    labels = {
        "symbol": [f"S{i}" for i in range(n_items)],
        "sector": ["even" if i % 2 == 0 else "odd" for i in range(n_items)],
        "strategy": ["one"] * n_items,
    }

    found = attribution(parts, labels)

    total = total_return(parts.sum(axis=1))
    for sums in found.values():
        assert sum(sums.values()) == pytest.approx(total, rel=1e-10, abs=1e-12)
    assert found["strategy"] == {"one": pytest.approx(total, rel=1e-10, abs=1e-12)}


@given(some_parts)
def test_who_earned_nothing_is_given_nothing(parts: np.ndarray) -> None:
    idle = np.hstack((parts, np.zeros((parts.shape[0], 1))))

    assert linked(idle)[-1] == 0.0
    np.testing.assert_allclose(linked(idle)[:-1], linked(parts), atol=1e-15)


def test_a_lost_account_and_missing_labels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"loses 100\.0% ends the account"):
        linked(np.array([[-0.6, -0.4]]))
    with pytest.raises(ValueError, match="one label for each of 2 items, had 1"):
        attribution(np.zeros((3, 2)), {"sector": ["Tech"]})
    with pytest.raises(ValueError, match="lowest equity of 0"):
        contributions(np.ones((2, 1)), np.array([100.0, 0.0]))
