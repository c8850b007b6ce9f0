"""What the desk's storage of Dagster leaves out is what nobody asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster import EventLogEntry
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_shared.serdes import deserialize_value

from countersign.processes.environment import with_driver
from pipelines.instance_storage import DeskEventLog

_DAYS = dg.StaticPartitionsDefinition([f"2012-07-{day:02d}" for day in range(1, 11)])


@dg.asset(partitions_def=_DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def bars() -> dg.MaterializeResult[None]:
    """Ten partitions in one run."""
    return dg.MaterializeResult(
        metadata={"rows": 7, "said": 'a "quoted" \N{GREEK SMALL LETTER ALPHA}'}
    )


@dg.asset(deps=[bars], partitions_def=_DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def features() -> None:
    """A step that fails."""
    raise dg.Failure("no bars")


@contextmanager
def opened(dsn: str, home: Path) -> Iterator[dg.DagsterInstance]:
    storage = {
        "custom": {
            "module": "pipelines.instance_storage",
            "class": "DeskStorage",
            "config": {"postgres_url": with_driver(dsn, "psycopg2")},
        }
    }
    with dg.DagsterInstance.local_temp(str(home), overrides={"storage": storage}) as instance:
        yield instance


def asked(instance: dg.DagsterInstance) -> None:
    """Ask each of the three storages something."""
    assert instance.get_runs_count() == 0
    assert instance.get_latest_materialization_event(dg.AssetKey("bars")) is None
    assert instance.all_instigator_state() == []
    assert instance.get_instigator_state("origin", "selector") is None


def test_statements_share_a_connection(postgres_dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as conn:
        told = []
        for _ in range(5):
            with opened(postgres_dsn, tmp_path) as instance:
                asked(instance)
            told.append(open_sessions(conn))
        assert told[0]
        assert told == [told[0]] * 5


def open_sessions(conn: psycopg.Connection) -> set[tuple[int, datetime]]:
    """Return the other sessions of this database: server process and when it began."""
    found = conn.execute(
        "select pid, backend_start from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    return set(found.fetchall())


def test_a_restarted_server_is_not_noticed(postgres_dsn: str, tmp_path: Path) -> None:
    with opened(postgres_dsn, tmp_path) as instance, psycopg.connect(postgres_dsn) as conn:
        asked(instance)
        ended = conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()
        assert ended
        asked(instance)


def test_steps_stand_where_dagster_itself_says(postgres_dsn: str, tmp_path: Path) -> None:
    with opened(postgres_dsn, tmp_path) as instance:
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


def test_a_batch_is_stored_as_dagster_itself_stores_it(
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "4")
    times = []
    with opened(postgres_dsn, tmp_path) as instance, psycopg.connect(postgres_dsn) as conn:
        run = dg.materialize(
            [bars],
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2012-07-01",
                "dagster/asset_partition_range_end": "2012-07-10",
            },
        )
        assert run.success
        assert "Exception while storing event batch" not in capsys.readouterr().err
        log = instance.event_log_storage
        assert isinstance(log, DeskEventLog)
        rows = conn.execute(
            "select id, run_id, event, dagster_event_type, timestamp, step_key, asset_key,"
            " partition from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
            " order by id"
        ).fetchall()
        tagged = conn.execute("select distinct event_id from asset_event_tags").fetchall()
        latest = instance.get_latest_materialization_event(dg.AssetKey("bars"))
    for _, *stored in rows:
        entry = deserialize_value(stored[1], EventLogEntry)
        # What Dagster's own storage makes of the event that was read back.
        assert dict(zip(COLUMNS, stored, strict=True)) == log._event_to_row(entry)
        times.append(entry.timestamp)
    assert sorted(row[-1] for row in rows) == list(_DAYS.get_partition_keys())
    assert times == sorted(times)  # in the order in which they happened
    assert {row[0] for row in rows} == {event_id for (event_id,) in tagged}
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.partition == rows[-1][-1]


COLUMNS = (
    "run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition",
)  # fmt: skip
