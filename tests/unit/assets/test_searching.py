"""What tells configurations apart, and which study a search goes on with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from assets.filing import _trial_rows
from assets.judging import traded
from assets.material import Material, subject_of
from assets.policies import policy
from assets.searching import (
    Plan,
    Trial,
    configuration_hash,
    configuration_of,
    hyperparameters,
    searched,
    walked_configurations,
)
from config import settings as settings_module
from config import universe as universe_module
from quant import backtest
from quant.features import CORE
from quant.models.dataset import candidates
from quant.models.trials import WalkedTrials
from quant.signals import Policy
from tests.unit.assets.test_training import PLAN, market, quiet

UNIVERSE = universe_module.load()
LINEAR = replace(PLAN, family="linear")  # the quickest to search with
OTHER = Policy(kind="threshold", k=1, threshold=0.5, gross=0.9, position=0.3)


@pytest.mark.parametrize(
    "told",
    [
        {"K": "1"}, {"THRESHOLD": "0.6"}, {"KIND": "threshold"}, {"GROSS": "0.1"},
        {"LONG_SHORT": "true"},
    ],
)  # fmt: skip
def test_forecasts_traded_otherwise_are_other_configurations(
    tmp_path: Path, told: dict[str, str]
) -> None:
    home = {"DESK_HOME": str(tmp_path)}
    usual = settings_module.load(home)
    other = settings_module.load(home | {f"COUNTERSIGN_STRATEGY__{k}": v for k, v in told.items()})

    one, two = (
        walked_configurations(replace(PLAN, policy=policy(asked))) for asked in (usual, other)
    )

    assert len(one) == len(two) == len(candidates(PLAN.family))
    assert not one.keys() & two.keys()


def test_other_costs_make_other_configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = walked_configurations(PLAN)
    dearer = replace(backtest.Costs(), half_spread_bps=5.0)
    monkeypatch.setattr("assets.searching.Costs", lambda: dearer)

    assert not usual.keys() & walked_configurations(PLAN).keys()


def test_labels_of_another_benchmark_are_another_subject(tmp_path: Path) -> None:
    settings = settings_module.load({"DESK_HOME": str(tmp_path)})
    told = {
        subject_of(settings, UNIVERSE.model_copy(update={"index": index}), CORE.names)
        for index in ("SPY", "QQQ", "SPY")
    }

    assert len(told) == 2


def test_the_same_asked_again_on_a_later_day_is_no_new_configuration() -> None:
    later = replace(PLAN, study="toy/h1@2012-08-01", seed=99)

    assert walked_configurations(later).keys() == walked_configurations(PLAN).keys()


def test_a_trial_is_filed_with_its_policy_and_costs_and_apart_from_those_of_others() -> None:
    drawn = {"l2": 1.0}
    material = cast("Material", _Material())
    rows = [
        _trial_rows(material, UNIVERSE, plan, (_trial(plan, drawn),)).filter(number=0)
        for plan in (PLAN, replace(PLAN, policy=OTHER))
    ]

    assert rows[0]["trial_id"][0] != rows[1]["trial_id"][0]
    told = json.loads(rows[1]["configuration"][0])
    assert told["l2"] == 1.0
    assert told["policy"]["threshold"] == 0.5
    assert told["costs"]["half_spread_bps"] == 2.0


class _Material:
    snapshot = 7


def _trial(plan: Plan, drawn: dict[str, float]) -> Trial:
    none = np.empty(0)
    told = configuration_hash(configuration_of(plan, drawn), plan.subject)
    return Trial(0, "fail", None, drawn, told, none, none, None)


def test_a_study_that_is_resumed_tells_what_its_own_policy_earns(tmp_path: Path) -> None:
    dataset, prices = market()
    plan = replace(LINEAR, storage=f"sqlite:///{tmp_path}/studies.db")
    searched(dataset, prices, plan, quiet)
    other = replace(plan, policy=OTHER)

    told = searched(dataset, prices, other, quiet)[0]

    windows = WalkedTrials(dataset, candidates("linear")[0])
    margins = windows.margins(hyperparameters(other, told.configuration), seed=other.seed)
    due = traded(dataset, prices, margins, OTHER)
    np.testing.assert_array_equal(told.returns, due.net)


def test_a_study_goes_on_for_the_same_seed_only(tmp_path: Path) -> None:
    dataset, prices = market()
    plan = replace(LINEAR, storage=f"sqlite:///{tmp_path}/studies.db")
    numbers: list[int] = []
    first = searched(dataset, prices, plan, quiet)

    again = searched(dataset, prices, plan, lambda _what, done, _of: numbers.append(done))
    other = searched(dataset, prices, replace(plan, seed=99), quiet)
    fresh = searched(dataset, prices, replace(LINEAR, seed=99), quiet)

    assert not numbers  # nothing was left to try
    assert [one.configuration for one in again] == [one.configuration for one in first]
    assert [one.configuration for one in other] == [one.configuration for one in fresh]
