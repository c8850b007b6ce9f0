"""When runs start. Each sensor asks what *is*, so a lost tick or a dead run costs nothing."""

from datetime import date

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
)
from sqlalchemy import Engine

from config.settings import Settings
from ledger import daily_runs, fills, market, runs
from ledger.desk import DeskLedger
from pipelines.jobs import daily_run, reconcile, submit_orders, train_model
from pipelines.lake_objects import lake_objects
from quality.calendar import exchange
from quality.own_checks import features_are_like_those_trained_on
from trading.clock import DeskClock

_RUNNING = dg.DefaultSensorStatus.RUNNING
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A session whose run failed so often needs a person; the desk shows it, and the run can be
# started by hand.
_MOST_FAILURES = 3
_TRAINED_FROM = "countersign/trained_to"
_CATCH_UP_SESSIONS = 30
# Dagster looks every 5 s which sensors are due. One that says 5 is often a moment too young when
# looked at, and then ticks every 10.
_AT_EVERY_LOOK = 1
_SUBMIT_RUN_SECONDS = 60
# How long a run that sends stays for what is signed next: less than the above, so that there is
# no second one beside it.
_STAY_SECONDS = 45


@dg.sensor(job=daily_run, minimum_interval_seconds=_AT_EVERY_LOOK, default_status=_RUNNING)
def session_closed(
    context: dg.SensorEvaluationContext,
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult | dg.SkipReason:
    """The oldest session that has closed and that the desk has not decided on."""
    instance = context.instance
    if instance.get_latest_materialization_event(dg.AssetKey("trained_model")) is None:
        return dg.SkipReason("there is no model yet: the first materialisation comes first")
    session = _oldest_undecided(ledger, settings)
    if session is None:
        return dg.SkipReason("every closed session has been decided on")
    key = session.isoformat()
    mine = {"dagster/partition": key}
    if instance.get_runs_count(_filter("daily_run", mine, _UNFINISHED)):
        return dg.SkipReason(f"the run of {key} is under way")
    failed = instance.get_runs_count(_filter("daily_run", mine, [dg.DagsterRunStatus.FAILURE]))
    if failed >= _MOST_FAILURES:
        return dg.SkipReason(
            f"the run of {key} failed {failed} times; see why and start it by hand"
        )
    return dg.SensorResult(run_requests=[dg.RunRequest(partition_key=key)])


def _oldest_undecided(ledger: Engine, settings: Settings) -> date | None:
    with ledger.connect() as conn:
        clock = market.latest_clock(conn)
        if clock is None:
            return None
        newest = exchange().last_closed(clock.now)
        latest = daily_runs.latest(conn)
        first = settings.venue.start if settings.mode == "embedded" else newest
        if latest is not None:
            first = min(latest.session, newest)
        closed = exchange().sessions(first, newest)[-_CATCH_UP_SESSIONS:]
        return next((s for s in closed if daily_runs.state_of(conn, s) != "done"), None)


def _filter(job: str, tags: dict[str, str], statuses: list[dg.DagsterRunStatus]) -> dg.RunsFilter:
    return dg.RunsFilter(job_name=job, tags=tags, statuses=statuses)


@dg.sensor(job=train_model, minimum_interval_seconds=30, default_status=_RUNNING)
def model_is_due(
    context: dg.SensorEvaluationContext,
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult | dg.SkipReason:
    """A model that was trained too many sessions ago, fewer of them once its features drifted."""
    newest = context.instance.get_latest_materialization_event(dg.AssetKey("trained_model"))
    with ledger.connect() as conn:
        clock = market.latest_clock(conn)
    if newest is None or newest.asset_materialization is None or clock is None:
        return dg.SkipReason("there is no model yet: the first materialisation comes first")
    trained_to = date.fromisoformat(str(newest.asset_materialization.metadata["trained_to"].value))
    age = len(exchange().sessions(trained_to, exchange().last_closed(clock.now))) - 1
    drifted = _has_drifted(context.instance, since=newest.timestamp)
    told = settings.training
    allowed = min(told.every, told.every_drifted) if drifted else told.every
    if age < allowed:
        why = ", as its features have drifted" if drifted else ""
        return dg.SkipReason(f"the model is {age} sessions old; {allowed} are allowed{why}")
    if context.instance.get_runs_count(_filter("train_model", {}, _UNFINISHED)):
        return dg.SkipReason("a training is under way")
    mine = {_TRAINED_FROM: trained_to.isoformat()}
    failed = context.instance.get_runs_count(
        _filter("train_model", mine, [dg.DagsterRunStatus.FAILURE])
    )
    if failed >= _MOST_FAILURES:
        return dg.SkipReason(f"the training failed {failed} times; see why and start it by hand")
    return dg.SensorResult(run_requests=[dg.RunRequest(tags=mine)])


def _has_drifted(instance: dg.DagsterInstance, *, since: float) -> bool:
    """Whether features were last found unlike those of the model trained at that instant.

    A comparison that is planned, or whose run was lost, has found nothing: the one before counts.
    """
    ended = instance.event_log_storage.get_asset_check_execution_history(
        features_are_like_those_trained_on.check_key,
        limit=1,
        status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    )
    if not ended or ended[0].event is None or ended[0].evaluation is None:
        return False
    return not ended[0].evaluation.passed and ended[0].event.timestamp > since


@dg.sensor(job=reconcile, minimum_interval_seconds=15, default_status=_RUNNING)
def fills_arrived(
    context: dg.SensorEvaluationContext, ledger: dg.ResourceParam[Engine]
) -> dg.SensorResult | dg.SkipReason:
    """Executions that the assets `fills` and `positions` do not show yet."""
    with ledger.connect() as conn:
        newest = fills.latest_at(conn)
    if newest is None:
        return dg.SkipReason("nothing has been filled yet")
    shown = context.instance.get_latest_materialization_event(dg.AssetKey("positions"))
    if shown is not None and shown.timestamp >= newest.timestamp():
        return dg.SkipReason("every fill is shown")
    if context.instance.get_runs_count(_filter("reconcile", {}, _UNFINISHED)):
        return dg.SkipReason("a reconciliation is under way")
    return dg.SensorResult(run_requests=[dg.RunRequest()])


@dg.sensor(job=submit_orders, minimum_interval_seconds=_AT_EVERY_LOOK, default_status=_RUNNING)
def approved_orders(
    context: dg.SensorEvaluationContext,
    ledger: dg.ResourceParam[Engine],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.SensorResult | dg.SkipReason:
    """Signed legs that wait to be sent."""
    now = desk_clock.now()
    waiting = DeskLedger(ledger).waiting_legs(not_leased_at=now)
    if not waiting:
        return dg.SkipReason("no signed leg waits")
    with ledger.connect() as conn:
        young = runs.submit_run_is_young(conn, now, seconds=_SUBMIT_RUN_SECONDS)
    if young or context.instance.get_runs_count(_filter("submit_orders", {}, _UNFINISHED[:3])):
        return dg.SkipReason(f"{waiting} wait; a run is already under way")
    config = {"ops": {"orders": {"config": {"stay_seconds": _STAY_SECONDS}}}}
    return dg.SensorResult(run_requests=[dg.RunRequest(run_config=config)])


SENSORS = (session_closed, model_is_due, approved_orders, fills_arrived, lake_objects)
