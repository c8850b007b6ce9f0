"""Objects in the lake that nothing has loaded yet, those of others included."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import dagster as dg
from sqlalchemy import Engine

from adapters.market_data import found
from adapters.market_data.landing import Kind, LandedObject, Landing, landings
from adapters.object_store.errors import StoreError
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import ClockUnknownError, market_now
from config.settings import Settings
from config.universe import Universe
from ledger import alerts
from pipelines.jobs import HISTORY_JOBS, backfill, load_minutes, load_options
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
_LISTED = 20_000  # objects of a kind looked at in a tick
# What is loaded session by session, and the job that does: between two sessions that a landing
# touches may lie others, whose minutes would be asked of the sources in vain.
_BY_SESSION: dict[Kind, str] = {"minute": load_minutes.name, "options": load_options.name}
_AT_ONCE = 10  # runs over unbroken stretches of sessions, asked for in a tick
_SETTLED = timedelta(minutes=2)  # an object this young may belong to a landing under way
UNREADABLE = "lake_object_unreadable"


@dataclass
class Cursor:
    """How far the lake was looked through."""

    # What a run was asked for and is not loaded yet: manifests, and manifests with a session.
    asked: list[str] = field(default_factory=list)
    listed: dict[str, str] = field(default_factory=dict)  # kind to the last object's key
    refused: dict[str, str] = field(default_factory=dict)  # key to the version that was refused

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """Return the cursor that was written as `text`."""
        return cls(**json.loads(text)) if text else cls()

    def written(self) -> str:
        """Return the cursor as text."""
        return json.dumps(vars(self), sort_keys=True)


@dg.sensor(
    jobs=[backfill, load_minutes, load_options],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def lake_objects(
    context: dg.SensorEvaluationContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.SensorResult | dg.SkipReason:
    """Landed objects that were not loaded; runs over just the sessions they touch."""
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
    unloaded = _unloaded(warehouse, known, universe)
    wanted = _wanted(unloaded, settings, newest=exchange().last_closed(now))
    cursor.asked = sorted({key for asks in wanted.values() for key in asks} & {*cursor.asked})
    waiting = {
        job: {key: span for key, span in asks.items() if key not in cursor.asked}
        for job, asks in wanted.items()
    }
    if any(waiting.values()) and _is_busy(context.instance):
        return dg.SensorResult(
            skip_reason="objects wait; a run that loads bars is under way", cursor=cursor.written()
        )
    requests = list(_requests(waiting, cursor))
    if not requests:
        reason = f"every landed object is loaded{told}"
        return dg.SensorResult(skip_reason=reason, cursor=cursor.written())
    return dg.SensorResult(run_requests=requests, cursor=cursor.written())


def _requests(
    waiting: Mapping[str, Mapping[str, tuple[date, date]]], cursor: Cursor
) -> Iterator[dg.RunRequest]:
    """Yield the runs to start, and note in the cursor what they are asked for."""
    for job, asks in waiting.items():
        if job != backfill.name and waiting[backfill.name]:
            return  # minutes and options are judged beside daily bars: those come first
        for first, last in _spans(job, asks.values()):
            cursor.asked += [k for k, (f, until) in asks.items() if first <= f and until <= last]
            yield _request(job, first, last)


def _wanted(
    unloaded: Iterable[Landing], settings: Settings, *, newest: date
) -> dict[str, dict[str, tuple[date, date]]]:
    """Return by job what is to be asked of it: first and last session by manifest, or of each."""
    wanted: dict[str, dict[str, tuple[date, date]]] = {backfill.name: {}}
    for landing in unloaded:
        asks = wanted.setdefault(_BY_SESSION.get(landing.kind, backfill.name), {})
        sessions = touched(landing.objects, settings, newest=newest)
        if landing.kind in _BY_SESSION:
            asks |= {f"{landing.key} {session}": (session, session) for session in sessions}
        elif sessions:
            asks[landing.key] = (sessions[0], sessions[-1])
    return wanted


def _spans(job: str, asked: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return the runs to start: one over all of it, or some over what has no gap between."""
    spans = sorted(asked)
    if not spans:
        return []
    if job == backfill.name:
        return [(spans[0][0], max(last for _, last in spans))]
    return list(_unbroken([session for session, _ in spans]))[:_AT_ONCE]


def _unbroken(sessions: Sequence[date]) -> Iterator[tuple[date, date]]:
    first = last = sessions[0]
    for session in sessions[1:]:
        if session > exchange().next(last):
            yield first, last
            first = session
        last = session
    yield first, last


def _request(job: str, first: date, last: date) -> dg.RunRequest:
    tags = {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
    return dg.RunRequest(job_name=job, tags=tags)


def touched(objects: Sequence[LandedObject], settings: Settings, *, newest: date) -> list[date]:
    """Return the sessions that objects touch, of those the desk may hold now."""
    begins = settings.history.first_session
    spans = {
        (max(o.first, begins), min(o.last, newest))
        for o in objects
        if o.first <= newest and o.last >= begins
    }
    return sorted({s for first, last in spans for s in exchange().sessions(first, last)})


def _adopted(
    store: ObjectStore, ledger: Engine, cursor: Cursor, *, desk_at: datetime, market_at: datetime
) -> str:
    """Give manifests to whole objects of others and raise alerts about the rest; say how many."""
    adopted = refused = 0
    for kind in found.LOADED:
        after = cursor.listed.get(kind, "")
        seen = found.strangers(store, kind, after=after, before=desk_at - _SETTLED, most=_LISTED)
        cursor.listed[kind] = seen.upto
        versions = {o.key: f"{o.size} {o.modified_at.isoformat()}" for o in seen.objects}
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
