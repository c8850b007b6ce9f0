"""Signals follow the serving model's word, and what it cannot tell apart is not chosen by name."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from assets.signals import model_signals
from assets.strategies import probabilities_of
from config import settings as settings_module
from config.settings import Settings
from config.universe import Listing, Universe
from warehouse import Warehouse, models, predictions
from warehouse.place import Place

SESSION = date(2012, 7, 2)
KNOWN = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)
SYMBOLS = ("A", "B", "C", "D")
TOY = Universe(
    name="toy", symbols=tuple(Listing(symbol=s, label=s, sector="Energy") for s in SYMBOLS)
)


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    told = settings_module.load({"DESK_HOME": str(tmp_path)})
    assert (told.strategy.kind, told.strategy.k) == ("top_k", 3)
    return told


def trained(
    warehouse: Warehouse,
    version: str,
    at: datetime,
    *,
    programme: str = TOY.programme,
    status: str = "challenger",
) -> None:
    row = {
        "model_version": version, "run_id": "r", "feature_version": "f", "snapshot_id": 1,
        "programme": programme, "first_session": date(2008, 1, 2), "last_session": date(2010, 1, 4),
        "rows": 10, "horizon": 5, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": status, "trained_at": at,
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=models.VERSION_SCHEMA)
    warehouse.write(lambda c: models.record_version(c, frame), "models.versions")


def says(warehouse: Warehouse, version: str, margins: Mapping[str, float]) -> None:
    """The same calibrated probability of each symbol, and its own margin."""
    rows = [
        {
            "symbol": symbol, "session": SESSION, "model_version": version, "kind": "live",
            "probability": 0.55, "margin": margin, "expected_return": 0.01 * n, "low": -0.02,
            "high": 0.03, "horizon": 5, "volatility": 0.2, "contributions": "[]",
            "feature_version": "f", "snapshot_id": 1, "simulated": False, "known_at": KNOWN,
        }
        for n, (symbol, margin) in enumerate(margins.items())
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=predictions.SCHEMA)
    warehouse.write(partial(predictions.record, frame=frame), "models.predictions")


def held(warehouse: Warehouse, settings: Settings) -> set[str]:
    frame = model_signals(warehouse, settings, TOY, SESSION)
    return set(frame.filter(pl.col("target_weight") > 0)["symbol"])


def test_the_tenth_version_serves_after_the_ninth(warehouse: Warehouse, settings: Settings) -> None:
    for number, absent in ((9, "A"), (10, "D")):
        trained(warehouse, f"m/{number}", KNOWN - timedelta(days=20 - number))
        margins = {symbol: 0.0 if symbol == absent else 0.1 for symbol in SYMBOLS}
        says(warehouse, f"m/{number}", margins)

    assert held(warehouse, settings) == {"A", "B", "C"}


def test_the_margin_ranks_what_calibration_levels(warehouse: Warehouse, settings: Settings) -> None:
    trained(warehouse, "m/1", KNOWN)
    says(warehouse, "m/1", {"A": 0.4, "B": 0.3, "C": 0.1, "D": 0.2})

    assert held(warehouse, settings) == {"A", "B", "D"}


def test_what_the_model_cannot_tell_apart_is_not_chosen(
    warehouse: Warehouse, settings: Settings
) -> None:
    trained(warehouse, "m/1", KNOWN)
    says(warehouse, "m/1", dict.fromkeys(SYMBOLS, 0.1))

    assert held(warehouse, settings) == set()


def test_without_a_word_of_the_serving_model_nothing_is_wanted(
    warehouse: Warehouse, settings: Settings
) -> None:
    trained(warehouse, "m/1", KNOWN - timedelta(days=3))
    says(warehouse, "m/1", {"A": 0.4, "B": 0.3, "C": 0.2})
    trained(warehouse, "m/2", KNOWN - timedelta(days=1))

    assert model_signals(warehouse, settings, TOY, SESSION).is_empty()


def test_the_word_of_another_universes_champion_is_not_followed(
    warehouse: Warehouse, settings: Settings
) -> None:
    trained(warehouse, "o/1", KNOWN, programme="other/equities/daily", status="champion")
    says(warehouse, "o/1", {"A": 0.4, "B": 0.3, "C": 0.2, "D": 0.1})

    assert model_signals(warehouse, settings, TOY, SESSION).is_empty()
    assert probabilities_of(warehouse, TOY, SESSION) == {}

    trained(warehouse, "m/1", KNOWN)
    says(warehouse, "m/1", {"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.4})

    assert held(warehouse, settings) == {"B", "C", "D"}
