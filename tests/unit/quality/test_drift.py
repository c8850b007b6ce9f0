"""Figures of drift: by hand, by scipy, and by what they must obey."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from quality.drift import Drift, drifts, stability_index, stability_limit, two_sample

RNG = np.random.default_rng(4)


def test_the_index_is_that_of_the_published_formula() -> None:
    """Half below and half above one; later four in five are above."""
    reference = np.array([0.0, 1.0] * 50)
    recent = np.array([0.0] * 20 + [1.0] * 80)

    # (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5) = 0.27489 + 0.14100
    assert stability_index(reference, recent, bins=2) == pytest.approx(0.41589, abs=5e-6)


def test_the_index_over_four_bins_by_hand() -> None:
    """Quartiles of 1 to 8 are 2.75, 4.5 and 6.25: two of them in each bin."""
    reference = np.arange(1.0, 9.0)
    recent = np.array([1.0, 3.0, 3.5, 4.0, 5.0, 5.5, 6.0, 7.0])

    # Shares are 1/8, 3/8, 3/8 and 1/8 in place of 1/4 each: 4 * (1/8) * |ln| of 1/2 and 3/2.
    expected = 2 * (-1 / 8) * log(1 / 2) + 2 * (1 / 8) * log(3 / 2)
    assert stability_index(reference, recent, bins=4) == pytest.approx(expected)


def test_an_empty_bin_counts_as_half_an_observation() -> None:
    reference, recent = np.array([0.0, 1.0] * 10), np.ones(20)

    expected = (1 / 40 - 1 / 2) * log(2 / 40) + (1 - 1 / 2) * log(2)
    assert stability_index(reference, recent, bins=2) == pytest.approx(expected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_index_of_a_sample_and_itself_is_nought(values: list[float]) -> None:
    sample = np.array(values)

    assert stability_index(sample, sample) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 1000), st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
def test_the_index_does_not_depend_on_the_unit(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=200), rng.normal(0.3, 1.2, size=80)

    moved = stability_index(left * scale + shift, right * scale + shift)
    assert moved == pytest.approx(stability_index(left, right), rel=1e-6)


def test_chance_alone_exceeds_the_limit_about_once_in_a_thousand() -> None:
    rng, limit = np.random.default_rng(0), stability_limit(400, 150)

    above = [
        stability_index(rng.normal(size=400), rng.normal(size=150)) > limit for _ in range(2000)
    ]

    assert 0 <= sum(above) <= 8  # 2 expected; 9 or more has a chance of 2 in 10,000


def test_the_limit_of_few_is_wider_than_the_rule_of_thumb() -> None:
    # The 99.9 % quantile of chi-square with 9 degrees of freedom is 27.877.
    assert stability_limit(50, 50) == pytest.approx(27.877 * 2 / 50, rel=1e-4)
    assert stability_limit(10_000, 1_000) == 0.25


def test_without_repeats_the_test_is_scipys() -> None:
    left, right = RNG.normal(size=300), RNG.normal(0.2, 1.0, size=120)
    theirs = ks_2samp(left, right, method="asymp")

    distance, chance = two_sample(left, right, n_reference=300, n_recent=120)

    assert distance == pytest.approx(theirs.statistic)
    assert chance == pytest.approx(theirs.pvalue)


def test_rows_that_repeat_one_another_are_no_more_evidence() -> None:
    left, right = RNG.normal(size=40), RNG.normal(0.5, 1.0, size=40)
    many = (np.repeat(left, 25), np.repeat(right, 25))

    assert two_sample(*many, n_reference=40, n_recent=40) == pytest.approx(
        two_sample(left, right, n_reference=40, n_recent=40)
    )
    assert two_sample(*many, n_reference=1000, n_recent=1000)[1] < 1e-6


def told(recent: np.ndarray, n: float = 900.0) -> dict[str, Drift]:
    reference = np.random.default_rng(1).normal(size=(2000, 2))
    found = drifts(["a", "b"], reference, recent, n_reference=2000, n_recent=n)
    return {one.name: one for one in found}


def test_the_column_that_moved_is_named_and_the_other_is_not() -> None:
    recent = np.random.default_rng(2).normal(size=(900, 2))
    recent[:, 1] += 1.0

    found = told(recent)

    assert list(found) == ["b", "a"]
    assert (found["a"].is_drift, found["b"].is_drift) == (False, True)
    assert found["b"].recent_mean - found["b"].reference_mean == pytest.approx(1.0, abs=0.1)


def test_the_same_move_in_a_handful_of_observations_is_no_alarm() -> None:
    recent = np.random.default_rng(2).normal(1.0, 1.0, size=(900, 2))

    assert not any(one.is_drift for one in told(recent, n=6.0).values())


def test_holes_are_left_out_and_an_empty_column_too() -> None:
    recent = np.random.default_rng(2).normal(size=(900, 2))
    recent[::2, 0] = np.nan
    recent[:, 1] = np.nan

    assert list(told(recent)) == ["a"]


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="0 and 3 values"):
        stability_index(np.empty(0), np.ones(3))
