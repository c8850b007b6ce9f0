"""Rows held back, and what a steward decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "quarantine_id": pl.String, "finding_id": pl.String, "dataset": pl.String,
    "symbol": pl.String, "session": pl.Date, "bar_start": INSTANT, "row": pl.String,
    "status": pl.String, "person": pl.String, "reason": pl.String, "known_at": INSTANT,
}  # fmt: skip
_STATE = """
select quarantine_id, finding_id, dataset, symbol, session, bar_start, row, status, person, reason,
       known_at
from quality.quarantine
where $quarantine_id is null or quarantine_id = $quarantine_id
qualify row_number() over (
    partition by quarantine_id
    order by known_at desc, status = 'held', recorded_at desc
) = 1
order by session, symbol, bar_start
"""
_HELD_BARS = """
with state as (
    select symbol, session, row, status
    from quality.quarantine
    where dataset = 'daily_bars'
      and symbol in (select unnest($symbols::varchar[]))
      and session between $first and $last
      and known_at <= $as_of
    qualify row_number() over (
        partition by quarantine_id
        order by known_at desc, status = 'held', recorded_at desc
    ) = 1
)
select symbol, session,
       try_cast(row ->> '$.open' as double) as open, try_cast(row ->> '$.high' as double) as high,
       try_cast(row ->> '$.low' as double) as low, try_cast(row ->> '$.close' as double) as close,
       try_cast(row ->> '$.volume' as double) as volume
from state
where status in ('held', 'confirmed')
order by symbol, session
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add states of held rows, each quarantine_id and status once; return how many were new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("quality.quarantine")`.
    frame : polars.DataFrame
        The columns of `quality.quarantine` without recorded_at; bar_start, person and reason may
        be absent.
    """
    optional = {"bar_start": None, "person": None, "reason": None}
    rows = conformed(frame, SCHEMA, table="quality.quarantine", defaults=optional)
    subject = versions.Subject("quality.quarantine", key=("quarantine_id", "status"))
    return versions.record(conn, subject, rows)


def latest_states(
    conn: duckdb.DuckDBPyConnection, *, quarantine_id: str | None = None
) -> pl.DataFrame:
    """Each held row in its newest state, or that of `quarantine_id`; for decisions and screens.

    Columns: quarantine_id, finding_id, dataset, symbol, session, bar_start, row (JSON as
    delivered), status, person, reason, known_at.
    """
    return selected(conn, _STATE, {"quarantine_id": quarantine_id})


def latest_held(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Those of `latest_states` that wait for a decision."""
    return latest_states(conn).filter(pl.col("status") == "held")


def held_bars(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Daily bars that were in quarantine at `as_of`, as they were delivered.

    Columns: symbol, session, open, high, low, close (USD), volume (shares); null where the row
    said nothing readable. A bar may occur more than once when it was delivered differently.
    """
    asked = {"symbols": list(symbols), "first": first, "last": last}
    return selected(conn, _HELD_BARS, asked | {"as_of": require_aware(as_of, name="as_of")})
