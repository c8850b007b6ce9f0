"""What research says of a session, and which symbols nothing can be decided about."""

from collections.abc import Iterator
from typing import cast

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.predictions import _predicted, predictions_asset
from assets.proposing import Known, known_of, why_not
from assets.serving import UnservableModelError
from assets.sources import ModelRegistry
from config import settings, universe
from ledger import alerts, engine, market
from quality.calendar import exchange
from quant.features import CORE, DAILY
from quant.models import Dataset, FittedModel, Hyperparameters, fit_final
from tests.integration.sending.desk import NOON, StandingClock
from tests.integration.warehouse.rows import DAY, act, append, bar, dividend, judge
from tests.unit.worker.desks import clock_at
from warehouse import Warehouse, features, models
from warehouse.place import Place

SESSION = exchange().next(DAY)


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    """Two judged sessions of IBM and MSFT."""
    made = Warehouse(desk_place)
    with made.writer("features.versions") as conn:
        features.register(conn, DAILY.version, DAILY.names)
    for symbol in ("IBM", "MSFT"):
        for session in (DAY, SESSION):
            append(made, bar(symbol, session, known_at=decision_time(session)))
            judge(made, symbol, session, "passed", known_at=decision_time(session))
    yield made
    made.close()


def known(warehouse: Warehouse) -> Known:
    return known_of(
        warehouse, universe.load(), SESSION, ("model",), settings=settings.load({}),
        at=decision_time(SESSION),
    )  # fmt: skip


def test_a_symbol_with_a_dividend_above_its_price_is_held_back_and_says_why(
    warehouse: Warehouse,
) -> None:
    act(warehouse, dividend("IBM", SESSION, 400.0))

    told = known(warehouse)

    assert set(told.held_back) == {"IBM", *universe.load().names} - {"MSFT"}
    code, sentence = why_not(told, "IBM", is_held=True) or ("", "")
    assert code == "data_held_back"
    assert "400.00 USD, is not below the close before it, 10.00 USD" in sentence
    assert (why_not(told, "MSFT", is_held=True) or ("",))[0] == "no_prediction"


def champion(warehouse: Warehouse, version: str, names: tuple[str, ...]) -> None:
    """Register a champion that learnt from the columns `names` of the set `version`."""
    row = {
        "model_version": "sample-daily/1", "run_id": "r", "feature_version": version,
        "snapshot_id": 1, "programme": universe.load().programme, "first_session": DAY,
        "last_session": DAY, "rows": 1, "horizon": 5, "hyperparameters": "{}",
        "base_rate": 0.5, "calibration": "[]",
        "importance": "[]", "simulated": False, "status": "champion",
        "trained_at": decision_time(DAY),
    }  # fmt: skip
    with warehouse.writer("features.versions") as conn:
        features.register(conn, version, names)
    with warehouse.writer("models.versions") as conn:
        models.record_version(conn, pl.DataFrame([row], schema=models.VERSION_SCHEMA))


def test_a_champion_of_other_features_is_told_of_and_what_is_held_stays(
    warehouse: Warehouse,
) -> None:
    champion(warehouse, "before", DAILY.names)

    code, sentence = why_not(known(warehouse), "MSFT", is_held=True) or ("", "")

    assert code == "no_prediction"
    assert (
        "sample-daily/1 (champion) cannot predict: it learnt from features of version before"
        in (sentence)
    )
    assert "./desk promote" in sentence
    assert "its stop stays at the broker, and it can be sold by hand" in sentence


def fitted(names: tuple[str, ...]) -> FittedModel:
    """A small model of noise in the columns `names`."""
    rng = np.random.default_rng(5)
    sessions = np.arange(300)
    return fit_final(
        Dataset(
            features=rng.normal(size=(300, len(names))).astype(np.float32),
            names=names,
            sessions=sessions,
            symbols=np.zeros(300, dtype=np.int32),
            labels=rng.normal(size=300),
            weights=np.ones(300),
            label_start=sessions + 1,
            label_end=sessions + 2,
            scale=np.full(300, 0.02),
        ),
        Hyperparameters(n_rounds=3, max_depth=2),
        seed=3,
    )


class Filed:
    """A registry that holds one model."""

    def __init__(self, model: FittedModel) -> None:
        self.filed = model.to_bytes()

    def model(self, run_id: str) -> bytes:
        assert run_id == "r"
        return self.filed


def stored(warehouse: Warehouse) -> None:
    rows = pl.DataFrame(
        [
            {
                "symbol": symbol, "session": SESSION, "version": DAILY.version, "simulated": False,
                "values": [0.5] * len(DAILY), "known_at": decision_time(SESSION),
            }
            for symbol in ("IBM", "MSFT")
        ],
        schema=features.SCHEMA,
    )  # fmt: skip
    warehouse.write(lambda conn: features.record(conn, rows), "features.daily")


@pytest.mark.parametrize("names", [DAILY.names, CORE.names])
def test_a_model_of_columns_that_an_upgrade_left_as_they_were_is_asked_with_the_present_ones(
    warehouse: Warehouse, names: tuple[str, ...]
) -> None:
    champion(warehouse, DAILY.select(names).version, names)
    stored(warehouse)
    desk = universe.load().model_copy(update={"minimum_history": 1})
    registry = cast("ModelRegistry", Filed(fitted(names)))

    told = _predicted(warehouse, registry, desk, SESSION)

    assert told["symbol"].to_list() == ["IBM", "MSFT"]
    assert set(told["feature_version"]) == {DAILY.version}


def test_a_model_of_features_that_are_no_longer_computed_is_no_silence(
    warehouse: Warehouse,
) -> None:
    champion(warehouse, "before", DAILY.names)
    stored(warehouse)
    registry = cast("ModelRegistry", Filed(fitted(DAILY.names)))

    with pytest.raises(UnservableModelError, match="Train a model"):
        _predicted(warehouse, registry, universe.load(), SESSION)


def test_a_model_that_cannot_predict_is_an_alert_and_the_run_goes_on(
    warehouse: Warehouse, desk_dsn: str
) -> None:
    ledger = engine(desk_dsn)
    with ledger.begin() as conn:
        market.record_clock(conn, clock_at(exchange().close(SESSION)))
    champion(warehouse, "before", DAILY.names)

    with dg.build_asset_context(partition_key=str(SESSION)) as context:
        predictions_asset(
            context=context, warehouse=warehouse, registry=Filed(fitted(CORE.names)),
            universe=universe.load(), ledger=ledger, desk_clock=StandingClock(NOON),
        )  # fmt: skip

    with ledger.connect() as conn:
        [alert] = alerts.unacknowledged(conn)
    ledger.dispose()
    assert (alert.kind, alert.subject, alert.severity) == (
        "model_unservable", "sample-daily/1", "warning",
    )  # fmt: skip
