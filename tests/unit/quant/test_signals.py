"""Policies choose what they say, within the limits they say."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quant.signals import Policy, target_weight_panel, target_weights

CHANCES = np.array([0.56, 0.48, np.nan, 0.61, 0.40])


def test_threshold_buys_all_at_or_above_it_equally() -> None:
    weights = target_weights(CHANCES, policy=Policy(threshold=0.56, gross=1.0, position=0.6))

    assert weights == pytest.approx([0.5, 0, 0, 0.5, 0])


def test_top_k_keeps_an_empty_place_as_cash() -> None:
    policy = Policy(kind="top_k", k=4, threshold=0.55, gross=1.0, position=1.0)

    assert target_weights(CHANCES, policy=policy) == pytest.approx([0.25, 0, 0, 0.25, 0])


def test_long_short_sells_the_least_probable() -> None:
    policy = Policy(kind="top_k", k=1, long_short=True, gross=1.0, position=1.0)

    assert target_weights(CHANCES, policy=policy) == pytest.approx([0, 0, 0, 0.5, -0.5])


def test_the_margin_ranks_equal_probabilities() -> None:
    policy = Policy(kind="top_k", k=1, position=1.0)
    tied = np.array([0.52, 0.52])

    chosen = target_weights(tied, policy=policy, rank_by=np.array([0.1, 0.3]))

    assert chosen == pytest.approx([0.0, 1.0])


def test_places_that_equals_contend_for_stay_empty() -> None:
    policy = Policy(kind="top_k", k=3, gross=0.9, position=1.0)
    chances = np.array([0.52, 0.60, 0.52, 0.52, 0.52])

    alike = target_weights(chances, policy=policy, rank_by=np.full(5, 0.1))
    ranked = target_weights(chances, policy=policy, rank_by=np.array([0.1, 0.4, 0.2, 0.2, 0.1]))

    assert alike == pytest.approx([0, 0.3, 0, 0, 0])
    assert ranked == pytest.approx([0, 0.3, 0.3, 0.3, 0])


def test_margins_that_are_not_known_tell_nobody_apart() -> None:
    policy = Policy(kind="top_k", k=2, gross=1.0, position=1.0)
    chances = np.array([0.52, 0.60, 0.52, 0.52])

    weights = target_weights(chances, policy=policy, rank_by=np.full(4, np.nan))

    assert weights == pytest.approx([0, 0.5, 0, 0])


def test_as_many_equals_as_there_are_places_are_all_held() -> None:
    policy = Policy(kind="top_k", k=2, long_short=True, gross=1.0, position=1.0)

    weights = target_weights(np.array([0.6, 0.4, 0.6, 0.4, 0.5]), policy=policy)

    assert weights == pytest.approx([0.25, -0.25, 0.25, -0.25, 0])


@given(
    arrays(np.float64, 8, elements=st.floats(0, 1)),
    st.sampled_from(["top_k", "threshold"]),
    st.integers(1, 9),
    st.booleans(),
    st.floats(0, 2),
    st.floats(0, 0.5),
)
def test_weights_stay_within_the_policy(
    chances: np.ndarray,
    kind: Literal["top_k", "threshold"],
    k: int,
    both: bool,
    gross: float,
    position: float,
) -> None:
    policy = Policy(kind=kind, k=k, long_short=both, gross=gross, position=position)

    weights = target_weights(chances, policy=policy)

    assert np.abs(weights).sum() <= gross + 1e-12
    assert np.abs(weights).max() <= position + 1e-12
    assert both or (weights >= 0.0).all()
    assert (chances[weights > 0] >= 0.5).all()
    assert (chances[weights < 0] < 0.5).all()


def test_a_panel_is_its_sessions_one_by_one() -> None:
    panel = np.stack([CHANCES, CHANCES[::-1]])
    policy = Policy(threshold=0.5)

    weights = target_weight_panel(panel, policy=policy)

    np.testing.assert_array_equal(weights[1], target_weights(CHANCES[::-1], policy=policy))


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        target_weights(np.array([1.2]), policy=Policy())
