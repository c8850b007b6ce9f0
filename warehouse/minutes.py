"""Minute bars: which are there, and which of them lie within the exchange's hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import bars
from warehouse.frames import selected

_KEYS = """
select distinct symbol, bar_start
from market.minute_bars
where session = $session and symbol in (select unnest($symbols::varchar[]))
"""
_SESSIONS = """
select distinct session
from market.minute_bars
where symbol in (select unnest($symbols::varchar[])) and session between $first and $last
    and known_at <= $as_of
order by session
"""


def sessions(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> list[date]:
    """Sessions of a span in which one of the symbols has a bar that was known at `as_of`."""
    span = {"symbols": list(symbols), "first": first, "last": last, "as_of": as_of}
    found: list[date] = selected(conn, _SESSIONS, span)["session"].to_list()
    return found


def keys(conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], session: date) -> pl.DataFrame:
    """Symbol and bar_start of every bar of a session, whenever it was learned; for checks."""
    return selected(conn, _KEYS, {"symbols": list(symbols), "session": session})


def marked(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    session: date,
    *,
    opens: datetime,
    closes: datetime,
    as_of: datetime,
) -> pl.DataFrame:
    """Minute bars of a session as known at `as_of`, with `regular` and `minute`.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        As listed then.
    session : date
        Exchange session.
    opens, closes : datetime
        The exchange's hours of that session (UTC), early closes included.
    as_of : datetime
        Aware UTC market time; what was learned later is left out.

    Returns
    -------
    polars.DataFrame
        The columns of `bars.minutes`; `minute`, counted from the opening (negative before it);
        and `regular`, false in extended hours. Sorted by symbol and bar_start.
    """
    frame = bars.minutes(conn, symbols, session, as_of=as_of).sort("symbol", "bar_start")
    return frame.with_columns(
        minute=((pl.col("bar_start") - pl.lit(opens)).dt.total_seconds() // 60).cast(pl.Int32),
        regular=pl.col("bar_start").is_between(opens, closes, closed="left"),
    )
