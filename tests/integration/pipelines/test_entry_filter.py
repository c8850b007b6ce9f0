"""`swing_filter = "meta"` on a small desk: entries are counted, too few are refused in words."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.features import daily_features
from assets.signals import signals_asset
from assets.strategies import strategy_gates
from config import settings as settings_module
from countersign.processes.postgres import Cluster
from quant.entries import FEWEST_ENTRIES
from quant.gates import GATES
from quant.signals import SWING, strategy_name
from tests.integration.pipelines import small
from tests.integration.pipelines.small import FIRST, LAST, SmallDesk
from tests.integration.pipelines.test_model_kinds import loaded
from warehouse import evidence, models, portfolio

NAME = strategy_name(SWING, filtered="meta")
pytestmark = [pytest.mark.timeout(600), pytest.mark.long]


@pytest.fixture(scope="module", name="judged")
def _judged(
    postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SmallDesk, dict[str, object]]]:
    """A desk of two and a half years whose swing rules ask a second model, judged and followed."""
    with small.fresh(postgres_server, tmp_path_factory.mktemp("home")) as made:
        made.close(LAST)
        loaded(made.warehouse)
        asked = made.settings.strategies.model_copy(update={"swing_filter": "meta"})
        desk = replace(made, settings=made.settings.model_copy(update={"strategies": asked}))
        tags = {
            "dagster/asset_partition_range_start": FIRST.isoformat(),
            "dagster/asset_partition_range_end": LAST.isoformat(),
        }
        resources = desk.resources()
        with dg.DagsterInstance.ephemeral() as instance:
            assert dg.materialize(
                [daily_features], tags=tags, resources=resources, instance=instance
            ).success
            done = dg.materialize([strategy_gates], resources=resources, instance=instance)
            assert done.success
            assert dg.materialize(
                [signals_asset], partition_key=str(LAST), resources=resources, instance=instance
            ).success
        [told] = done.asset_materializations_for_node("strategy_gates")
        yield desk, {name: value.value for name, value in told.metadata.items()}


def test_the_setting_a_user_writes_asks_for_it() -> None:
    told = {
        value: settings_module.load({"COUNTERSIGN_STRATEGIES__SWING_FILTER": value}).strategies
        for value in ("meta", "true", "false")
    }

    assert [one.swing_filter for one in told.values()] == ["meta", True, False]


def test_too_few_entries_are_refused_with_their_number(
    judged: tuple[SmallDesk, dict[str, object]],
) -> None:
    desk, metadata = judged
    with desk.warehouse.reader() as conn:
        stored = evidence.latest(conn, NAME)["filter"]

    assert 0 < stored["entries"] < stored["needed"] == FEWEST_ENTRIES
    assert stored["silent"] is True
    assert metadata["filter"] == stored["sentence"]
    assert f"{stored['entries']} entries of the rules have a known outcome" in stored["sentence"]
    assert metadata["trials"] == 0


def test_every_gate_is_unmet_and_nothing_counts_as_tried(
    judged: tuple[SmallDesk, dict[str, object]],
) -> None:
    desk, _ = judged
    with desk.warehouse.reader() as conn:
        gates = models.latest_gates(conn, NAME)

    assert sorted(gates["gate"]) == sorted(GATES)
    assert not gates.filter(pl.col("gate") == "deflated_sharpe")["passed"].any()
    assert desk.table("select * from models.trials").is_empty()


def test_the_rules_want_nothing(judged: tuple[SmallDesk, dict[str, object]]) -> None:
    desk, _ = judged
    with desk.warehouse.reader() as conn:
        wanted = portfolio.signals(conn, LAST, LAST, as_of=decision_time(LAST))
    mine = wanted.filter(pl.col("strategy") == NAME)

    assert mine.height > 0
    assert (mine["target_weight"] == 0.0).all()
    assert mine["model_version"].is_null().all()
