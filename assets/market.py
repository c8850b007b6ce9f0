"""From raw objects to judged bars in the warehouse."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import load
from adapters.market_data.landing import Kind
from adapters.object_store.protocol import ObjectStore
from assets import memberships
from assets.blocks import in_chunks
from assets.desk_time import decision_time, require_closed
from assets.gate import Gate
from assets.lake import lake_daily_bars
from assets.partitions import SESSIONS, as_session
from config.settings import Settings
from config.universe import Universe
from warehouse import Warehouse, actions, index, landings
from warehouse import universe as universe_table
from warehouse.versions import Appended

_OWNERS = ["team:data"]


@dg.asset(
    deps=[lake_daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="market",
    kinds={"duckdb"},
    owners=_OWNERS,
)
def corporate_actions(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """Splits (new shares per old) and dividends (USD per share) by ex-date."""
    first, last = _span(context)
    frame = _one_word_at_a_time(load.action_versions(store, first, last), "ex_date", "kind")
    landed = _landed(store, "actions", first, last)

    def write(conn: duckdb.DuckDBPyConnection) -> Appended:
        landings.record(conn, landed)
        return actions.append(conn, frame) if frame.height else Appended()

    tally = warehouse.write(write, "market.corporate_actions", "market.landings")
    return dg.MaterializeResult(metadata=_metadata(tally, first, last))


@dg.asset(
    deps=[lake_daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="market",
    kinds={"duckdb"},
    owners=_OWNERS,
)
def index_bars(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """Open, high, low and close (index points) of the benchmark per session."""
    first, last = _span(context)
    frame = _one_word_at_a_time(load.versions(store, first, last, kind="index"), "session")
    month = first - timedelta(days=31)
    rates = load.rates(store, month, last)
    landed = pl.concat([_landed(store, "index", first, last), _landed(store, "rates", month, last)])

    def write(conn: duckdb.DuckDBPyConnection) -> Appended:
        landings.record(conn, landed)
        if rates.height:
            index.append_rates(conn, rates)
        return index.append_bars(conn, frame)

    tally = warehouse.write(write, "market.index_bars", "market.rates", "market.landings")
    return dg.MaterializeResult(metadata=_metadata(tally, first, last))


@dg.asset(
    deps=[lake_daily_bars, corporate_actions, index_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="market",
    kinds={"duckdb"},
    owners=_OWNERS,
)
def daily_bars(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Open, high, low, close (USD, unadjusted) and volume (shares) per symbol and session.

    Each row is judged first. Rows with an error are quarantined, and their symbol is held back
    for that session; the others go on.
    """
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    gate = Gate(store, warehouse, universe, Path(settings.home) / "data_docs", context.run_id)
    for done in gate.load(list(in_chunks(sessions))):
        context.log.info(
            f"{done.first} to {done.last} of {sessions[0]} to {sessions[-1]}: "
            f"{done.passed} rows passed, {done.held} held back"
        )
    _write_members(store, warehouse, universe, sessions[-1])
    return dg.MaterializeResult(
        metadata=_metadata(gate.tally, sessions[0], sessions[-1])
        | {
            "rows_held_back": gate.held,
            "findings": gate.findings,
            "report": f"/data-docs/{gate.report}",
        }
    )


def _write_members(
    store: ObjectStore, warehouse: Warehouse, universe: Universe, last: date
) -> None:
    firsts = load.first_sessions(store, "daily", universe.names)
    with warehouse.reader() as conn:
        members = memberships.known(conn, universe, firsts, as_of=decision_time(last))
    warehouse.write(lambda conn: universe_table.record(conn, members), "market.universe")


def _one_word_at_a_time(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Return the last of several values of a key that one landing brought."""
    return rows.unique(["symbol", *key, "learned_at"], keep="last", maintain_order=True)


def _landed(store: ObjectStore, kind: Kind, first: date, last: date) -> pl.DataFrame:
    return load.objects(store, kind, first, last).landed()


def _span(context: dg.AssetExecutionContext) -> tuple[date, date]:
    keys = context.partition_keys
    return as_session(keys[0]), as_session(keys[-1])


def _metadata(tally: Appended, first: date, last: date) -> dict[str, int | str]:
    return {
        "dagster/row_count": tally.new + tally.restated + tally.unchanged,
        "rows_new": tally.new,
        "rows_unchanged": tally.unchanged,
        "rows_restated": tally.restated,
        "first_session": str(first),
        "last_session": str(last),
    }
