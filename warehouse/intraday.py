"""What intraday strategies want, minute by minute."""

from __future__ import annotations

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, selected

SCHEMA: Schema = {
    "session": pl.Date, "symbol": pl.String, "strategy": pl.String, "bar_start": INSTANT,
    "side": pl.Int32, "close": pl.Float64, "stop": pl.Float64, "simulated": pl.Boolean,
    "known_at": INSTANT,
}  # fmt: skip
_SUBJECT = versions.Subject(
    "portfolio.intraday_signals",
    key=("session", "symbol", "strategy", "bar_start", "known_at"),
    values=("side", "close", "stop", "simulated"),
)
_LATEST = """
select session, symbol, strategy, bar_start, side, close, stop, simulated, known_at
from portfolio.intraday_signals
where session = (select max(session) from portfolio.intraday_signals)
qualify row_number() over (
    partition by symbol, strategy order by bar_start desc, known_at desc, recorded_at desc
) = 1
order by strategy, symbol
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add what is wanted after a bar; return how many rows said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("portfolio.intraday_signals")`.
    frame : polars.DataFrame
        The columns of `portfolio.intraday_signals` without recorded_at; stop may be null.
    """
    rows = conformed(frame, SCHEMA, table=_SUBJECT.table, defaults={"stop": None})
    return versions.record(conn, _SUBJECT, rows)


def latest(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Newest word on each symbol of the newest session; for screens."""
    return selected(conn, _LATEST)
