"""What can be run."""

import dagster as dg

from pipelines.maintenance import maintenance

HISTORY = (
    "lake_daily_bars",
    "corporate_actions",
    "index_bars",
    "daily_bars",
    "daily_features",
)
DECISION = (
    "eligibility", "predictions", "signals", "proposals", "outcomes", "risk_figures",
    "forecast_records", "shadow_ledger", "performance", "alerts_of_close", "end_of_day",
    "audit_anchor",
)  # fmt: skip

first_materialisation = dg.define_asset_job(
    "first_materialisation",
    selection=[*HISTORY, "trained_model", "strategy_gates", "intraday_gates"],
    description="All sessions of the lake, their features, and the first model.",
)
backfill = dg.define_asset_job(
    "backfill",
    selection=list(HISTORY),
    description="Bars and features of a range of sessions again.",
)
load_minutes = dg.define_asset_job(
    "load_minutes",
    selection=["minute_bars"],
    description="Minute bars of a range of sessions again, landed ones before the sources'.",
)
load_options = dg.define_asset_job(
    "load_options",
    selection=["options"],
    description="Landed option quotes of a range of sessions again.",
)
train_model = dg.define_asset_job(
    "train_model",
    selection=["trained_model", "strategy_gates", "intraday_gates"],
    description="A new model from everything known at the market's clock.",
)
# Rendering a suite's page costs seconds, too many after each fill: positions are judged daily.
daily_run = dg.define_asset_job(
    "daily_run",
    selection=dg.AssetSelection.assets(*HISTORY, "minute_bars", *DECISION)
    | dg.AssetSelection.checks(
        dg.AssetCheckKey(dg.AssetKey("positions"), "positions_meet_their_suite")
    ),
    description="A closed session: bars, gates, features, predictions, proposals.",
)
submit_orders = dg.define_asset_job(
    "submit_orders",
    selection=["orders"],
    tags={"dagster/priority": "10"},
    description="Send what was signed, each leg once.",
)
reconcile = dg.define_asset_job(
    "reconcile",
    selection=dg.AssetSelection.assets("fills", "positions").without_checks(),
    tags={"dagster/priority": "9"},
    description="Compare the ledger with the broker and record its fills and positions.",
)

# Jobs whose runs load bars; the last is Dagster's own, for what is started from its pages.
HISTORY_JOBS = (
    "first_materialisation", "backfill", "load_minutes", "load_options", "daily_run", "__ASSET_JOB",
)  # fmt: skip
JOBS = (
    first_materialisation, backfill, load_minutes, load_options, train_model, daily_run,
    submit_orders, reconcile, maintenance,
)  # fmt: skip
