"""A time decay is a configuration of its own; none is what was tried before there was one."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from assets.evidence import card
from assets.material import subject_of
from assets.searching import configuration_hash, fingerprint
from assets.training import settings_of, train
from config import settings as settings_module
from config import universe as universe_module
from config.settings import Settings, SettingsError
from quant.features import CORE, DAILY
from tests.unit.assets.test_training import NOTHING_BEFORE, PLAN, market, quiet

UNIVERSE = universe_module.load()
DRAWN = {"l2": 100.0, "max_depth": 3.0}


def asked(home: Path, decay: str | None) -> Settings:
    told = {} if decay is None else {"COUNTERSIGN_TRAINING__TIME_DECAY": decay}
    return settings_module.load({"DESK_HOME": str(home)} | told)


def hashed(home: Path, decay: str | None) -> str:
    return configuration_hash(DRAWN, subject_of(asked(home, decay), UNIVERSE, CORE.names))


@pytest.mark.parametrize("none", [None, "1", "1.0"])
def test_no_decay_is_told_by_saying_nothing_of_it(tmp_path: Path, none: str | None) -> None:
    version = DAILY.select(CORE.names).version
    study = f"{UNIVERSE.programme}/{version}/h5/SPX/xgboost"
    plain = json.dumps({"study": study, "l2": 100.0, "max_depth": 3.0}, sort_keys=True)

    assert hashed(tmp_path, none) == hashlib.sha256(plain.encode()).hexdigest()


def test_every_other_decay_is_another_configuration(tmp_path: Path) -> None:
    told = ("1.0", "0.5", "0.50000001", "0.05", "1e-9")

    assert len({hashed(tmp_path, decay) for decay in told}) == len(told)
    assert hashed(tmp_path, "0.5") == hashed(tmp_path, "0.50")


@pytest.mark.parametrize("decay", ["0", "-0.5", "1.01", "nan", "half"])
def test_a_decay_outside_its_range_is_refused_by_its_name(tmp_path: Path, decay: str) -> None:
    with pytest.raises(SettingsError, match="TIME_DECAY"):
        asked(tmp_path, decay)


def test_a_study_is_resumed_by_runs_of_the_same_decay_only() -> None:
    dataset, _ = market()
    told = {fingerprint(replace(dataset, time_decay=decay)) for decay in (1.0, 0.5, 0.25)}

    assert len(told) == 3
    # The weights of no decay are told as they always were: by the data alone.
    former = hashlib.blake2b(digest_size=8)
    for values in (dataset.features, dataset.labels, dataset.weights, dataset.sessions):
        former.update(values.tobytes())
    assert fingerprint(dataset) == former.hexdigest()


def test_what_was_forgotten_stands_among_the_settings_and_on_the_card() -> None:
    dataset, prices = market()
    plan = replace(PLAN, family="linear", study="toy/linear/decay0.25@2012-07-02")
    aged = train(replace(dataset, time_decay=0.25), prices, plan, NOTHING_BEFORE, progress=quiet)

    assert settings_of(aged)["time_decay"] == 0.25
    told = card(aged, UNIVERSE, plan.policy, simulated=False)
    assert "the oldest 0.25 of the newest (time decay)" in told
    plain = replace(aged, time_decay=1.0)
    assert "(no time decay)" in card(plain, UNIVERSE, plan.policy, simulated=False)
    assert len(aged.verdicts) == len(PLAN.thresholds)
