"""What the desk's storage of Dagster leaves out is what nobody asks for."""

from pathlib import Path

import dagster as dg
from dagster_postgres.event_log import PostgresEventLogStorage

from countersign.processes.environment import with_driver
from pipelines.instance_storage import DeskEventLog

_DAYS = dg.StaticPartitionsDefinition([f"2012-07-{day:02d}" for day in range(1, 11)])


@dg.asset(partitions_def=_DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def bars(context: dg.AssetExecutionContext) -> None:
    """Ten partitions in one run."""


@dg.asset(deps=[bars], partitions_def=_DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def features() -> None:
    """A step that fails."""
    raise dg.Failure("no bars")


def test_steps_stand_where_dagster_itself_says(postgres_dsn: str, tmp_path: Path) -> None:
    storage = {
        "custom": {
            "module": "pipelines.instance_storage",
            "class": "DeskStorage",
            "config": {"postgres_url": with_driver(postgres_dsn, "psycopg2")},
        }
    }
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"storage": storage}) as instance:
        done = dg.materialize(
            [bars, features],
            instance=instance,
            raise_on_error=False,
            tags={
                "dagster/asset_partition_range_start": "2012-07-01",
                "dagster/asset_partition_range_end": "2012-07-10",
            },
        )
        log = instance.event_log_storage
        assert isinstance(log, DeskEventLog)
        ours = log.get_step_stats_for_run(done.run_id)
        theirs = PostgresEventLogStorage.get_step_stats_for_run(log, done.run_id)
        one = log.get_step_stats_for_run(done.run_id, ["features"])

    def told(stats: object) -> list[tuple[object, ...]]:
        return [(s.step_key, s.status, s.start_time, s.end_time) for s in stats]  # type: ignore[attr-defined]

    assert sum(len(s.materialization_events) for s in theirs) == 10
    assert told(ours) == told(theirs)
    assert [s.step_key for s in one] == ["features"]
