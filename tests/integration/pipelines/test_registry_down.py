"""A model is filed with all that stands beside it, or, without a registry, not by half."""

import socket
from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl
import pytest

from adapters.mlflow.registry import MlflowRegistry, RegistryUnreachableError
from assets.models import trained_model
from config import gates, universe
from countersign.processes.postgres import Cluster
from tests.integration.pipelines import small
from tests.integration.pipelines.small import LAST, SmallDesk
from warehouse import evidence, models

FIRST = date(2010, 8, 2)  # 63 sessions of look-back, 315 to train on, and a hundred to walk
# A desk with bars and features is built, and a model is trained twice.
pytestmark = [pytest.mark.timeout(900), pytest.mark.long]

_STORED = ("models.versions", "models.gates", "models.evidence", "models.predictions")


@pytest.fixture(scope="module", name="desk")
def _desk(
    postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallDesk]:
    with small.fresh(postgres_server, tmp_path_factory.mktemp("home")) as made:
        for kind, frame in small.history().items():
            made.land(frame.filter(pl.col("session") >= FIRST), kind)
        made.close(LAST)
        made.run("backfill", FIRST, LAST)
        yield made


def train(desk: SmallDesk, kind: str, registry: object) -> None:
    """Materialise the asset with a few features and two trials."""
    asked = {
        "model": kind, "trials": 2, "horizon": 1, "first_session": FIRST,
        "features": ("volatility_63", "return_5", "rsi_14", "return_21"),
    }  # fmt: skip
    training = desk.settings.training.model_copy(update=asked)
    told = desk.settings.model_copy(update={"training": training})
    known = universe.load().model_copy(update={"minimum_history": 20})
    resources = {
        "warehouse": desk.warehouse, "ledger": desk.ledger, "registry": registry,
        "settings": told, "universe": known, "gates": gates.load(),
    }  # fmt: skip
    dg.materialize([trained_model], resources=resources, instance=desk.instance)


def counted(desk: SmallDesk, *tables: str) -> list[int]:
    return [int(desk.table(f"select count(*) as n from {name}")["n"][0]) for name in tables]


def configurations(desk: SmallDesk) -> set[str]:
    return set(desk.table("select configuration_hash from models.trials")["configuration_hash"])


def test_without_a_registry_training_fails_clearly_and_only_its_trials_are_kept(
    desk: SmallDesk,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"  # bound, and nobody listens
        with pytest.raises(RegistryUnreachableError, match="did not take the model"):
            train(desk, "linear", MlflowRegistry(address))

    tried = configurations(desk)
    assert tried
    assert counted(desk, *_STORED) == [0] * len(_STORED)

    train(desk, "linear", desk.registry)

    assert counted(desk, "models.versions") == [1]
    assert configurations(desk) == tried  # the study went on where it stood


def test_what_a_model_earned_over_cash_is_filed_with_it(desk: SmallDesk) -> None:
    train(desk, "linear", desk.registry)

    version = desk.table("select max(model_version) as v from models.versions")["v"][0]
    with desk.warehouse.reader() as conn:
        told = evidence.latest(conn, version)["absolute"]
        gates = dict(models.latest_gates(conn, version).select("gate", "value").iter_rows())
    assert told["sessions"] == gates["track_record"] > 0
    assert told["without_rate"] == 0
    assert 0.0 < told["cash_return"] < 0.002  # one-month Treasury bills in 2011 and 2012
    filed = {k: v for k, v in desk.registry.figures[-1].items() if k.startswith("absolute_")}
    assert filed == {f"absolute_{k}": v for k, v in told.items() if v is not None}
