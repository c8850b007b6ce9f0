"""From raw objects to judged bars in the warehouse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import load
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import decision_time, require_closed
from assets.lake import lake_daily_bars
from assets.partitions import SESSIONS, as_session
from config.settings import Settings
from config.universe import Universe
from quality import suites, verdicts
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Judgement
from warehouse import Warehouse, actions, bars, findings, index, quarantine
from warehouse import verdicts as warehouse_verdicts
from warehouse.versions import Appended

_OWNERS = ["team:data"]
# What the rules look back at: a year of sessions for volatility, and room for gaps.
_JUDGED_WITH = timedelta(days=400)
# Five years: a report and a transaction for each cost more than the rows do.
_CHUNK = 1260  # sessions
_QUALITY_TABLES = (
    "market.daily_bars",
    "quality.verdicts",
    "quality.findings",
    "quality.quarantine",
    "quality.reports",
)


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
    frame = load.actions(store, first, last)
    tally = Appended()
    if frame.height:
        tally = warehouse.write(
            lambda conn: actions.append(conn, frame), "market.corporate_actions"
        )
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
    frame = load.index(store, first, last)
    tally = warehouse.write(lambda conn: index.append_bars(conn, frame), "market.index_bars")
    rates = load.rates(store, first - timedelta(days=31), last)
    if rates.height:
        warehouse.write(lambda conn: index.append_rates(conn, rates), "market.rates")
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
    tally, judged = Appended(), []
    for chunk in in_chunks(sessions):
        delivered = load.daily(store, chunk[0], chunk[-1], symbols=universe.names)
        judgement = _judged(warehouse, delivered, chunk, universe)
        report = suites.record(
            judgement,
            suite="daily_bars",
            sessions=chunk,
            docs_dir=Path(settings.home) / "data_docs",
            run_id="delivery",  # a repeated run renders its sessions' page anew
        )
        tally += _store(warehouse, judgement, report, chunk, context.run_id)
        judged.append(judgement)
        context.log.info(
            f"{chunk[0]} to {chunk[-1]}: {judgement.passed.height} rows passed, "
            f"{judgement.held.height} held back"
        )
    return dg.MaterializeResult(
        metadata=_metadata(tally, sessions[0], sessions[-1])
        | {
            "rows_held_back": sum(j.held.height for j in judged),
            "findings": sum(len(j.findings) for j in judged),
            "report": f"/data-docs/{report.path}",
        }
    )


def in_chunks(sessions: Sequence[date]) -> Iterator[list[date]]:
    """Split sessions so that a long range is judged and written in few, bounded transactions."""
    for begin in range(0, len(sessions), _CHUNK):
        yield list(sessions[begin : begin + _CHUNK])


@dataclass(frozen=True)
class _Context:
    """What the rules compare a delivery with."""

    previous: pl.DataFrame
    actions: pl.DataFrame
    index: pl.DataFrame


def _judged(
    warehouse: Warehouse, delivered: pl.DataFrame, chunk: list[date], universe: Universe
) -> Judgement:
    known = _known(warehouse, chunk, universe)
    return judge_daily(
        delivered,
        calendar=exchange(),
        previous=known.previous,
        actions=known.actions,
        index=known.index,
        sessions=chunk,
        until=chunk[-1],
    )


def _known(warehouse: Warehouse, chunk: list[date], universe: Universe) -> _Context:
    as_of = decision_time(chunk[-1])
    begin, before = chunk[0] - _JUDGED_WITH, chunk[0] - timedelta(days=1)
    with warehouse.reader() as conn:
        return _Context(
            previous=bars.ohlcv(conn, universe.names, begin, before, as_of=as_of),
            actions=actions.known(conn, universe.names, begin, chunk[-1], as_of=as_of),
            index=index.bars(conn, universe.index, begin, chunk[-1], as_of=as_of),
        )


def _store(
    warehouse: Warehouse,
    judgement: Judgement,
    report: suites.Report,
    chunk: list[date],
    run_id: str,
) -> Appended:
    found = verdicts.finding_rows(judgement, known_at=decision_time)
    held = verdicts.quarantine_rows(judgement, known_at=decision_time)
    judged = verdicts.verdict_rows(judgement, known_at=decision_time, report=report.path)
    page = verdicts.report_row(
        report, suite="daily_bars", first=chunk[0], last=chunk[-1], run_id=run_id
    )

    def write(conn: duckdb.DuckDBPyConnection) -> Appended:
        tally = bars.append_bars(conn, judgement.passed)
        findings.record(conn, found)
        quarantine.record(conn, held)
        warehouse_verdicts.record(conn, judged)
        findings.record_reports(conn, page)
        return tally

    return warehouse.write(write, *_QUALITY_TABLES)


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
