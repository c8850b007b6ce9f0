"""Ranges keep their promise even when the market changes, with outcomes known days later."""

import numpy as np
import pytest

from quant.models.conformal import adapted_miss_rate, missed_by_session
from quant.typing import FloatArray

TARGET, STEP, DELAY = 0.2, 0.02, 6


def streamed(values: FloatArray, *, adaptive: bool) -> FloatArray:
    """Misses of ranges built from the first 500 values, for those that follow."""
    known, later = np.sort(np.abs(values[:500])), np.abs(values[500:])
    missed = np.zeros(later.size)
    for now, value in enumerate(later):
        told = missed[: max(0, now - DELAY)]
        rate = adapted_miss_rate(told, target=TARGET, adaptation=STEP) if adaptive else TARGET
        # A rate below nought asks for a range that holds everything, one above one for none.
        width = np.inf if rate <= 0.0 else -1.0 if rate >= 1.0 else np.quantile(known, 1.0 - rate)
        missed[now] = float(value > width)
    return missed


def test_the_rate_moves_by_each_sessions_error() -> None:
    rate = adapted_miss_rate(np.array([1.0, 0.0, 0.5]), target=0.2, adaptation=0.02)

    assert rate == pytest.approx(0.2 + 0.02 * (-0.8 + 0.2 - 0.3))
    assert adapted_miss_rate(np.array([])) == 0.2


@pytest.mark.parametrize("seed", range(5))
def test_coverage_holds_through_a_shift_that_breaks_a_fixed_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate((rng.normal(size=700), 2.5 * rng.normal(size=1_800)))

    adaptive, fixed = (streamed(values, adaptive=how) for how in (True, False))

    # Proposition 4.1, and what the delay keeps unheard: at most its sessions at either end.
    bound = (1.0 - TARGET + STEP * (1 + DELAY)) / (STEP * adaptive.size)
    assert abs(adaptive.mean() - TARGET) <= bound
    assert fixed.mean() > 0.5  # P(|2.5 z| > 1.28) = 0.61


def test_what_is_never_outside_narrows_the_range() -> None:
    assert adapted_miss_rate(np.zeros(10)) == pytest.approx(0.2 + 0.02 * 10 * 0.2)


def test_misses_are_counted_when_they_matured() -> None:
    low, high = np.full(4, -1.0), np.full(4, 1.0)
    outcome = np.array([2.0, 0.0, -1.0, -1.1])

    missed = missed_by_session(low, high, outcome, np.array([9, 7, 9, 7]))

    assert missed.tolist() == [0.5, 0.5]  # of session 7, then of 9; the ends belong to the range


@pytest.mark.parametrize(("target", "step"), [(0.0, 0.1), (1.0, 0.1), (0.2, 0.0)])
def test_a_senseless_target_is_refused(target: float, step: float) -> None:
    with pytest.raises(ValueError, match="`target` must lie in"):
        adapted_miss_rate(np.zeros(3), target=target, adaptation=step)
