"""Frames into and out of DuckDB, through Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import duckdb
import polars as pl

INSTANT = pl.Datetime("us", "UTC")
Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def selected(
    conn: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Return the rows of a query; `values` are bound, never formatted into it."""
    return pl.DataFrame(conn.execute(sql, dict(values or {})).to_arrow_table())


@contextmanager
def registered(conn: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    """Let queries of `conn` read `frame` under `name` for the time of the block."""
    conn.register(name, frame.to_arrow())
    try:
        yield
    finally:
        conn.unregister(name)


def conformed(
    frame: pl.DataFrame,
    schema: Schema,
    *,
    table: str,
    defaults: Mapping[str, object] | None = None,
) -> pl.DataFrame:
    """Return `frame` with exactly the columns and types of `schema`.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows meant for `table`; further columns are left out.
    schema : mapping
        Column names and polars types.
    table : str
        Name for the error message.
    defaults : mapping, optional
        Values for columns that may be absent.

    Raises
    ------
    ValueError
        If a column without default is absent, holds nulls, or cannot take its type.
    """
    optional = defaults or {}
    missing = [c for c in schema if c not in frame.columns and c not in optional]
    if missing:
        raise ValueError(
            f"Rows for {table} must have the columns {', '.join(missing)}; "
            f"the frame has {', '.join(frame.columns) or 'none'}."
        )
    try:
        whole = frame.select(
            pl.col(name).cast(dtype, strict=True)
            if name in frame.columns
            else pl.lit(optional[name], dtype=dtype).alias(name)
            for name, dtype in schema.items()
        )
    except pl.exceptions.PolarsError as e:
        raise ValueError(f"Rows for {table} do not fit its columns: {e}") from e
    empty = [c for c in schema if optional.get(c, "") is not None and whole[c].null_count()]
    if empty:
        raise ValueError(
            f"Rows for {table} must have a value in {', '.join(empty)}; some are null."
        )
    return whole


def require_aware(moment: datetime, *, name: str) -> datetime:
    """Return `moment`, an instant with a time zone.

    Raises
    ------
    ValueError
        If it has none.
    """
    offset: timedelta | None = moment.utcoffset()
    if offset is None:
        raise ValueError(f"`{name}` must be an aware instant (UTC), was {moment.isoformat()}.")
    return moment
