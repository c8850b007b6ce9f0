"""Every kind of model goes through the whole training: searched, walked, fitted and judged."""

from dataclasses import replace

import pytest

from assets.training import train
from quant.models.learners import FAMILIES
from tests.unit.assets.test_training import NOTHING_BEFORE, PLAN, market

# XGBoost is what the other tests of training use.
OTHERS = [family for family in FAMILIES if family != "xgboost"]


@pytest.mark.parametrize("family", OTHERS)
def test_a_kind_is_trained_and_judged_by_every_gate(family: str) -> None:
    plan = replace(PLAN, family=family, study=f"toy/{family}@2012-07-02")

    trained = train(*market(), plan, NOTHING_BEFORE, progress=lambda _what, _done, _of: None)

    assert trained.model.family == family
    assert len(trained.verdicts) == 12
    assert trained.predictions.rows.size > 0
    assert all(trial.state == "complete" for trial in trained.trials)
