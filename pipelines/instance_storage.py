"""Dagster's storage in PostgreSQL, with one row per check and run however long the range is.

Of a backfill that was started in its pages, Dagster 1.13 plans each check once for every partition,
and writes the whole range into every one of these rows: of six checks over ten years 15,090 rows of
27 kB, minutes before the run begins. The desk's checks judge a run as a whole, so that nobody ever
answers these rows; a job's run over a range plans a check once (docs/adr/0005).

And whoever asks how far a run's steps are, the run's page each second among them, has every
materialisation of its partitions read and parsed: of the first run some 30,000, seconds each time.

And each statement has a connection of its own: a desk with nothing to do made nineteen a second,
half of all its processor time. Here a process keeps a few open.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.execution.stats import (
    STEP_STATS_EVENT_TYPES,
    RunStepKeyStatsSnapshot,
    build_run_step_stats_from_events,
)
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import pg_url_from_config
from dagster_shared.record import replace
from sqlalchemy import Connection, Engine, create_engine

from pipelines import stored_events

_KEPT_OPEN = 4  # connections of a process; a thread more opens one of its own and closes it


@cache
def connections(postgres_url: str) -> Engine:
    """Return this process's connections; one that the server has closed is opened anew.

    Once a process the tables are looked at, and made where they are missing.
    """
    DagsterPostgresStorage(postgres_url)
    return create_engine(
        postgres_url,
        isolation_level="AUTOCOMMIT",
        pool_size=_KEPT_OPEN,
        max_overflow=-1,
        pool_pre_ping=True,
    )


class DeskEventLog(PostgresEventLogStorage):
    """The event log of a desk."""

    def _store_asset_check_evaluation_planned(
        self, event: EventLogEntry, event_id: int | None
    ) -> None:
        planned = event.dagster_event
        assert planned is not None  # only events of Dagster's own come here
        whole = replace(planned.event_specific_data, partitions_subset=None)
        told = event._replace(dagster_event=planned._replace(event_specific_data=whole))
        super()._store_asset_check_evaluation_planned(told, event_id)

    def prepare_insert_event_batch(self, events: Sequence[EventLogEntry]) -> Any:
        """Return the insert of a batch of events of assets."""
        rows = [
            self._row(event, text)
            for event, text in zip(events, stored_events.texts(events), strict=True)
        ]
        return stored_events.insert_of(SqlEventLogStorageTable, rows)

    def _row(self, event: EventLogEntry, text: str) -> dict[str, Any]:
        told = event.get_dagster_event()
        return {
            "run_id": event.run_id,
            "event": text,
            "dagster_event_type": told.event_type_value,
            "timestamp": self._event_insert_timestamp(event),  # type: ignore[no-untyped-call]
            "step_key": told.step_key,
            "asset_key": None if told.asset_key is None else told.asset_key.to_string(),
            "partition": told.partition,
        }

    def get_step_stats_for_run(
        self, run_id: str, step_keys: Sequence[str] | None = None
    ) -> Sequence[RunStepKeyStatsSnapshot]:
        """Return where the steps of a run stand, without listing what they materialised."""
        asked = STEP_STATS_EVENT_TYPES - {DagsterEventType.ASSET_MATERIALIZATION}
        found = self.get_records_for_run(run_id, of_type=asked).records
        entries = [record.event_log_entry for record in found]
        if step_keys:
            entries = [entry for entry in entries if entry.step_key in step_keys]
        return build_run_step_stats_from_events(run_id, entries)


class DeskSchedules(PostgresScheduleStorage):
    """Sensors and schedules of a desk.

    Dagster asks before every statement whether the tables of 2022 are there; those of a desk are.
    """

    def __init__(self, postgres_url: str, *, should_autocreate_tables: bool) -> None:
        super().__init__(postgres_url, should_autocreate_tables)
        self._built: set[str] = set()

    def has_instigators_table(self) -> bool:
        """Return whether sensors and schedules have a table of their own."""
        return True

    def _has_instigators_table(self, conn: Connection) -> bool:
        return True

    def has_built_index(self, migration_name: str) -> bool:
        """Return whether the rows have been brought to what a version of Dagster needs."""
        if migration_name not in self._built and super().has_built_index(migration_name):
            self._built.add(migration_name)
        return migration_name in self._built


class DeskStorage(DagsterPostgresStorage):
    """Runs, events and schedules of a desk, all on the same connections."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = connections(postgres_url)
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self._event_log_storage = DeskEventLog(postgres_url, should_autocreate_tables=False)
        self._schedule_storage = DeskSchedules(postgres_url, should_autocreate_tables=False)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine  # noqa: SLF001 - Dagster takes none from outside

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "DeskStorage":
        """Return the storage that `dagster.yaml` names."""
        return cls(pg_url_from_config(config_value), inst_data)
