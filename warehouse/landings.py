"""Objects of the lake that were loaded."""

from __future__ import annotations

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, selected

SCHEMA: Schema = {
    "object_key": pl.String, "sha256": pl.String, "kind": pl.String, "source": pl.String,
    "feed": pl.String, "rows": pl.Int64, "first_session": pl.Date, "last_session": pl.Date,
    "landed_at": INSTANT,
}  # fmt: skip
_LATEST = "select * from market.landings where kind = $kind order by landed_at, object_key"


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add loaded objects, each key once; return how many were new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.landings")`.
    frame : polars.DataFrame
        The columns of `market.landings` without loaded_at; feed may be absent.
    """
    rows = conformed(frame, SCHEMA, table="market.landings", defaults={"feed": None})
    subject = versions.Subject("market.landings", key=("object_key",), written="loaded_at")
    return versions.record(conn, subject, rows)


def latest(conn: duckdb.DuckDBPyConnection, *, kind: str) -> pl.DataFrame:
    """Objects of a kind that were loaded, in the order of their landing; for checks and screens."""
    return selected(conn, _LATEST, {"kind": kind})
