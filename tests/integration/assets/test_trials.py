"""What a later run knows of the configurations tried before it."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from assets.models import history_of
from assets.training import ratio_of
from config import universe as universe_module
from warehouse import Warehouse, models
from warehouse.place import Place

UNIVERSE = universe_module.load()
RETURNS = np.random.default_rng(0).normal(0.001, 0.01, 500)


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


def file(warehouse: Warehouse, number: int, state: str, returns: np.ndarray | None) -> None:
    row = {
        "trial_id": f"s/{number}/{state}", "programme": UNIVERSE.programme, "study": "s",
        "number": number, "configuration": "{}", "configuration_hash": f"h{number}",
        "state": state, "score": None, "first_session": None,
        "returns": None if returns is None else returns.tolist(), "hand_made": False,
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=models.TRIAL_SCHEMA)
    warehouse.write(lambda conn: models.record_trials(conn, frame), "models.trials")


def test_a_trial_has_the_ratio_later_that_it_had_in_its_own_run(warehouse: Warehouse) -> None:
    for number, returns in enumerate((RETURNS, np.zeros(500), np.full(500, 1e-17))):
        file(warehouse, number, "complete", returns)
    file(warehouse, 3, "walked", None)

    told = history_of(warehouse, UNIVERSE)

    assert told.configurations == {"h0", "h1", "h2", "h3"}
    # One that never traded has ratio 0, and counts in the spread; one without returns has none.
    assert told.sharpes == {"h0": pytest.approx(ratio_of(RETURNS)), "h1": 0.0, "h2": 0.0}


@pytest.mark.parametrize("states", [("fail", "complete"), ("complete", "fail")])
def test_a_trial_that_failed_takes_no_ratio_away(
    warehouse: Warehouse, states: tuple[str, str]
) -> None:
    for state in states:
        file(warehouse, 0, state, RETURNS if state == "complete" else None)

    told = history_of(warehouse, UNIVERSE)

    assert told.sharpes == {"h0": pytest.approx(ratio_of(RETURNS))}
