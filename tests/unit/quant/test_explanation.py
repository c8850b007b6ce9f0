"""What a model leans on is told, and what only misleads it is worth nothing."""

from dataclasses import replace

import numpy as np
import pytest

from quant.labels import average_uniqueness
from quant.models import Dataset, Hyperparameters
from quant.models.explanation import GroupEffect, group_effects
from quant.models.learners import FAMILIES, prepare
from quant.splits import purged_k_fold

N = 1_200
GROUPS = {"edge": "useful", "twin": "useful", "noise": "useless", "dice": "useless"}


def dataset() -> Dataset:
    """One symbol; the edge moves the outcome, its twin is the same with a little noise."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(N, 4)).astype(np.float32)
    features[:, 1] = features[:, 0] + 0.1 * features[:, 1]
    sessions = np.arange(N)
    return Dataset(
        features=features,
        names=tuple(GROUPS),
        sessions=sessions,
        symbols=np.zeros(N, dtype=np.int64),
        labels=features[:, 0] + rng.normal(size=N),
        weights=average_uniqueness(sessions + 1, sessions + 2, np.array([0, N])),
        label_start=sessions + 1,
        label_end=sessions + 2,
    )


def effects(family: str, groups: dict[str, str]) -> dict[str, GroupEffect]:
    data = dataset()
    folds = tuple(purged_k_fold(data.sessions, data.label_start, data.label_end, n_folds=3))
    settings = replace(Hyperparameters(family=family), n_rounds=25, max_depth=2)
    found = group_effects(
        data, groups, settings, folds, seed=1, bench=prepare(family, data.features)
    )
    return {effect.group: effect for effect in found}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_group_that_tells_something_is_missed(family: str) -> None:
    found = effects(family, GROUPS)

    assert list(found) == ["useful", "useless"]
    assert found["useful"].shuffled > 0.05
    assert found["useful"].left_out > 0.05
    assert abs(found["useless"].shuffled) < 0.01
    assert found["useless"].left_out < 0.01


def test_what_another_can_replace_is_shuffled_in_vain_but_not_left_out() -> None:
    found = effects("xgboost", GROUPS | {"twin": "copy"})

    assert found["useful"].shuffled > 0.02
    assert found["useful"].left_out < 0.5 * found["useful"].shuffled


def test_a_group_that_is_all_there_is_cannot_be_left_out() -> None:
    (only,) = effects("linear", dict.fromkeys(GROUPS, "all")).values()

    assert np.isnan(only.left_out)
    assert only.n_features == 4
