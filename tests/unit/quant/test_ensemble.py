"""An ensemble's weights come from matured skill, and shrink to equal where there is little."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant.models import FittedModel, Hyperparameters, Windows, fit_final, walk_forward_predictions
from quant.models.ensemble import MEMBERS, Ensemble, skill_weights
from quant.models.walkforward import Predictions
from tests.unit.assets.test_training import market

SETTINGS = Hyperparameters(family="ensemble", n_rounds=15, max_depth=2)
WINDOWS = Windows(train=126, validation=42, test=21, step=21)


@pytest.fixture(scope="module", name="walked")
def _walked() -> Predictions:
    return walk_forward_predictions(market()[0], SETTINGS, seed=5, windows=WINDOWS)


def told(n: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of one member that knows, one that guesses, one that is loudly wrong; outcomes."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(n)
    won = rng.random(n) < 1.0 / (1.0 + np.exp(-truth))
    return np.array([truth, 0.05 * rng.standard_normal(n), -2.0 * truth]), won


def test_without_a_record_every_member_counts_alike() -> None:
    parts, won = told(0)

    assert skill_weights(parts, won, np.ones(0)).tolist() == pytest.approx([1 / 3] * 3)


def test_a_thousand_effective_outcomes_go_half_of_the_way() -> None:
    parts, won = told(2_000)
    quiet = np.full(won.size, np.log(won.mean() / (1.0 - won.mean())))  # the base rate: no skill
    weights = skill_weights(np.array([parts[0], quiet, parts[2]]), won, np.full(2_000, 0.5))

    # Skill says 1, 0, 0; half of the way from a third
    assert weights.tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_where_nobody_has_skill_nobody_is_louder() -> None:
    parts, won = told(500)

    assert skill_weights(parts[[2, 2, 2]], won, np.ones(500)).tolist() == pytest.approx([1 / 3] * 3)


def test_more_of_the_same_record_goes_further_to_the_best() -> None:
    parts, won = told(400)
    often = [
        skill_weights(np.tile(parts, n), np.tile(won, n), np.ones(400 * n))[0] for n in (1, 4, 16)
    ]

    assert 1 / 3 < often[0] < often[1] < often[2]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 200), st.integers(0, 1_000))
def test_weights_are_shares_and_follow_their_members(members: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts, won = rng.standard_normal((members, n)), rng.random(n) < 0.5
    weights = skill_weights(parts, won, rng.random(n))
    order = rng.permutation(members)

    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0.0).all()
    again = skill_weights(parts[order], won, np.ones(n))
    same = skill_weights(parts, won, np.ones(n))[order]
    assert again == pytest.approx(same)


def test_a_margin_is_the_weighted_mean_of_its_members(walked: Predictions) -> None:
    rows = walked.rows
    assert walked.parts is not None
    low, high = walked.parts[:, rows].min(axis=0), walked.parts[:, rows].max(axis=0)

    assert walked.parts.shape[0] == len(MEMBERS)
    assert ((walked.margin[rows] >= low - 1e-9) & (walked.margin[rows] <= high + 1e-9)).all()


def test_a_window_knows_no_outcome_that_matures_after_its_start(walked: Predictions) -> None:
    dataset = market()[0]
    border = int(dataset.sessions[walked.window == 4].min())
    later = dataset.label_end > border
    turned = replace(dataset, labels=np.where(later, -dataset.labels, dataset.labels))

    again = walk_forward_predictions(turned, SETTINGS, seed=5, windows=WINDOWS)

    before = (walked.window >= 0) & (walked.window <= 4)
    np.testing.assert_array_equal(again.margin[before], walked.margin[before])
    assert not np.array_equal(again.margin[walked.window == 9], walked.margin[walked.window == 9])


def test_the_member_that_knows_is_heard_best_and_stays_so_when_stored(walked: Predictions) -> None:
    dataset = market()[0]
    model = fit_final(dataset, SETTINGS, seed=5, windows=WINDOWS, history=walked)
    read = FittedModel.from_bytes(model.to_bytes())
    assert isinstance(model.learned, Ensemble)
    assert walked.parts is not None
    rows = dataset.labelled(walked.rows)
    expected = skill_weights(
        walked.parts[:, rows], dataset.labels[rows] > 0.0, dataset.weights[rows]
    )

    assert model.learned.weights == pytest.approx(tuple(expected))
    assert max(expected) > 1 / 3
    scale = None if dataset.scale is None else dataset.scale[:9]
    said = [one.predict(dataset.features[:9], dataset.names, scale=scale) for one in (model, read)]
    np.testing.assert_allclose(said[0].probability, said[1].probability, atol=1e-6)
