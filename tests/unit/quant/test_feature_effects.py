"""Permutation importance of single features: what tells is missed, what is noise is not."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from quant.models import Dataset, Hyperparameters
from quant.models.explanation import feature_effects
from quant.models.learners import prepare
from quant.splits import Fold

N, TRAINED = 4_000, 2_000
NAMES = ("strong", "weak", "noise")
SETTINGS = Hyperparameters("linear", l2=1.0)


@pytest.fixture(scope="module", name="dataset")
def _dataset() -> Dataset:
    rng = np.random.default_rng(8)
    features = rng.standard_normal((N, 3)).astype(np.float32)
    chance = 1.0 / (1.0 + np.exp(-1.5 * features[:, 0] - 0.5 * features[:, 1]))
    sessions = np.arange(N, dtype=np.int32)
    return Dataset(
        features=features, names=NAMES, sessions=sessions, symbols=np.zeros(N, dtype=np.int32),
        labels=np.where(rng.random(N) < chance, 1.0, -1.0), weights=np.ones(N),
        label_start=sessions + 1, label_end=sessions + 2,
    )  # fmt: skip


def test_the_rises_are_scikit_learns_within_the_draw(dataset: Dataset) -> None:
    rows = np.arange(N)
    fold = Fold(train=rows[:TRAINED], validation=rows[:0], test=rows[TRAINED:])
    ours = feature_effects(
        dataset, SETTINGS, [fold], seed=3, bench=prepare("linear", dataset.features)
    )
    won = dataset.labels > 0.0
    model = LogisticRegression(C=1.0).fit(dataset.features[:TRAINED], won[:TRAINED])
    theirs = permutation_importance(
        model, dataset.features[TRAINED:], won[TRAINED:], scoring="neg_log_loss", n_repeats=20,
        random_state=0,
    )  # fmt: skip

    assert [name for name, _ in ours] == list(NAMES)
    told = dict(ours)
    for name, mean, spread in zip(
        NAMES, theirs.importances_mean, theirs.importances_std, strict=True
    ):
        assert told[name] == pytest.approx(mean, abs=4.0 * spread + 1e-4)
