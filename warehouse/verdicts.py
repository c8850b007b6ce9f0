"""Whether the data of a symbol and session may be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "dataset": pl.String, "symbol": pl.String, "session": pl.Date, "status": pl.String,
    "checks": pl.Int32, "checks_passed": pl.Int32, "finding_id": pl.String, "report": pl.String,
    "known_at": INSTANT,
}  # fmt: skip
_SUBJECT = versions.Subject(
    "quality.verdicts",
    key=("dataset", "symbol", "session", "known_at"),
    values=("status", "checks", "checks_passed", "finding_id", "report"),
)
_LATEST = """
select dataset, symbol, session, status, checks, checks_passed, finding_id, report, known_at
from quality.verdicts
where dataset = $dataset and session in (select unnest($sessions::date[]))
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc
) = 1
order by session, symbol
"""
_STATUS = """
with newest as (
    select symbol, status, finding_id, report, known_at
    from quality.verdicts
    where dataset = $dataset
      and session = $session
      and symbol in (select unnest($symbols::varchar[]))
      and known_at <= $as_of
    qualify row_number() over (partition by symbol order by known_at desc, recorded_at desc) = 1
)
select asked.symbol, n.status, coalesce(n.status in ('passed', 'released'), false) as usable,
       n.finding_id, f.rule, f.message, n.report, n.known_at
from (select unnest($symbols::varchar[]) as symbol) asked
left join newest n on n.symbol = asked.symbol
left join quality.findings f on f.finding_id = n.finding_id
qualify row_number() over (partition by asked.symbol order by f.recorded_at desc) = 1
order by asked.symbol
"""


_NEWEST = """
select max(session) from quality.verdicts where dataset = $dataset and session <= $last
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add verdicts; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("quality.verdicts")`.
    frame : polars.DataFrame
        The columns of `quality.verdicts` without recorded_at; finding_id and report may be absent.
    """
    optional = {"finding_id": None, "report": None}
    return versions.record(
        conn, _SUBJECT, conformed(frame, SCHEMA, table=_SUBJECT.table, defaults=optional)
    )


def latest(
    conn: duckdb.DuckDBPyConnection, sessions: Sequence[date], *, dataset: str = "daily_bars"
) -> pl.DataFrame:
    """Newest verdict per symbol of some sessions, whenever it was known; for checks and screens."""
    return selected(conn, _LATEST, {"dataset": dataset, "sessions": list(sessions)})


def newest_session(
    conn: duckdb.DuckDBPyConnection, *, last: date, dataset: str = "daily_bars"
) -> date | None:
    """Newest session up to `last` that was judged; None when there is none."""
    found = conn.execute(_NEWEST, {"dataset": dataset, "last": last}).fetchone()
    return None if found is None else found[0]


def held_back(
    conn: duckdb.DuckDBPyConnection, sessions: Sequence[date], *, dataset: str = "daily_bars"
) -> pl.DataFrame:
    """Those of `latest` that may not be used."""
    return latest(conn, sessions, dataset=dataset).filter(
        ~pl.col("status").is_in(["passed", "released"])
    )


def status(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    session: date,
    *,
    as_of: datetime,
    dataset: str = "daily_bars",
) -> pl.DataFrame:
    """Whether each symbol may be traded on its data of `session`, as known at `as_of`.

    Returns
    -------
    polars.DataFrame
        One row per symbol asked about: symbol, status (null without verdict), usable (false
        without verdict), finding_id, rule, message, report, known_at.
    """
    asked = {"dataset": dataset, "session": session, "symbols": list(symbols)}
    return selected(conn, _STATUS, asked | {"as_of": require_aware(as_of, name="as_of")})
