"""Every planted leak is caught by the probe that is there for it, and clean data by none."""

import numpy as np
import pytest

from quant.probes import (
    Finding,
    Rows,
    absent_members,
    last_bar_removed,
    matured_before_use,
    measurable,
    overlapping_labels,
    overnight_gain,
    served_difference,
    shuffled_label,
    telling_sessions,
)
from quant.splits import Fold
from quant.typing import FloatArray
from tests.unit.quant import planted_leaks

NONE = np.empty(0, dtype=np.int64)


@pytest.fixture(scope="module", name="caught")
def _caught() -> list[tuple[str, Finding]]:
    return [found for seed in range(2) for found in planted_leaks.planted(seed)]


def test_every_planted_leak_is_caught(caught: list[tuple[str, Finding]]) -> None:
    missed = [(leak, finding.sentence) for leak, finding in caught if finding.passed]

    assert not missed
    assert {
        "forward shift", "centred window", "full-sample scaling", "unpurged overlap",
        "survivor universe", "ranks over future members", "future-adjusted price", "restatement",
        "in-sample calibration", "same-close fill",
    } <= {leak for leak, _ in caught}  # fmt: skip


@pytest.mark.parametrize("seed", [10_000, 10_001])
def test_nothing_is_suspected_where_nothing_leaks(seed: int) -> None:
    suspected = [f.sentence for _, f in planted_leaks.honest(seed) if not f.passed]

    assert not suspected


def test_the_features_at_fault_are_named(caught: list[tuple[str, Finding]]) -> None:
    told = dict(caught)

    assert "return_5" in told["centred window"].sentence or (
        "deviation_21" in told["centred window"].sentence
    )
    assert "level" in told["future-adjusted price"].sentence
    assert "deviation_21" not in told["future-adjusted price"].sentence


def test_served_values_may_differ_by_rounding_and_by_nothing_else() -> None:
    stored = np.array([[1.0, 2.0], [3.0, np.nan]])

    assert served_difference(stored, stored * (1 + 1e-7), ("a", "b")).passed
    lost = served_difference(stored, np.array([[1.0, np.nan], [3.0, np.nan]]), ("a", "b"))
    assert not lost.passed
    assert lost.figure == pytest.approx(0.25)  # one value of four
    assert lost.sentence.endswith("differ in 1: b.")


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        served_difference(np.empty((0, 2)), np.empty((0, 2)), ("a", "b"))


def test_labels_that_share_one_session_overlap_and_neighbours_do_not() -> None:
    start, end = np.array([1, 4, 7]), np.array([4, 7, 10])  # rows 0 and 1 share session 4
    fold = Fold(train=np.array([0]), validation=NONE, test=np.array([1]))
    apart = Fold(train=np.array([0]), validation=NONE, test=np.array([2]))
    checked = Fold(train=NONE, validation=np.array([1]), test=np.array([2]))

    assert overlapping_labels([fold], start, end).figure == 1.0
    assert overlapping_labels([apart], start, end).passed
    assert not overlapping_labels([checked], start, end).passed


def test_an_outcome_may_be_learnt_from_at_the_open_it_ends_with() -> None:
    sessions, label_end = np.array([0, 10]), np.array([10, 20])

    assert matured_before_use([(np.array([0]), np.array([1]))], sessions, label_end).passed
    early = matured_before_use([(np.array([0]), np.array([1]))], sessions - 1, label_end)
    assert early.figure == 1.0


def test_the_jump_over_night_is_earned_by_who_fills_at_the_close_alone() -> None:
    # One unit of weight through a jump from 100 to 110.
    assert overnight_gain(planted_leaks.filled_at_the_close).figure == pytest.approx(0.10)
    assert overnight_gain(planted_leaks.filled_at_the_open).passed


def test_members_without_rows_are_counted() -> None:
    learnt = [(1, {"A"}), (2, {"A", "B"})]

    found = absent_members(learnt, lambda _day: frozenset({"A", "B"}))

    assert found.figure == pytest.approx(0.25)  # one of four memberships
    assert not found.passed


def test_a_weak_edge_that_dies_with_its_bar_is_no_leak() -> None:
    rng = np.random.default_rng(2)
    n = 3_000
    told = rng.normal(size=n)
    labels = 0.05 * told + rng.normal(size=n)  # a rank correlation of 0.05
    rows = Rows(np.arange(n), np.zeros(n, dtype=np.int64), horizon=1)

    found = last_bar_removed(lambda x, _y: x[:, 0], told[:, None], labels, rows)

    assert 0.0 < found.figure < 0.1
    assert found.passed


def test_an_answer_in_the_newest_bar_is_a_leak() -> None:
    rng = np.random.default_rng(2)
    told = rng.normal(size=3_000)
    rows = Rows(np.arange(3_000), np.zeros(3_000, dtype=np.int64), horizon=1)

    found = last_bar_removed(lambda x, _y: x[:, 0], told[:, None], told.copy(), rows)

    assert found.figure == pytest.approx(1.0, abs=0.1)
    assert not found.passed


def test_too_few_sessions_prove_nothing() -> None:
    short = Rows(np.arange(100), np.zeros(100, dtype=np.int64), horizon=1)
    labels = np.zeros(100)

    assert not measurable(labels, short)
    with pytest.raises(ValueError, match="over 126 sessions"):
        shuffled_label(
            lambda x, _y: x[:, 0], np.zeros((100, 1)), labels, short, rng=np.random.default_rng(1)
        )


def test_sessions_are_spread_to_the_newest_and_stand_around_changes() -> None:
    days = np.arange(100, 200)

    told = telling_sessions(days, np.array([150, 120]), even=2)

    # The ends of two halves; each change, and the session before it.
    assert told.tolist() == [119, 120, 149, 150, 199]


def test_of_many_changes_some_are_looked_at_and_the_newest_always() -> None:
    days = np.arange(1_000)

    told = telling_sessions(days, days[5::10], even=1, at_changes=4)

    assert told.tolist() == [244, 245, 494, 495, 744, 745, 994, 995, 999]


def test_a_comparison_without_sessions_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one session"):
        telling_sessions(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def test_luck_spreads_by_one_standard_error_though_folds_forecast_each_other() -> None:
    """Without the allowance for it the figures would spread by the square root of two."""
    rng = np.random.default_rng(11)
    days = np.arange(900)
    rows = Rows(days, np.zeros(900, dtype=np.int64), horizon=1)

    def forecast(values: FloatArray, labels: FloatArray) -> FloatArray:
        given = np.full(labels.shape, np.nan)
        for fold in np.array_split(days, 3):
            fit = np.setdiff1d(days[np.isfinite(labels)], fold)
            given[fold] = values[fold] @ (values[fit].T @ labels[fit])
        return given

    figures = [
        shuffled_label(
            forecast, rng.normal(size=(900, 20)), rng.normal(size=900), rows, rng=rng, rotations=1
        ).figure
        for _ in range(150)
    ]

    # The deviation of 150 figures is known to about 6 %.
    assert np.std(figures) == pytest.approx(1.0, abs=0.2)
