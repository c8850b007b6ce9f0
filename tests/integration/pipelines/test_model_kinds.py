"""Every kind of model a user can ask for, from training to target weights, on real bars."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.features import daily_features
from assets.models import trained_model
from assets.predictions import predictions_asset
from assets.signals import signals_asset
from config import settings as settings_module
from config import universe
from countersign.processes.postgres import Cluster
from quality import served
from quality.checks import SERVING_TOLERANCE
from quant.features import CORE, DAILY
from quant.gates import GATES
from quant.models import FittedModel, UnusableDataError
from quant.models.learners import FAMILIES
from quant.samples import volatility_daily
from tests.integration.pipelines import small
from tests.integration.pipelines.small import FIRST, LAST, FiledModels, SmallDesk
from warehouse import (
    Warehouse,
    actions,
    bars,
    features,
    index,
    models,
    portfolio,
    verdicts,
)

TRADED = ["AAPL", "GOOG", "IBM", "MSFT"]
# Five models are trained on two and a half years: minutes on a busy machine.
pytestmark = [pytest.mark.timeout(900), pytest.mark.long]


@dataclass
class KeptModels(FiledModels):
    """What a registry is told of each model beside its bytes."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def register(
        self,
        name: str,
        model: bytes,
        *,
        booster: Any,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        reports: Mapping[str, str],
        inputs: Sequence[str] = (),
    ) -> tuple[str, int]:
        self.told.append({"parameters": parameters, "reports": reports, "inputs": tuple(inputs)})
        return super().register(
            name, model, booster=booster, parameters=parameters, metrics=metrics, tags=tags,
            reports=reports, inputs=inputs,
        )  # fmt: skip


@dataclass
class Trained:
    """A kind's model as it was filed, and what came of it."""

    kind: str
    desk: SmallDesk
    version: dict[str, Any]
    filed: dict[str, Any]
    model: FittedModel


@pytest.fixture(scope="module", name="desk")
def _desk(
    postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallDesk]:
    """A desk with judged bars and their features, and no model yet."""
    with small.fresh(postgres_server, tmp_path_factory.mktemp("home")) as made:
        made.close(LAST)
        loaded(made.warehouse)
        tags = {
            "dagster/asset_partition_range_start": FIRST.isoformat(),
            "dagster/asset_partition_range_end": LAST.isoformat(),
        }
        with dg.DagsterInstance.ephemeral() as instance:
            assert dg.materialize(
                [daily_features], tags=tags, resources=made.resources(), instance=instance
            ).success
        yield replace(made, registry=KeptModels())


def loaded(store: Warehouse) -> None:
    """Write the sample as the loading assets would, every bar passed."""
    told = {
        kind: known(frame.drop("sample_adjusted", strict=False), "session")
        for kind, frame in small.history().items()
    }
    paid = told["actions"].rename({"session": "ex_date"})
    passed = told["daily"].select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    marks = {"simulated": pl.lit(value=False), "assumed": pl.lit(value=True)}
    with store.writer("market.daily_bars") as conn:
        bars.append_bars(conn, told["daily"].with_columns(**marks))
    with store.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    with store.writer("market.corporate_actions") as conn:
        actions.append(conn, paid)
    with store.writer("market.index_bars") as conn:
        index.append_bars(conn, told["index"].with_columns(**marks))


def known(frame: pl.DataFrame, day: str) -> pl.DataFrame:
    times = {session: decision_time(session) for session in frame[day].unique()}
    return frame.with_columns(
        source=pl.lit("test"),
        known_at=pl.col(day).replace_strict(times, return_dtype=pl.Datetime("us", "UTC")),
    )


@pytest.fixture(scope="module", name="trained", params=FAMILIES)
def _trained(request: pytest.FixtureRequest, desk: SmallDesk) -> Trained:
    """`[training] model = "..."` and nothing else changed; trained, predicted, and decided."""
    return asked(desk, model=request.param)


def asked(desk: SmallDesk, **training: object) -> Trained:
    """What comes of a desk that was told so of its training."""
    told = desk.settings.training.model_copy(update=training)
    mine = replace(desk, settings=desk.settings.model_copy(update={"training": told}))
    with dg.DagsterInstance.ephemeral() as instance:
        for assets, session in (
            ([trained_model], None),
            ([predictions_asset, signals_asset], str(LAST)),
        ):
            assert dg.materialize(
                assets, partition_key=session, resources=mine.resources(), instance=instance
            ).success
    with mine.warehouse.reader() as conn:
        version = models.serving(conn, "sample/equities/daily", as_of=decision_time(LAST)).row(
            0, named=True
        )
    registry = mine.registry
    assert isinstance(registry, KeptModels)
    model = FittedModel.from_bytes(registry.model(version["run_id"]))
    return Trained(told.model, mine, version, registry.told[-1], model)


def stored(trained: Trained) -> tuple[list[str], np.ndarray]:
    """Symbols of the newest session, and the stored features that the model asks for."""
    with trained.desk.warehouse.reader() as conn:
        rows, values = features.matrix(
            conn, DAILY.version, universe.load().names, LAST, LAST, as_of=decision_time(LAST)
        )
    columns = [DAILY.names.index(name) for name in trained.model.names]
    return rows["symbol"].to_list(), values[:, columns]


def predicted(trained: Trained) -> pl.DataFrame:
    return trained.desk.table(
        "select * from models.predictions where kind = 'live' and model_version = $v "
        "order by symbol",
        v=trained.version["model_version"],
    )


def walked(trained: Trained) -> np.ndarray:
    """Margins of its walk-forward record."""
    told = trained.desk.table(
        "select margin from models.predictions where kind = 'walk_forward' "
        "and model_version = $v order by session, symbol",
        v=trained.version["model_version"],
    )
    return told["margin"].to_numpy()


def test_the_settings_a_user_writes_ask_for_each_kind() -> None:
    for kind in FAMILIES:
        told = settings_module.load({"COUNTERSIGN_TRAINING__MODEL": kind})
        assert told.training.model == kind


def test_the_model_filed_is_of_the_kind_that_was_asked_for(trained: Trained) -> None:
    told = json.loads(trained.version["hyperparameters"])

    assert trained.model.family == trained.kind == told["family"]
    assert trained.filed["inputs"] == trained.model.names == CORE.names
    assert trained.filed["parameters"]["configurations_ever"] >= 2
    for end in ("first_session", "last_session"):
        assert trained.filed["parameters"][end] == str(trained.version[end])


def test_its_card_and_gates_stand_beside_it(trained: Trained) -> None:
    reports = trained.filed["reports"]
    with trained.desk.warehouse.reader() as conn:
        gates = models.latest_gates(conn, trained.version["model_version"])

    assert reports["model-card.md"].startswith(f"A model of the kind {trained.kind}, ")
    assert "## Limits of use" in reports["model-card.md"]
    assert "dividends count and those of SPX do not" in reports["model-card.md"]
    assert "Walk-forward record, net of costs" in reports["pictures.html"]
    assert sorted(gates["gate"]) == sorted(GATES)
    # Nothing in four shares chosen with hindsight can pass, whatever learnt it.
    assert not gates["passed"].all()
    assert trained.version["status"] == "challenger"


def test_what_is_served_is_what_the_filed_model_says_of_the_stored_features(
    trained: Trained,
) -> None:
    symbols, values = stored(trained)
    told = predicted(trained)
    rows = [symbols.index(symbol) for symbol in TRADED]  # FB has too little history
    scale = volatility_daily(values, trained.model.names) * np.sqrt(trained.model.horizon)

    forecast = trained.model.predict(values[rows], trained.model.names, scale=scale[rows])

    assert told["symbol"].to_list() == TRADED
    np.testing.assert_array_equal(told["probability"], forecast.probability)
    np.testing.assert_array_equal(told["margin"], forecast.margin)
    assert (told["low"] < told["high"]).all()
    assert told["probability"].is_between(0.0, 1.0).all()


def test_the_check_of_serving_makes_every_prediction_again_alike(trained: Trained) -> None:
    with trained.desk.warehouse.reader() as conn:
        found = served.mismatched(
            conn, trained.desk.registry, sessions=[LAST], tolerance=SERVING_TOLERANCE
        )

    assert predicted(trained).height == len(TRADED)
    assert found["reason"].to_list() == []


def test_every_prediction_says_what_moved_it(trained: Trained) -> None:
    told = predicted(trained)
    _, values = stored(trained)
    known = np.isfinite(values).all(axis=1)

    # The parts and the bias add up to the margin, whatever kind made it.
    parts = trained.model.contributions(values[known])
    margins = trained.model.learned.margins(values[known])
    np.testing.assert_allclose(parts.sum(axis=1), margins, atol=1e-4)
    for row in told.iter_rows(named=True):
        assert {reason["feature"] for reason in json.loads(row["contributions"])} <= set(CORE.names)


def test_columns_in_another_order_are_refused(trained: Trained) -> None:
    _, values = stored(trained)

    with pytest.raises(UnusableDataError):
        trained.model.predict(values, trained.model.names[::-1], scale=np.ones(len(values)))


def test_signals_come_of_it_and_hold_the_room_they_have(trained: Trained) -> None:
    with trained.desk.warehouse.reader() as conn:
        wanted = portfolio.signals(conn, LAST, LAST, as_of=decision_time(LAST))
    mine = wanted.filter(pl.col("strategy") == trained.desk.settings.strategy.name)

    assert mine["symbol"].to_list() == TRADED
    assert mine["target_weight"].sum() <= trained.desk.settings.strategy.gross + 1e-12


def test_its_trials_are_counted_apart_from_those_of_other_kinds(trained: Trained) -> None:
    told = trained.desk.table("select distinct study, configuration_hash from models.trials")
    mine = told.filter(pl.col("study").str.ends_with(f"/{trained.kind}"))
    others = told.filter(~pl.col("study").str.ends_with(f"/{trained.kind}"))

    assert mine.height >= 2
    assert not set(mine["configuration_hash"]) & set(others["configuration_hash"])


@pytest.mark.parametrize("trained", ["linear"], indirect=True)
def test_a_time_decay_is_trained_with_and_counted_as_configurations_of_its_own(
    trained: Trained,
) -> None:
    aged = asked(trained.desk, model="linear", time_decay=0.5)
    told = aged.desk.table(
        "select distinct study, configuration, configuration_hash from models.trials"
    )
    plain, other = (
        told.filter(pl.col("study").str.ends_with(end)) for end in ("/linear", "/linear/decay0.5")
    )

    for one, decay in ((trained, 1.0), (aged, 0.5)):
        assert json.loads(one.version["hyperparameters"])["time_decay"] == decay
        assert one.filed["parameters"]["time_decay"] == decay
    assert "the oldest 0.5 of the newest" in aged.filed["reports"]["model-card.md"]
    assert plain.height == other.height >= 2
    assert not set(plain["configuration_hash"]) & set(other["configuration_hash"])
    # Nothing is told of a decay that forgets nothing: it is the configuration it was before.
    for study, configuration, found in plain.iter_rows():
        content = json.dumps({"study": study, **json.loads(configuration)}, sort_keys=True)
        assert found == hashlib.sha256(content.encode()).hexdigest()
    first, second = walked(trained), walked(aged)
    assert first.shape == second.shape
    assert np.count_nonzero(first != second) > 0.9 * first.size
