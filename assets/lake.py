"""Raw objects in the lake: what each session's delivery brought."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
from sqlalchemy import Engine

from adapters.market_data import comparisons
from adapters.market_data.comparisons import Comparison
from adapters.market_data.errors import NoSourceError
from adapters.object_store.protocol import ObjectStore
from assets import deliveries
from assets.deliveries import Dock, Waiting
from assets.desk_time import market_now, require_closed
from assets.partitions import SESSIONS, as_session
from assets.sources import MarketData, RankedMarketData
from config.settings import Settings
from config.universe import Universe
from ledger import sources as ledger_sources
from trading.clock import DeskClock

_OWNERS = ["team:data"]
_NAMED = 10  # symbols in a line of the log
_SHOWN = 100  # differences in the run's metadata; all of them are in the lake


@dataclass
class _Found:
    """What a run brought."""

    rows: int = 0
    served: Counter[str] = field(default_factory=Counter)
    comparisons: list[tuple[Comparison, str]] = field(default_factory=list)


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
    source: dg.ResourceParam[RankedMarketData],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Daily bars, index bars and corporate actions as delivered: immutable Parquet objects.

    What lies in the lake already is left alone, symbol by symbol; the rest is asked of the first
    source that answers. What another one served in its place is asked of it again when it is
    back, and where they differ is reported.
    """
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    order = settings.sources.chain(settings.broker.kind)
    missing = deliveries.missing(store, sessions, universe.names)
    behind = comparisons.behind(store, order, sessions)
    found = _Found()
    if missing or behind:
        market_at = market_now(ledger)
        for stretch in deliveries.stretches(list(missing)):
            dock = Dock(store, desk_clock.now(), market_at)
            wanted = {session: missing[session] for session in stretch}
            _fetch(context, dock, source, universe, wanted, order, found)
        for secondary, waiting in behind.items():
            for stretch in deliveries.stretches(waiting):
                dock = Dock(store, desk_clock.now(), market_at)
                _back_fill(context, dock, source, universe, secondary, stretch, settings, found)
        _tell(ledger, found)
    return dg.MaterializeResult(
        metadata={
            "sessions": len(sessions),
            "first_session": str(sessions[0]),
            "last_session": str(sessions[-1]),
            "fetched_sessions": len(missing),
            "dagster/row_count": found.rows,
            "lake": store.name,
            **_about(found, order),
        }
    )


def _fetch(
    context: dg.AssetExecutionContext,
    dock: Dock,
    source: MarketData,
    universe: Universe,
    waiting: Waiting,
    order: Sequence[str],
    found: _Found,
) -> None:
    """Ask for a stretch of sessions and land what was not there."""
    first, last = min(waiting), max(waiting)
    symbols = sorted(frozenset().union(*waiting.values()))
    context.log.info(
        f"Asking {', then '.join(order)} for {first} to {last}: {len(symbols)} symbols are missing"
    )
    delivered = deliveries.delivery(dock.store, source, universe, waiting)
    served = deliveries.servers(delivered)
    found.served += served
    found.rows += deliveries.land(dock, delivered)
    if "daily" not in delivered:
        context.log.warning(
            f"No source has a bar of {', '.join(symbols[:_NAMED])} from {first} to "
            f"{last}; {len(symbols)} symbols"
        )
        return
    deliveries.note_silence(dock, waiting, delivered["daily"])
    if (delivered["daily"]["source"] != order[0]).any():
        told = ", ".join(f"{name} {rows} bars" for name, rows in served.items())
        context.log.warning(
            f"{order[0]} did not serve all of {first} to {last}: {told}. "
            "See the alerts for why; it is asked again when it is back."
        )


def _back_fill(
    context: dg.AssetExecutionContext,
    dock: Dock,
    source: RankedMarketData,
    universe: Universe,
    secondary: str,
    stretch: Sequence[date],
    settings: Settings,
    found: _Found,
) -> None:
    try:
        comparison, key = deliveries.back_fill(
            dock, source.before(secondary), universe,
            secondary=secondary, sessions=stretch, settings=settings.sources,
        )  # fmt: skip
    except NoSourceError as e:
        context.log.warning(
            f"{stretch[0]} to {stretch[-1]}, served by {secondary}, still wait for a better "
            f"source: {e}"
        )
        return
    found.comparisons.append((comparison, key))
    context.log_event(
        dg.AssetObservation(
            asset_key=context.asset_key,
            description=comparison.sentence,
            metadata={"differences": _table([comparison]), "comparison": key},
        )
    )


def _tell(ledger: Engine, found: _Found) -> None:
    """Raise an alert for each comparison with differences."""
    for comparison, key in found.comparisons:
        if comparison.differences.height:
            with ledger.begin() as conn:
                ledger_sources.differed(
                    conn,
                    comparison.primary,
                    comparison.secondary,
                    sentence=comparison.sentence,
                    report=key,
                    desk_at=comparison.compared_at,
                )


def _about(found: _Found, order: Sequence[str]) -> dict[str, dg.MetadataValue]:
    about: dict[str, dg.MetadataValue] = {"sources": dg.MetadataValue.text(", then ".join(order))}
    if found.served:
        about["served_by"] = dg.MetadataValue.json(dict(found.served))
    if found.comparisons:
        done = [comparison for comparison, _ in found.comparisons]
        about |= {
            "back_filled_sessions": dg.MetadataValue.int(sum(len(c.sessions) for c in done)),
            "figures_that_differ": dg.MetadataValue.int(sum(c.differences.height for c in done)),
            "differences": _table(done),
        }
    return about


def _table(done: Sequence[Comparison]) -> dg.MetadataValue:
    rows = [row for c in done for row in c.differences.iter_rows(named=True)][:_SHOWN]
    columns = [
        dg.TableColumn(name, "string" if name in {"symbol", "session", "field"} else "float")
        for name in done[0].differences.columns
    ]
    return dg.MetadataValue.table(
        [dg.TableRecord({**row, "session": str(row["session"])}) for row in rows],
        schema=dg.TableSchema(columns),
    )
