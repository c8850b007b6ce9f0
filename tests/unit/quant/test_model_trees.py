"""Trees are read as XGBoost wrote them down, and walked as it walks them."""

from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import log_loss

from quant.models.learners import Checked
from quant.models.trees import Check, last_trees
from quant.typing import Float32Array, Float64Array

N, WIDTH, ROUNDS, BASE_RATE = 500, 6, 12, 0.4
RNG = np.random.default_rng(5)


def drawn() -> tuple[Float32Array, Float64Array]:
    """Rows of which a fifth is unknown, and values that lie on the borders themselves."""
    features = RNG.integers(0, 9, size=(N, WIDTH)).astype(np.float32)
    features[RNG.random(features.shape) < 0.2] = np.nan
    won = RNG.random(N) < np.where(np.nan_to_num(features[:, 0], nan=8.0) > 4.0, 0.8, 0.3)
    return features, won.astype(np.float64)


@pytest.fixture(scope="module")
def booster() -> Any:
    features, won = drawn()
    told = {"objective": "binary:logistic", "base_score": BASE_RATE, "max_depth": 4, "gamma": 0.5}
    return xgb.train(told, xgb.DMatrix(features, won), num_boost_round=ROUNDS)


@pytest.mark.parametrize("looks", [(ROUNDS,), (5, 7), (1,) * ROUNDS])
def test_the_loss_after_each_round_is_that_of_xgboosts_own_forecasts(
    booster: Any, looks: tuple[int, ...]
) -> None:
    features, won = drawn()
    weights = RNG.uniform(0.1, 2.0, N)
    check = Check(Checked(features, won, weights), BASE_RATE)

    told, grown = [], 0
    for count in looks:
        grown += count
        told += check.losses(last_trees(booster[:grown], count)).tolist()

    rows = xgb.DMatrix(features)
    own = [booster.predict(rows, iteration_range=(0, k + 1)) for k in range(ROUNDS)]
    wanted = [log_loss(won, given.astype(np.float64), sample_weight=weights) for given in own]
    assert told == pytest.approx(wanted, rel=1e-6)
    assert len({round(one, 6) for one in told}) > 2  # the trees differ


def test_a_tree_that_splits_nothing_adds_its_only_value() -> None:
    won = np.array([1.0, 1.0, 1.0, 0.0])
    features = np.ones((4, 1), dtype=np.float32)
    told = {"objective": "binary:logistic", "base_score": 0.5, "learning_rate": 1.0}
    single = xgb.train(told, xgb.DMatrix(features, won), num_boost_round=1)

    losses = Check(Checked(features, won, np.ones(4)), 0.5).losses(last_trees(single, 1))

    own = single.predict(xgb.DMatrix(features)).astype(np.float64)
    assert losses[0] == pytest.approx(log_loss(won, own), rel=1e-6)


def test_certain_forecasts_do_not_overflow() -> None:
    won = np.array([1.0, 0.0])
    features = np.array([[1.0], [2.0]], dtype=np.float32)
    told = {
        "objective": "binary:logistic", "base_score": 0.5, "learning_rate": 1000.0,
        "min_child_weight": 0.0, "reg_lambda": 0.0,
    }  # fmt: skip
    sure = last_trees(xgb.train(told, xgb.DMatrix(features, won), num_boost_round=1), 1)

    right = Check(Checked(features, won, np.ones(2)), 0.5).losses(sure)
    wrong = Check(Checked(features, 1.0 - won, np.ones(2)), 0.5).losses(sure)

    assert right[0] == 0.0
    assert wrong[0] == pytest.approx(2000.0, rel=1e-3)


class Written:
    """A booster whose saved form is not the one that is known."""

    def __init__(self, told: bytes) -> None:
        self.told = told

    def save_raw(self, _format: str) -> bytes:
        return self.told


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda told: told.replace(b"left_children[$l", b"left_children[$L"), "left_children"),
        (lambda told: told.replace(b"default_left", b"missing_left"), "default_left"),
        (lambda _: b"", "fewer than 12 arrays"),
    ],
)
def test_another_saved_form_is_refused(booster: Any, spoil: Any, says: str) -> None:
    told = bytes(booster.save_raw("ubj"))
    with pytest.raises(ValueError, match=says) as refused:
        last_trees(Written(spoil(told)), ROUNDS)

    assert "Install the xgboost" in str(refused.value)


def test_more_trees_than_there_are_is_refused(booster: Any) -> None:
    with pytest.raises(ValueError, match="fewer than 13 arrays"):
        last_trees(booster, ROUNDS + 1)
