"""Minute bars of a session, asked for after its close: what the live feed missed is healed."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import load
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import decision_time, require_closed
from assets.market import daily_bars
from assets.minute_days import DaysMade, days_made
from assets.partitions import SESSIONS, as_session
from assets.sources import MarketData
from config.settings import Settings
from config.universe import Universe
from quality import suites, verdicts
from quality.calendar import exchange
from quality.rules.minute import judge_minutes
from quality.rules.model import Judgement
from warehouse import Warehouse, bars, findings, landings, quarantine
from warehouse import verdicts as warehouse_verdicts

_TABLES = (
    "market.landings",
    "market.minute_bars",
    "quality.verdicts",
    "quality.findings",
    "quality.quarantine",
    "quality.reports",
)


@dg.asset(
    deps=[daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="market",
    kinds={"duckdb"},
    owners=["team:data"],
)
def minute_bars(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    source: dg.ResourceParam[MarketData],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Open, high, low, close (USD, unadjusted) and volume (shares) per minute and symbol.

    In replay they are simulated, consistent with each real daily bar, and marked so.
    """
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    suites.prepare()
    docs = Path(settings.home) / "data_docs"
    rows = held = 0
    served: set[str] = set()
    reasons: Counter[str] = Counter()
    simulated = False
    for session in sessions:
        judgement, days = judged(warehouse, source, universe, session)
        landed = load.objects(store, "minute", session, session, universe.names).landed()
        write(warehouse, judgement, days, session, landed, docs=docs, run_id=context.run_id)
        reasons += days.reasons
        rows += judgement.passed.height
        held += judgement.held.height
        served |= set(judgement.passed["source"])
        simulated = simulated or bool(judgement.passed["simulated"].any())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "rows_held_back": held,
            "simulated": simulated,
            "sources": ", ".join(sorted(served)),
            "days_made_from_minutes": dict(reasons),
        }
    )


def judged(
    warehouse: Warehouse, source: MarketData, universe: Universe, session: date
) -> tuple[Judgement, DaysMade]:
    """Return what the rules say of a session's minutes, and of the days the regular ones make.

    Extended hours are kept: the rules ask less of them, and `warehouse.minutes.marked` tells them.
    """
    delivered = source.minutes(universe.names, session)
    calendar = exchange()
    with warehouse.reader() as conn:
        daily = bars.ohlcv(conn, universe.names, session, session, as_of=decision_time(session))
    judgement = judge_minutes(
        delivered, calendar=calendar, daily=daily, sessions=[session], now=decision_time(session)
    )
    return judgement, days_made(judgement.passed, daily, calendar)


def write(
    warehouse: Warehouse,
    judgement: Judgement,
    days: DaysMade,
    session: date,
    landed: pl.DataFrame,
    *,
    docs: Path,
    run_id: str,
) -> None:
    """Write a session's minutes with all that was said of them, and the report into `docs`.

    `landed` are the objects of the lake that they were read from, none for a source's minutes.
    """
    report = suites.record(
        judgement,
        suite="minute_bars",
        sessions=[session],
        docs_dir=docs,
        run_id="delivery",
    )
    passed = judgement.passed.with_columns(
        healed=pl.lit(value=True),
        known_at=pl.col("bar_start") + pl.duration(minutes=1),
    )
    told = replace(judgement, findings=(*judgement.findings, *days.findings))
    page = verdicts.report_row(
        report, suite="minute_bars", first=session, last=session, run_id=run_id
    )

    def written(conn: duckdb.DuckDBPyConnection) -> None:
        landings.record(conn, landed)
        bars.append_minutes(conn, passed, learned_at=decision_time(session))
        findings.record(conn, verdicts.finding_rows(told, known_at=decision_time))
        quarantine.record(conn, verdicts.quarantine_rows(judgement, known_at=decision_time))
        warehouse_verdicts.record(
            conn, verdicts.verdict_rows(judgement, known_at=decision_time, report=report.path)
        )
        findings.record_reports(conn, page)

    warehouse.write(written, *_TABLES)
