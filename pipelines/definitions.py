"""The code location: everything Dagster shows and runs."""

import dagster as dg

from assets import (
    alerting,
    anchors,
    eligibility,
    end_of_day,
    features,
    intraday,
    intraday_gates,
    lake,
    market,
    minutes,
    models,
    options,
    orders,
    performance,
    predictions,
    proposals,
    records,
    risk,
    shadow,
    strategies,
)
from assets import signals as signal_assets
from config import settings as settings_module
from pipelines.freshness import policy, with_freshness
from pipelines.intraday import minute_closed, watch_minutes
from pipelines.jobs import JOBS
from pipelines.maintenance import nightly_maintenance
from pipelines.recovery import primary_recovered
from pipelines.resources import RESOURCES
from pipelines.sensors import SENSORS
from quality.checks import CHECKS
from quality.own_checks import OWN_CHECKS

_MODULES = [
    lake, market, minutes, options, features, eligibility, models, strategies,
    predictions, signal_assets, records, intraday, intraday_gates,
    proposals, orders, risk, shadow, performance, alerting, end_of_day, anchors,
]  # fmt: skip

defs = dg.Definitions(
    assets=[
        *with_freshness(dg.load_assets_from_modules(_MODULES), policy(settings_module.load())),
        orders.signatures,  # a bare spec: it is made by people, and not found in its module
    ],
    asset_checks=[*CHECKS, *OWN_CHECKS],
    jobs=[*JOBS, watch_minutes],
    sensors=[*SENSORS, primary_recovered, minute_closed],
    schedules=[nightly_maintenance],
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
