"""Objects in the lake that nothing has loaded yet, those of others included."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice

import dagster as dg
from sqlalchemy import Engine

from adapters.market_data import found
from adapters.market_data.landing import Kind, Landing, landings
from adapters.object_store.errors import StoreError
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import ClockUnknownError, market_now
from config.settings import Settings
from config.universe import Universe
from ledger import alerts
from pipelines.jobs import HISTORY_JOBS, backfill
from quality.calendar import exchange
from trading.clock import DeskClock
from warehouse import Warehouse
from warehouse import landings as loaded_objects

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_LISTED = 5_000  # objects looked at in a tick
_SETTLED = timedelta(minutes=2)  # an object this young may belong to a landing under way
UNREADABLE = "lake_object_unreadable"


@dataclass
class Cursor:
    """How far the lake was looked through."""

    asked: list[str] = field(default_factory=list)  # manifests a run was asked for, not loaded yet
    listed: dict[str, str] = field(default_factory=dict)  # kind to the last object's key
    refused: dict[str, str] = field(default_factory=dict)  # key to the version that was refused

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """Return the cursor that was written as `text`."""
        return cls(**json.loads(text)) if text else cls()

    def written(self) -> str:
        """Return the cursor as text."""
        return json.dumps(vars(self), sort_keys=True)


@dg.sensor(job=backfill, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def lake_objects(
    context: dg.SensorEvaluationContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.SensorResult | dg.SkipReason:
    """Landed objects that were not loaded; one run over just the sessions they touch."""
    if context.instance.get_latest_materialization_event(dg.AssetKey("trained_model")) is None:
        return dg.SkipReason("there is no model yet: the first materialisation comes first")
    cursor = Cursor.read(context.cursor)
    try:
        now = market_now(ledger)
        told = _adopted(store, ledger, cursor, desk_at=desk_clock.now(), market_at=now)
        known = {kind: landings(store, kind) for kind in found.LOADED}
    except ClockUnknownError as e:
        return dg.SkipReason(str(e))
    except StoreError as e:
        return dg.SkipReason(f"the lake cannot be looked through now: {e}")
    # Not by the order of manifests: clocks of several writers may disagree.
    newest = exchange().last_closed(now)
    unloaded = [
        landing
        for landing in _unloaded(warehouse, known, universe)
        if touched([landing], settings, newest=newest)
    ]
    cursor.asked = sorted({landing.key for landing in unloaded}.intersection(cursor.asked))
    waiting = [landing for landing in unloaded if landing.key not in cursor.asked]
    span = touched(waiting, settings, newest=newest)
    if span is not None and _is_busy(context.instance):
        return dg.SensorResult(
            skip_reason="objects wait; a run that loads bars is under way", cursor=cursor.written()
        )
    cursor.asked += [landing.key for landing in waiting]
    if span is None:
        reason = f"every landed object is loaded{told}"
        return dg.SensorResult(skip_reason=reason, cursor=cursor.written())
    tags = {
        "dagster/asset_partition_range_start": span[0].isoformat(),
        "dagster/asset_partition_range_end": span[1].isoformat(),
    }
    return dg.SensorResult(run_requests=[dg.RunRequest(tags=tags)], cursor=cursor.written())


def touched(
    waiting: Iterable[Landing], settings: Settings, *, newest: date
) -> tuple[date, date] | None:
    """Return the first and last session that landings touch, of those the desk may hold now."""
    begins = settings.history.first_session
    spans = [
        (max(o.first, begins), min(o.last, newest))
        for landing in waiting
        for o in landing.objects
        if o.first <= newest and o.last >= begins
    ]
    if not spans:
        return None
    sessions = exchange().sessions(min(f for f, _ in spans), max(last for _, last in spans))
    return (sessions[0], sessions[-1]) if sessions else None


def _adopted(
    store: ObjectStore, ledger: Engine, cursor: Cursor, *, desk_at: datetime, market_at: datetime
) -> str:
    """Give manifests to whole objects of others and raise alerts about the rest; say how many."""
    adopted = refused = 0
    for kind in found.LOADED:
        seen = list(
            islice(
                found.strangers(
                    store, kind, after=cursor.listed.get(kind, ""), before=desk_at - _SETTLED
                ),
                _LISTED,
            )
        )
        cursor.listed[kind] = seen[-1].key if len(seen) == _LISTED else ""
        versions = {o.key: f"{o.size} {o.modified_at.isoformat()}" for o in seen}
        new = [key for key, version in versions.items() if cursor.refused.get(key) != version]
        result = found.adopt(store, kind, new, landed_at=desk_at, market_at=market_at)
        for one in result.refused:
            cursor.refused[one.key] = versions[one.key]
            with ledger.begin() as conn:
                alerts.raise_once(
                    conn, severity="warning", kind=UNREADABLE, subject=one.key,
                    message=one.reason, desk_at=desk_at, market_at=market_at,
                )  # fmt: skip
        adopted += sum(len(landing.objects) for landing in result.landings)
        refused += len(result.refused)
    return f"; {adopted} found, {refused} refused" if adopted or refused else ""


def _unloaded(
    warehouse: Warehouse, known: Mapping[Kind, tuple[Landing, ...]], universe: Universe
) -> list[Landing]:
    """Return what was not loaded and may hold symbols of the desk: those objects by landing."""
    names = {*universe.names, universe.index}
    waiting = []
    with warehouse.reader() as conn:
        for kind, made in known.items():
            loaded = set(loaded_objects.latest(conn, kind=kind)["object_key"]) if made else set()
            for landing in made:
                left = tuple(
                    o
                    for o in landing.objects
                    if o.key not in loaded and not names.isdisjoint(o.symbols)
                )
                if left:
                    waiting.append(replace(landing, objects=left))
    return waiting


def _is_busy(instance: dg.DagsterInstance) -> bool:
    return any(
        instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=_UNFINISHED))
        for job in HISTORY_JOBS
    )
