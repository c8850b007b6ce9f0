"""The portfolio's accounts: lots, closings, results, cash, attribution, shortfall, day reports."""

# ruff: noqa: S608 - names of tables and columns come from the code, values are bound

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

_S, _F, _D = pl.String, pl.Float64, pl.Date
SCHEMAS: Final[Mapping[str, Schema]] = {
    "portfolio.lots": {
        "session": _D, "lot_id": _S, "symbol": _S, "strategy": _S, "model_version": _S,
        "opened": _D, "quantity": _F, "price": _F, "fee": _F, "value": _F, "unrealised": _F,
        "known_at": INSTANT,
    },
    "portfolio.closings": {
        "lot_id": _S, "closed_by": _S, "session": _D, "symbol": _S, "strategy": _S,
        "model_version": _S, "opened": _D, "quantity": _F, "open_price": _F, "close_price": _F,
        "fees": _F, "realised": _F, "known_at": INSTANT,
    },
    "portfolio.results": {
        "session": _D, "symbol": _S, "strategy": _S, "model_version": _S, "sector": _S,
        "profit": _F, "value": _F, "fees": _F, "income": _F, "known_at": INSTANT,
    },
    "portfolio.cash_days": {
        "session": _D, "opening": _F, "trades": _F, "fees": _F, "dividends": _F, "interest": _F,
        "transfers": _F, "other": _F, "closing": _F, "told": _F, "known_at": INSTANT,
    },
    "portfolio.attributions": {
        "session": _D, "way": _S, "label": _S, "contribution": _F, "known_at": INSTANT,
    },
    "portfolio.shortfalls": {
        "code": _S, "leg_no": pl.Int32, "session": _D, "strategy": _S, "symbol": _S, "side": _S,
        "quantity": _F, "filled": _F, "decision_price": _F, "arrival_price": _F, "delay": _F,
        "execution": _F, "opportunity": _F, "fees": _F, "total_bps": _F, "known_at": INSTANT,
    },
    "portfolio.day_reports": {
        "session": _D, "text": _S, "object_key": _S, "known_at": INSTANT,
    },
}  # fmt: skip
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "portfolio.lots": ("session", "lot_id"),
    "portfolio.closings": ("lot_id", "closed_by", "session"),
    "portfolio.results": ("session", "symbol", "strategy", "model_version"),
    "portfolio.cash_days": ("session",),
    "portfolio.attributions": ("session", "way", "label"),
    "portfolio.shortfalls": ("code", "leg_no", "session"),
    "portfolio.day_reports": ("session",),
}
TABLES: Final = tuple(SCHEMAS)
# A row of these with quantity 0 says that there is no such lot any more.
_OF_LOTS: Final = ("portfolio.lots", "portfolio.closings")


def record(conn: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> int:
    """Add what a table does not say yet; return how many rows that were.

    A row that repeats what is known, at whatever time it was learned, is left out: the same
    session may be figured every night.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer(table)`.
    table : str
        One of `TABLES`.
    frame : polars.DataFrame
        Its columns without recorded_at.
    """
    if frame.is_empty():
        return 0
    rows = conformed(frame, SCHEMAS[table], table=table, defaults={})
    said = [name for name in SCHEMAS[table] if name != "known_at"]
    first, last = rows["session"].min(), rows["session"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    known = _known(conn, table, first, last, as_of=_newest(rows))
    news = rows.join(known.select(said), on=said, how="anti", nulls_equal=True)
    if news.is_empty():
        return 0
    key = _KEYS[table]
    values = tuple(name for name in said if name not in key)
    return versions.record(conn, versions.Subject(table, (*key, "known_at"), values), news)


def take_back(
    conn: duckdb.DuckDBPyConnection,
    table: str,
    kept: pl.DataFrame,
    *,
    first: date,
    last: date,
    known_at: datetime,
) -> int:
    """Say of lots that are known and not among `kept` that they are none; return how many.

    The broker took the execution back that opened or closed them. What was known before stays.

    Parameters
    ----------
    table : str
        ``portfolio.lots`` or ``portfolio.closings``.
    kept : polars.DataFrame
        All rows of the sessions from `first` to `last` as they are figured now.
    known_at : datetime
        Market time at which that is known.
    """
    known = _known(conn, table, first, last, as_of=known_at)
    gone = known.join(kept, on=_KEYS[table], how="anti")
    figures = [name for name, kind in SCHEMAS[table].items() if kind == _F]
    none = gone.with_columns(
        *(pl.lit(0.0).alias(name) for name in figures),
        known_at=pl.lit(known_at, dtype=pl.Datetime("us", "UTC")),
    )
    return record(conn, table, none)


def between(
    conn: duckdb.DuckDBPyConnection, table: str, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Return a table's rows of sessions from `first` to `last`, as known at `as_of`.

    Parameters
    ----------
    table : str
        One of `TABLES`.

    Returns
    -------
    polars.DataFrame
        Its columns without recorded_at, sorted by its key; lots that were taken back left out.
    """
    return _standing(table, _known(conn, table, first, last, as_of=as_of))


def _standing(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("quantity") != 0.0) if table in _OF_LOTS else rows


def _known(
    conn: duckdb.DuckDBPyConnection, table: str, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    key = ", ".join(_KEYS[table])
    asked = {"first": first, "last": last, "as_of": require_aware(as_of, name="as_of")}
    return selected(
        conn,
        f"""
        select {", ".join(SCHEMAS[table])} from {table}
        where session between $first and $last and known_at <= $as_of
        qualify row_number() over (
            partition by {key} order by known_at desc, recorded_at desc
        ) = 1
        order by {key}
        """,
        asked,
    )


def latest(conn: duckdb.DuckDBPyConnection, table: str, *, most: int = 1_000) -> pl.DataFrame:
    """Return the newest session's rows of a table; for screens."""
    row = conn.execute(f"select max(session) from {table}").fetchone()
    newest = None if row is None else row[0]
    if newest is None:
        return pl.DataFrame(schema=SCHEMAS[table])
    key = ", ".join(_KEYS[table])
    rows = selected(
        conn,
        f"""
        select {", ".join(SCHEMAS[table])} from {table}
        where session = $newest
        qualify row_number() over (
            partition by {key} order by known_at desc, recorded_at desc
        ) = 1
        order by {key} limit $most
        """,
        {"newest": newest, "most": most},
    )
    return _standing(table, rows)


def _newest(rows: pl.DataFrame) -> datetime:
    newest = rows["known_at"].max()
    assert isinstance(newest, datetime)
    return newest
