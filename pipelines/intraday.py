"""Intraday signals, as often as the market has a new minute and a run can follow it."""

import dagster as dg
from sqlalchemy import Engine

from config.settings import Settings
from ledger import feeds, market
from trading.clock import DeskClock

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

watch_minutes = dg.define_asset_job(
    "watch_minutes",
    selection=["intraday_signals"],
    description="What the intraday rules want after the newest minute.",
)


@dg.sensor(
    job=watch_minutes,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def minute_closed(
    context: dg.SensorEvaluationContext,
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.SensorResult | dg.SkipReason:
    """An open market whose minutes arrive, where intraday rules are on."""
    if settings.strategies.reversion == "off":
        return dg.SkipReason("no intraday strategy is on (strategies.reversion)")
    with ledger.connect() as conn:
        stale = feeds.trouble(conn, desk_at=desk_clock.now())
        clock = market.latest_clock(conn)
    if clock is None or not clock.is_open:
        return dg.SkipReason("the market is closed")
    if stale is not None:
        return dg.SkipReason(stale)
    mine = dg.RunsFilter(job_name="watch_minutes", statuses=_UNFINISHED)
    if context.instance.get_runs_count(mine):
        return dg.SkipReason("a look at the minute is under way")
    return dg.SensorResult(run_requests=[dg.RunRequest()])
