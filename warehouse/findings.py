"""What the rules found, and the reports of the suites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "finding_id": pl.String, "dataset": pl.String, "symbol": pl.String, "session": pl.Date,
    "bar_start": INSTANT, "rule": pl.String, "severity": pl.String, "message": pl.String,
    "figures": pl.String, "known_at": INSTANT,
}  # fmt: skip
REPORT_SCHEMA: Schema = {
    "report_id": pl.String, "suite": pl.String, "first_session": pl.Date,
    "last_session": pl.Date, "expectations": pl.Int32, "passed": pl.Int32, "path": pl.String,
    "run_id": pl.String,
}  # fmt: skip
_KNOWN = """
select finding_id, dataset, symbol, session, bar_start, rule, severity, message, figures, known_at
from quality.findings
where dataset = $dataset and session between $first and $last and known_at <= $as_of
order by session, symbol, rule
"""
_HELD_BY_RULE = """
select f.rule,
       count(distinct (q.symbol, q.session, q.bar_start,
                       case when q.dataset = 'options' then q.quarantine_id end)) as bars
from quality.quarantine q join quality.findings f using (finding_id)
where q.status = 'held'
  and q.symbol in (select unnest($symbols::varchar[]))
  and q.session between $first and $last
group by f.rule
order by bars desc, f.rule
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add findings, each `finding_id` once; return how many were new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("quality.findings")`.
    frame : polars.DataFrame
        The columns of `quality.findings` without recorded_at; bar_start may be absent.
    """
    rows = conformed(frame, SCHEMA, table="quality.findings", defaults={"bar_start": None})
    return versions.record(conn, versions.Subject("quality.findings", key=("finding_id",)), rows)


def record_reports(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add reports, each `report_id` once; table `quality.reports`; return how many were new."""
    rows = conformed(frame, REPORT_SCHEMA, table="quality.reports", defaults={"run_id": None})
    return versions.record(conn, versions.Subject("quality.reports", key=("report_id",)), rows)


def known(
    conn: duckdb.DuckDBPyConnection,
    first: date,
    last: date,
    *,
    as_of: datetime,
    dataset: str = "daily_bars",
) -> pl.DataFrame:
    """Findings on sessions from `first` to `last`, as known at `as_of`."""
    asked = {"dataset": dataset, "first": first, "last": last}
    return selected(conn, _KNOWN, asked | {"as_of": require_aware(as_of, name="as_of")})


def latest_held_by_rule(
    conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], first: date, last: date
) -> pl.DataFrame:
    """Bars and quotes held back, by the rule that holds them (rule, bars); for screens."""
    return selected(conn, _HELD_BY_RULE, {"symbols": list(symbols), "first": first, "last": last})
