"""Risk figures per session."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "session": pl.Date, "portfolio": pl.String, "measure": pl.String, "method": pl.String,
    "level": pl.Float64, "horizon": pl.Int32, "value": pl.Float64, "unit": pl.String,
    "n_obs": pl.Int32, "known_at": INSTANT,
}  # fmt: skip
_SUBJECT = versions.Subject(
    "risk.figures",
    key=("session", "portfolio", "measure", "method", "level", "horizon", "known_at"),
    values=("value", "unit", "n_obs"),
)
_FIGURES = """
select session, portfolio, measure, method, level, horizon, value, unit, n_obs, known_at
from risk.figures
where session between $first and $last
  and ($portfolio is null or portfolio = $portfolio)
  and known_at <= $as_of
qualify row_number() over (
    partition by session, portfolio, measure, method, level, horizon
    order by known_at desc, recorded_at desc
) = 1
order by session, portfolio, measure, method, level, horizon
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add risk figures; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("risk.figures")`.
    frame : polars.DataFrame
        The columns of `risk.figures` without recorded_at; level may be null. Losses are positive.
    """
    rows = conformed(frame, SCHEMA, table="risk.figures", defaults={"level": None})
    return versions.record(conn, _SUBJECT, rows)


def figures(
    conn: duckdb.DuckDBPyConnection,
    first: date,
    last: date,
    *,
    as_of: datetime,
    portfolio: str | None = None,
) -> pl.DataFrame:
    """Risk figures of sessions from `first` to `last`, as known at `as_of`.

    Columns of `risk.figures` without recorded_at; of one portfolio when named.
    """
    asked = {"first": first, "last": last, "portfolio": portfolio}
    return selected(conn, _FIGURES, asked | {"as_of": require_aware(as_of, name="as_of")})
