"""A model that stops keeping its word loses its standing, and what it says serves exits alone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.demotion import demote
from assets.promotion import restate
from warehouse import Warehouse, models, predictions
from warehouse.place import Place

TRAINED = datetime(2010, 1, 4, 21, 15, tzinfo=UTC)
NOW = datetime(2012, 7, 2, 21, 15, tzinfo=UTC)
MODEL = "toy-daily/1"


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    row = {
        "model_version": MODEL, "run_id": "r", "feature_version": "f", "snapshot_id": 1,
        "programme": "toy", "first_session": date(2008, 1, 2), "last_session": date(2010, 1, 4),
        "rows": 10, "horizon": 1, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": "champion", "trained_at": TRAINED,
    }  # fmt: skip
    told = pl.DataFrame([row], schema=models.VERSION_SCHEMA)
    made.write(lambda c: models.record_version(c, told), "models.versions")
    yield made
    made.close()


def tell(warehouse: Warehouse, kind: str, first: date, excess: list[float]) -> None:
    """One call for a gain a day, and what it came to."""
    shared = [
        {"symbol": "A", "session": first + timedelta(days=day), "model_version": MODEL,
         "kind": kind, "known_at": TRAINED + timedelta(days=day)}
        for day in range(len(excess))
    ]  # fmt: skip
    said = [
        one | {
            "probability": 0.6, "expected_return": 0.01, "low": -0.02, "high": 0.03, "horizon": 1,
            "margin": 0.1, "volatility": 0.2, "contributions": "[]", "feature_version": "f",
            "snapshot_id": 1, "simulated": False,
        }
        for one in shared
    ]  # fmt: skip
    came = [
        one | {"excess_return": gain, "outperformed": gain > 0, "matured_session": one["session"]}
        for one, gain in zip(shared, excess, strict=True)
    ]
    frame = pl.DataFrame(said, schema=predictions.SCHEMA)
    warehouse.write(lambda c: predictions.record(c, frame), "models.predictions")
    happened = pl.DataFrame(came, schema=predictions.OUTCOME_SCHEMA)
    warehouse.write(lambda c: predictions.record_outcomes(c, happened), "models.outcomes")


def _record(told: pl.DataFrame, conn: duckdb.DuckDBPyConnection) -> int:
    return models.record_version(conn, told)


def status(warehouse: Warehouse) -> str:
    with warehouse.reader() as conn:
        return str(models.serving(conn, "toy", as_of=NOW)["status"][0])


def test_two_bad_looks_in_a_row_demote_and_one_does_not(warehouse: Warehouse) -> None:
    promised = np.random.default_rng(3).normal(0.001, 0.01, 400).tolist()
    tell(warehouse, "walk_forward", date(2008, 6, 2), promised)
    tell(warehouse, "live", date(2010, 1, 5), [0.001] * 63 + [-0.01] * 63)

    assert demote(warehouse, "toy", as_of=NOW) is None
    assert status(warehouse) == "champion"

    tell(warehouse, "live", date(2010, 1, 5) + timedelta(days=126), [-0.01] * 63)
    fallen = demote(warehouse, "toy", as_of=NOW)

    assert fallen is not None
    assert fallen.model_version == MODEL
    assert "Entries are refused" in fallen.sentence
    assert status(warehouse) == "demoted"  # and it serves on, so that positions can be left
    assert demote(warehouse, "toy", as_of=NOW) is None  # told once


def test_a_challenger_serves_before_one_that_was_demoted(warehouse: Warehouse) -> None:
    with warehouse.reader() as conn:
        row = models.serving(conn, "toy", as_of=NOW).drop("recorded_at")
    for changed in (
        {"status": "demoted"},
        {"status": "challenger", "model_version": "toy-daily/2"},
    ):
        told = row.with_columns(**{name: pl.lit(value) for name, value in changed.items()})
        warehouse.write(partial(_record, told), "models.versions")

    assert status(warehouse) == "challenger"


def test_a_promotion_gives_the_standing_back_until_two_new_looks_fail(
    warehouse: Warehouse,
) -> None:
    promised = np.random.default_rng(3).normal(0.001, 0.01, 400).tolist()
    tell(warehouse, "walk_forward", date(2008, 6, 2), promised)
    tell(warehouse, "live", date(2010, 1, 5), [-0.01] * 126)
    assert demote(warehouse, "toy", as_of=NOW) is not None

    restate(warehouse, {MODEL: "champion"}, NOW)
    assert demote(warehouse, "toy", as_of=NOW + timedelta(days=1)) is None

    after = NOW.date() + timedelta(days=1)
    tell(warehouse, "live", after, [-0.01] * 125)
    assert demote(warehouse, "toy", as_of=NOW + timedelta(days=200)) is None
    tell(warehouse, "live", after + timedelta(days=125), [-0.01])
    assert demote(warehouse, "toy", as_of=NOW + timedelta(days=200)) is not None


def test_what_was_predicted_before_a_promotion_counts_no_more_however_late_it_matures(
    warehouse: Warehouse,
) -> None:
    promised = np.random.default_rng(3).normal(0.001, 0.01, 400).tolist()
    tell(warehouse, "walk_forward", date(2008, 6, 2), promised)
    restate(warehouse, {MODEL: "demoted"}, NOW)
    restate(warehouse, {MODEL: "champion"}, NOW)
    tell(warehouse, "live", NOW.date() - timedelta(days=125), [-0.01] * 126)

    assert demote(warehouse, "toy", as_of=NOW + timedelta(days=30)) is None


def test_who_is_champion_already_gets_no_new_looks_by_being_promoted_again(
    warehouse: Warehouse,
) -> None:
    promised = np.random.default_rng(3).normal(0.001, 0.01, 400).tolist()
    tell(warehouse, "walk_forward", date(2008, 6, 2), promised)
    tell(warehouse, "live", date(2010, 1, 5), [-0.01] * 126)
    restate(warehouse, {MODEL: "champion"}, NOW)

    assert demote(warehouse, "toy", as_of=NOW) is not None
