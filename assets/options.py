"""Option quotes that were landed, judged and stored; nothing is traded on them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

import dagster as dg
import duckdb
import polars as pl
from sqlalchemy import Engine

from adapters.market_data import load
from adapters.object_store.protocol import ObjectStore
from assets.desk_time import decision_time, require_closed
from assets.market import daily_bars
from assets.partitions import SESSIONS, as_session
from config.settings import Settings
from config.universe import Universe
from quality import suites, verdicts
from quality.calendar import exchange
from quality.rules.model import Judgement, Severity
from quality.rules.options import judge_options
from warehouse import Warehouse, actions, bars, findings, landings, quarantine
from warehouse import options as stored_options
from warehouse import verdicts as warehouse_verdicts
from warehouse.versions import Appended

_CONTRACT: Final = ("symbol", "session", "expiry", "strike", "right")
_TABLES: Final = (
    "market.options",
    "market.landings",
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
def options(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[ObjectStore],
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Bid, ask and figures of option contracts (USD per share) as they were landed by people.

    Each quote is judged beside its chain and the quotes before it; one with an error is
    quarantined. No source is asked for options, and no order may be made of them.
    """
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    suites.prepare()
    loader = Loader(store, warehouse, universe, Path(settings.home) / "data_docs", context.run_id)
    tally, held = Appended(), 0
    for session in sessions:
        for stored, refused in loader.load(session):
            tally, held = tally + stored, held + refused
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": tally.new + tally.restated + tally.unchanged,
            "quotes_new": tally.new,
            "quotes_unchanged": tally.unchanged,
            "quotes_restated": tally.restated,
            "quotes_held_back": held,
        }
    )


@dataclass(frozen=True)
class Loader:
    """Brings landed quotes into the warehouse, session by session."""

    store: ObjectStore
    warehouse: Warehouse
    universe: Universe
    docs: Path
    run_id: str

    def load(self, session: date) -> Iterator[tuple[Appended, int]]:
        """Judge and write what was landed of a session, in the order in which it was learned.

        Yield what became of each part: rows written, and how many are held back.
        """
        names = self.universe.names
        delivered = load.option_versions(self.store, session, symbols=names)
        landed = load.objects(self.store, "options", session, session, names).landed()
        for known_at, rows in _as_learned(delivered, session):
            judgement = self._judged(rows, session, known_at)
            yield self._store(judgement, rows, session, known_at, landed), judgement.held.height

    def _judged(self, rows: pl.DataFrame, session: date, known_at: datetime) -> Judgement:
        """Judge a session's quotes beside those of the same contracts before it."""
        names = self.universe.names
        with self.warehouse.reader() as conn:
            earlier = stored_options.before(conn, names, session, as_of=known_at)
            begin = min([session, *earlier["session"]])
            known = actions.known(conn, names, begin, session, as_of=known_at)
            closes = bars.closes(conn, names, begin, session, as_of=known_at)
        quotes = pl.concat([earlier, rows], how="diagonal_relaxed").select(rows.columns)
        judgement = judge_options(
            quotes,
            calendar=exchange(),
            actions=known,
            closes=closes,
            until=exchange().last_closed(known_at),
        )
        return _with_own_reasons(_of(judgement, session))

    def _store(
        self,
        judgement: Judgement,
        rows: pl.DataFrame,
        session: date,
        known_at: datetime,
        landed: pl.DataFrame,
    ) -> Appended:
        corrected = not rows["assumed"].all()
        report = suites.record(
            judgement,
            suite="options",
            sessions=[session],
            docs_dir=self.docs,
            # A repeated run renders its sessions' page anew.
            run_id=f"correction {known_at.isoformat()}" if corrected else "delivery",
        )
        page = verdicts.report_row(
            report, suite="options", first=session, last=session, run_id=self.run_id
        )

        def known(_: date) -> datetime:
            return known_at

        def write(conn: duckdb.DuckDBPyConnection) -> Appended:
            tally = stored_options.append(conn, judgement.passed)
            landings.record(conn, landed)
            findings.record(conn, verdicts.finding_rows(judgement, known_at=known))
            quarantine.record(conn, verdicts.quarantine_rows(judgement, known_at=known))
            warehouse_verdicts.record(
                conn, verdicts.verdict_rows(judgement, known_at=known, report=report.path)
            )
            findings.record_reports(conn, page)
            return tally

        return self.warehouse.write(write, *_TABLES)


def _as_learned(delivered: pl.DataFrame, session: date) -> Iterator[tuple[datetime, pl.DataFrame]]:
    """Yield each state of a session's chains, and since when it is known.

    The first one, then each with corrections learned at one time in the place of what they correct.
    """
    if delivered.is_empty():
        return
    corrections = delivered.filter(~pl.col("assumed"))["known_at"].unique().sort().to_list()
    for at in (decision_time(session), *corrections):
        known = delivered.filter(pl.col("assumed") | (pl.col("known_at") <= at))
        newest = pl.col("known_at") == pl.col("known_at").max().over(_CONTRACT)
        yield at, known.filter(newest)


def _of(judgement: Judgement, session: date) -> Judgement:
    """Return what is said of a session's rows; those before it were judged in their own."""
    mine = pl.col("session") == session
    return replace(
        judgement,
        passed=judgement.passed.filter(mine),
        held=judgement.held.filter(mine),
        findings=tuple(f for f in judgement.findings if f.session == session),
        verdicts=judgement.verdicts.filter(mine),
        outcomes=judgement.outcomes.filter(mine),
    )


def _with_own_reasons(judgement: Judgement) -> Judgement:
    """Name for each held quote the first error of its own contract, not of its whole chain."""
    found = [
        (
            f.finding_id, f.rule, f.symbol, f.session, f.figures["expiry"], f.figures["strike"],
            f.figures["right"],
        )
        for f in judgement.findings
        if f.severity is Severity.ERROR
    ]  # fmt: skip
    errors = pl.DataFrame(
        found,
        schema={
            "finding_id": pl.String, "rule": pl.String, "symbol": pl.String, "session": pl.Date,
            "expiry": pl.String, "strike": pl.Float64, "right": pl.String,
        },
        orient="row",
    ).with_columns(pl.col("expiry").str.to_date(strict=False))  # fmt: skip
    held = judgement.held.drop("finding_id", "rule").join(
        errors.unique(_CONTRACT, keep="first", maintain_order=True),
        on=_CONTRACT, how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    return replace(judgement, held=held)
