"""Frames into and out of DuckDB, through Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

INSTANT = pl.Datetime("us", "UTC")
_DAYS = 1 << 22  # more than there are between the first and the last date there can be
Schema = Mapping[str, pl.DataType | type[pl.DataType]]
IntArray = npt.NDArray[np.integer[Any]]


def selected(
    conn: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Return the rows of a query; `values` are bound, never formatted into it."""
    return pl.DataFrame(conn.execute(sql, dict(values or {})).to_arrow_table())


def in_order(frame: pl.DataFrame, by: tuple[str, str]) -> pl.DataFrame:
    """Return `frame` sorted by symbol and session, or session and symbol, as `by` says.

    Rows with the same key stay in their order.
    """
    coded = frame.select(
        _code(frame, frame["symbol"].unique().sort()).alias("symbol"), by[by[0] == "symbol"]
    )
    if frame.is_empty() or _are_sorted(coded, by):
        return frame
    return frame[order(coded, by)]


def order(frame: pl.DataFrame, by: tuple[str, str]) -> IntArray:
    """Return the rows of `frame` in the order of two columns, whole numbers or dates.

    Rows with the same key stay in their order. Small numbers are sorted one after the other: for
    those numpy counts instead of comparing, many times as fast as words.
    """
    if frame.is_empty():
        return np.empty(0, dtype=np.int64)
    first, second = (_smallest(frame[name].to_physical()) for name in by)
    if (second[1:] >= second[:-1]).all():
        return first.argsort(kind="stable")
    rows = second.argsort(kind="stable")
    return rows[first[rows].argsort(kind="stable")]


def _are_sorted(coded: pl.DataFrame, by: tuple[str, str]) -> bool:
    first, second = (coded[name].to_physical().cast(pl.Int64) for name in by)
    return bool((first * _DAYS + second).is_sorted())


def _smallest(values: pl.Series) -> IntArray:
    """Return values as offsets from their least, in the smallest type that holds them."""
    least, most = values.min(), values.max()
    assert isinstance(least, int)
    assert isinstance(most, int)
    return (values - least).to_numpy().astype(np.min_scalar_type(most - least))


def numbered(frame: pl.DataFrame, day: str, *, names: pl.Series) -> pl.Series:
    """Return symbol and day as one number that grows with both.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows with `symbol` and a date in the column `day`.
    day : str
        Name of that column.
    names : polars.Series
        The symbols that can be asked for, sorted; another symbol's number, and that of a null
        day, is null.
    """
    return _code(frame, names) * _DAYS + frame[day].to_physical().cast(pl.Int64)


def numbered_symbol(numbers: pl.Series) -> pl.Series:
    """Return what tells the symbols in numbers of `numbered` apart."""
    return numbers // _DAYS


def _code(frame: pl.DataFrame, names: pl.Series) -> pl.Series:
    """Return the place of each row's symbol, a word or of an `Enum`, among `names`."""
    symbol, wanted = frame["symbol"], pl.Enum(names.cast(pl.String))
    if not isinstance(symbol.dtype, pl.Enum):
        return symbol.cast(wanted, strict=False).to_physical().cast(pl.Int64)
    places = symbol.dtype.categories.cast(wanted, strict=False).to_physical().cast(pl.Int64)
    return places.gather(symbol.to_physical())


@contextmanager
def registered(conn: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    """Let queries of `conn` read `frame` under `name` for the time of the block."""
    # Words as polars keeps them: others would be copied twice, here and by DuckDB.
    conn.register(name, frame.to_arrow(compat_level=pl.CompatLevel.newest()))
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
