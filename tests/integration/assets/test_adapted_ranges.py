"""Ranges of a model that stands follow what they missed, as it was known at each decision."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.predictions import _predicted
from config.universe import Listing, Universe
from quality.calendar import exchange
from quant.models import FittedModel, Hyperparameters, fit_final
from quant.typing import Float64Array
from tests.unit.assets.test_training import market
from warehouse import Warehouse, features, models, predictions
from warehouse.place import Place

SESSIONS = exchange().sessions(date(2012, 3, 1), date(2012, 7, 2))
TRAINED, LAST = SESSIONS[0], SESSIONS[-1]
# A range learns slowly: the first four sessions are before anything matured, the others well after.
ASKED = (*SESSIONS[1:5], *SESSIONS[30::25])
MODEL, VERSION = "toy-daily/1", "f"
NAMES = ("volatility_63", "volatility_21", "rsi_14", "adx_14")
UNIVERSE = Universe(
    name="toy", index="^X", symbols=(Listing(symbol="A", label="A", sector="Energy"),)
).model_copy(update={"minimum_history": 0})


class Registry:
    """Keeps one model."""

    def __init__(self, model: FittedModel) -> None:
        self._stored = model.to_bytes()

    def register(self, *_: object, **__: object) -> tuple[str, int]:
        raise AssertionError("nothing is trained here")

    def model(self, run_id: str) -> bytes:
        assert run_id == "r"
        return self._stored


@pytest.fixture(scope="module", name="registry")
def _registry() -> Registry:
    dataset, _ = market()
    return Registry(fit_final(replace(dataset, names=NAMES), Hyperparameters(), seed=1))


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    version = {
        "model_version": MODEL, "run_id": "r", "feature_version": VERSION, "snapshot_id": 1,
        "programme": UNIVERSE.programme, "first_session": date(2008, 1, 2), "last_session": TRAINED,
        "rows": 10, "horizon": 1, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": "champion",
        "trained_at": decision_time(TRAINED),
    }  # fmt: skip
    rows = [
        {"symbol": "A", "session": day, "version": VERSION, "simulated": False,
         "values": [0.2, 0.2, 50.0, 20.0], "known_at": decision_time(day)}
        for day in SESSIONS
    ]  # fmt: skip
    with made.writer("features.versions") as conn:
        features.register(conn, VERSION, NAMES)
    told = pl.DataFrame([version], schema=models.VERSION_SCHEMA)
    made.write(lambda c: models.record_version(c, told), "models.versions")
    frame = pl.DataFrame(rows, schema=features.SCHEMA)
    made.write(lambda c: features.record(c, frame), "features.daily")
    yield made
    made.close()


def tell(warehouse: Warehouse, came: float) -> None:
    """One range of a hundredth each way a day, and what the open after next brought."""
    days = SESSIONS[1:-4]
    shared = [
        {"symbol": "A", "session": day, "model_version": MODEL, "kind": "live"} for day in days
    ]
    said = [
        one | {
            "probability": 0.5, "margin": 0.0, "expected_return": 0.0, "low": -0.01, "high": 0.01,
            "horizon": 1, "volatility": 0.2, "contributions": "[]", "feature_version": VERSION,
            "snapshot_id": 1, "simulated": False, "known_at": decision_time(day),
        }
        for one, day in zip(shared, days, strict=True)
    ]  # fmt: skip
    happened = [
        one | {"excess_return": came, "outperformed": came > 0.0, "matured_session": later,
               "known_at": decision_time(later)}
        for one, later in zip(shared, SESSIONS[3:-2], strict=True)
    ]  # fmt: skip
    frame = pl.DataFrame(said, schema=predictions.SCHEMA)
    warehouse.write(lambda c: predictions.record(c, frame), "models.predictions")
    outcomes = pl.DataFrame(happened, schema=predictions.OUTCOME_SCHEMA)
    warehouse.write(lambda c: predictions.record_outcomes(c, outcomes), "models.outcomes")


def widths(warehouse: Warehouse, registry: Registry, *days: date) -> Float64Array:
    """Width of each session's range."""
    said = [_predicted(warehouse, registry, UNIVERSE, day) for day in days]
    return pl.concat(said).select(pl.col("high") - pl.col("low")).to_series().to_numpy()


@pytest.mark.parametrize(("came", "wider"), [(0.05, 1.0), (0.0, -1.0)])
def test_a_range_follows_what_earlier_ones_missed(
    warehouse: Warehouse, registry: Registry, came: float, wider: float
) -> None:
    before = widths(warehouse, registry, LAST)  # of every session: all have the same features
    tell(warehouse, came)

    changed = wider * (widths(warehouse, registry, *ASKED) - before)

    # The first range had matured by the close of the fourth session, and counts from the fifth.
    assert (changed[:3] == 0.0).all()
    assert (changed[4:] > 0.0).all()
    assert (np.diff(changed) >= 0.0).all()
