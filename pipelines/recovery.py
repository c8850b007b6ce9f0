"""When sessions that a secondary source served are asked of a better one again."""

from datetime import date

import dagster as dg
from sqlalchemy import Engine

from adapters.market_data import comparisons
from adapters.object_store.protocol import ObjectStore
from assets import deliveries
from config.settings import Settings
from ledger import sources
from pipelines.jobs import backfill
from quality.calendar import exchange

_STRETCH = "countersign/back_filled"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A better source that is well and has nothing to say of a stretch so often never will.
_MOST_RUNS = 3


@dg.sensor(job=backfill, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def primary_recovered(
    context: dg.SensorEvaluationContext,
    store: dg.ResourceParam[ObjectStore],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult | dg.SkipReason:
    """Sessions that another source served while the first was away, now that it answers."""
    order = settings.sources.chain(settings.broker.kind)
    if len(order) < 2:
        return dg.SkipReason("there is one source")
    with ledger.connect() as conn:
        if sources.standing(conn, order[0]).failures:
            return dg.SkipReason(f"{order[0]} has not answered since it erred")
    for first, last in _waiting(store, order, settings):
        mine = {_STRETCH: f"{first}..{last}"}
        if context.instance.get_runs_count(_filter(mine, _UNFINISHED)):
            return dg.SkipReason(f"the run of {first} to {last} is under way")
        if context.instance.get_runs_count(_filter(mine, None)) < _MOST_RUNS:
            span = {
                "dagster/asset_partition_range_start": str(first),
                "dagster/asset_partition_range_end": str(last),
            }
            return dg.SensorResult(run_requests=[dg.RunRequest(tags=mine | span)])
    return dg.SkipReason("every session was served by the first source, or compared with it")


def _waiting(
    store: ObjectStore, order: tuple[str, ...], settings: Settings
) -> list[tuple[date, date]]:
    sessions = exchange().sessions(settings.history.first_session, exchange().days[-1])
    behind = comparisons.behind(store, order, sessions)
    return [
        (stretch[0], stretch[-1])
        for waiting in behind.values()
        for stretch in deliveries.stretches(waiting)
    ]


def _filter(tags: dict[str, str], statuses: list[dg.DagsterRunStatus] | None) -> dg.RunsFilter:
    return dg.RunsFilter(job_name=backfill.name, tags=tags, statuses=statuses)
