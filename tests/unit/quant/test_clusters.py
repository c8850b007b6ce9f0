"""Clusters of trials: planted ideas are found, copies count once, strangers each."""

import numpy as np
import pandas as pd
import pytest

from quant.models.clusters import TrialReturns, _correlations, clustered_count


def ideas(n_ideas: int, copies: int, *, noise: float, seed: int = 2) -> list[TrialReturns]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n_ideas):
        idea = rng.standard_normal(500)
        found += [TrialReturns(0, idea + noise * rng.standard_normal(500)) for _ in range(copies)]
    return found


@pytest.mark.parametrize(("n_ideas", "copies"), [(1, 12), (4, 10), (7, 3)])
def test_planted_ideas_are_counted(n_ideas: int, copies: int) -> None:
    # Copies of an idea correlate by 1 / (1 + 0.4²) = 0.86, ideas not at all.
    assert clustered_count(ideas(n_ideas, copies, noise=0.4)) == n_ideas


def test_strangers_count_each_and_the_order_does_not_matter() -> None:
    trials = ideas(9, 1, noise=0.0)

    assert clustered_count(trials) == 9
    assert clustered_count(trials[::-1]) == 9


def test_a_copy_adds_nothing_and_a_stranger_one() -> None:
    trials = ideas(3, 2, noise=0.3)
    count = clustered_count(trials)

    assert clustered_count([*trials, trials[0]]) == count
    assert clustered_count([*trials, *ideas(1, 1, noise=0.0, seed=9)]) == count + 1


def test_the_opposite_of_an_idea_is_another_idea() -> None:
    [trial] = ideas(1, 1, noise=0.0)

    assert clustered_count([trial, TrialReturns(0, -trial.returns)]) == 2


def test_correlations_are_those_of_the_sessions_both_have() -> None:
    rng = np.random.default_rng(4)
    common = rng.standard_normal(400)
    trials = [
        TrialReturns(10, common[:300] + 0.5 * rng.standard_normal(300)),
        TrialReturns(110, common[100:400] + 0.5 * rng.standard_normal(300)),
        TrialReturns(350, rng.standard_normal(40)),  # shares too little with anybody
    ]
    columns = {
        n: pd.Series(trial.returns, index=range(trial.first, trial.first + trial.returns.size))
        for n, trial in enumerate(trials)
    }
    expected = pd.DataFrame(columns).corr(min_periods=63).fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(expected, np.diag(_correlations(trials)))

    np.testing.assert_allclose(_correlations(trials), expected, atol=1e-12)


def test_what_left_no_returns_counts_as_an_idea_of_its_own() -> None:
    assert clustered_count([], without_returns=3) == 3
    assert clustered_count(ideas(1, 5, noise=0.1), without_returns=2) == 3
    assert clustered_count([]) == 0


def test_returns_that_never_vary_resemble_nothing() -> None:
    flat = TrialReturns(0, np.zeros(500))

    assert clustered_count([flat, *ideas(1, 2, noise=0.1)]) == 2
