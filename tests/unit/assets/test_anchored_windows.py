"""Windows that begin with the first session are a choice of their own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.evidence import card
from assets.searching import _study, configuration_hash, configuration_of, walked_configurations
from assets.training import Trained, settings_of, train
from config import settings as settings_module
from config import universe as universe_module
from quant.models import Dataset
from tests.unit.assets.test_training import NOTHING_BEFORE, PLAN, market, quiet

ROLLING = replace(PLAN, family="linear", study="toy/linear@2012-07-02")
ANCHORED = replace(ROLLING, anchored=True)


@pytest.fixture(scope="module", name="both")
def _both() -> tuple[Trained, Trained]:
    # A search forecasts half a year at a time: the second window is the first that differs.
    rolling, anchored = (
        train(*market(n_sessions=500), plan, NOTHING_BEFORE, progress=quiet)
        for plan in (ROLLING, ANCHORED)
    )
    return rolling, anchored


def test_windows_roll_unless_asked_for(tmp_path: Path) -> None:
    home = {"DESK_HOME": str(tmp_path)}

    assert not settings_module.load(home).training.anchored
    assert settings_module.load(home | {"COUNTERSIGN_TRAINING__ANCHORED": "true"}).training.anchored


def test_anchored_windows_are_other_configurations_and_another_study() -> None:
    dataset: Dataset = market()[0]

    assert not walked_configurations(ROLLING).keys() & walked_configurations(ANCHORED).keys()
    assert _study(ROLLING, dataset) != _study(ANCHORED, dataset)


def test_a_configuration_of_rolling_windows_is_told_as_it_was_before_there_was_a_choice() -> None:
    told = configuration_of(ROLLING, {"l2": 1.0})

    assert sorted(told) == ["costs", "l2", "policy"]
    assert configuration_hash(told, "toy") != configuration_hash(
        configuration_of(ANCHORED, {"l2": 1.0}), "toy"
    )


def test_an_anchored_window_learns_from_all_sessions_before_it(
    both: tuple[Trained, Trained],
) -> None:
    rolling, anchored = both
    first = np.flatnonzero(rolling.predictions.window == 0)
    later = np.flatnonzero(rolling.predictions.window == 2)

    # Both first windows begin with the first session; later ones do not.
    np.testing.assert_array_equal(
        rolling.predictions.margin[first], anchored.predictions.margin[first]
    )
    assert (rolling.predictions.margin[later] != anchored.predictions.margin[later]).all()
    assert anchored.model.n_train > rolling.model.n_train
    for one, other in zip(rolling.trials, anchored.trials, strict=True):
        assert one.configuration == other.configuration
        assert one.score != other.score


def test_it_stands_among_the_settings_and_on_the_card(both: tuple[Trained, Trained]) -> None:
    universe = universe_module.load()
    rolling, anchored = both

    assert [settings_of(one)["anchored"] for one in both] == [False, True]
    assert "sessions before it (rolling)" in card(
        rolling, universe, ROLLING.policy, simulated=False
    )
    assert "all sessions before it (anchored)" in card(
        anchored, universe, ANCHORED.policy, simulated=False
    )
