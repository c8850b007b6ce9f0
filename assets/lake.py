"""Raw objects in the lake: what each session's delivery brought."""

from collections.abc import Sequence
from datetime import date, datetime

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import landing, load
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import market_now, require_closed
from assets.partitions import SESSIONS, as_session
from assets.sources import MarketData
from config.settings import Settings
from config.universe import Universe
from trading.clock import DeskClock

_OWNERS = ["team:data"]


@dg.asset(
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="lake",
    kinds={"parquet", "s3"},
    owners=_OWNERS,
)
def lake_daily_bars(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    source: dg.ResourceParam[MarketData],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Daily bars, index bars and corporate actions as delivered: immutable Parquet objects.

    Sessions that lie in the lake already are left alone; others are asked of the source.
    """
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    missing = _missing(store, sessions)
    landed = 0
    if missing:
        first, last = missing[0], missing[-1]
        context.log.info(f"Asking {settings.broker.kind} for {first} to {last}")
        delivered = _asked(source, universe, first, last)
        landed = _landed(store, delivered, settings, desk_clock, market_now(ledger))
    return dg.MaterializeResult(
        metadata={
            "sessions": len(sessions),
            "first_session": str(sessions[0]),
            "last_session": str(sessions[-1]),
            "fetched_sessions": len(missing),
            "dagster/row_count": landed if missing else 0,
            "lake": store.name,
        }
    )


def _missing(store: ObjectStore, sessions: Sequence[date]) -> list[date]:
    spans = [
        (o.first, o.last)
        for o, _ in load.objects(store, "daily", sessions[0], sessions[-1]).objects
    ]
    return [s for s in sessions if not any(first <= s <= last for first, last in spans)]


def _asked(
    source: MarketData, universe: Universe, first: date, last: date
) -> dict[landing.Kind, pl.DataFrame]:
    actions = source.actions(universe.names, first, last)
    return {
        "index": source.daily([universe.index], first, last),
        "actions": actions.rename({"ex_date": "session"}),
        "daily": source.daily(universe.names, first, last),  # last: its presence ends the delivery
    }


def _landed(
    store: ObjectStore,
    delivered: dict[landing.Kind, pl.DataFrame],
    settings: Settings,
    desk_clock: DeskClock,
    market_at: datetime,
) -> int:
    rows = 0
    for kind, frame in delivered.items():
        if frame.height:  # a session without corporate actions is no fault
            rows += landing.land(
                store,
                frame,
                kind=kind,
                source=settings.broker.kind,
                feed=settings.broker.feed,
                landed_at=desk_clock.now(),
                market_at=market_at,
            ).rows
    return rows
