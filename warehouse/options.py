"""Option quotes: bitemporal writes, and chains as known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected
from warehouse.versions import Appended

SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "expiry": pl.Date, "strike": pl.Float64,
    "put_or_call": pl.String, "bid": pl.Float64, "ask": pl.Float64, "last": pl.Float64,
    "volume": pl.Int64, "open_interest": pl.Int64, "underlying_price": pl.Float64,
    "implied_volatility": pl.Float64, "source": pl.String, "feed": pl.String,
    "simulated": pl.Boolean, "object_key": pl.String, "known_at": INSTANT, "assumed": pl.Boolean,
    "learned_at": INSTANT,
}  # fmt: skip
_OPTIONAL = dict.fromkeys(
    ("last", "volume", "open_interest", "underlying_price", "implied_volatility", "feed",
     "object_key", "learned_at")
)  # fmt: skip
_SUBJECT = versions.Subject(
    "market.options",
    key=("symbol", "session", "expiry", "strike", "put_or_call"),
    values=(
        "bid", "ask", "last", "volume", "open_interest", "underlying_price",
        "implied_volatility", "simulated",
    ),
    assumed=True,
)  # fmt: skip
_CHAIN = """
select * exclude (recorded_at, put_or_call), put_or_call as "right"
from market.options
where symbol in (select unnest($symbols::varchar[]))
  and session between $first and $last
  and known_at <= $as_of
qualify row_number() over (
    partition by symbol, session, expiry, strike, put_or_call order by known_at desc
) = 1
order by session, symbol, expiry, strike, put_or_call
"""
# Of each contract that has not expired its first quote, which says since when it is listed, and
# its last one.
_BEFORE = f"""
select * from ({_CHAIN})
where expiry >= $session
qualify row_number() over (partition by symbol, expiry, strike, "right" order by session) = 1
     or row_number() over (partition by symbol, expiry, strike, "right" order by session desc) = 1
order by session, symbol, expiry, strike, "right"
"""  # noqa: S608 - one constant statement is set into the other, values are bound
_LATEST_COUNTS = """
select symbol, count(distinct session) as sessions, min(session) as first_session,
       max(session) as last_session,
       count(distinct (session, expiry, strike, put_or_call)) as quotes
from market.options
group by symbol
order by symbol
"""


def append(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add option quotes; the same value again changes nothing, another is a restatement.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.options")`.
    frame : polars.DataFrame
        The columns of `market.options` without recorded_at, with `right` (call, put) for
        put_or_call, and learned_at. Figures that nobody told, feed and object_key may be absent.
    learned_at : datetime, optional
        UTC market time at which restatements were learned, for rows that do not say so.

    Raises
    ------
    ValueError
        If a column is missing or null, or two rows of a contract contradict each other.
    """
    rows = conformed(
        frame.rename({"right": "put_or_call"}), SCHEMA, table=_SUBJECT.table, defaults=_OPTIONAL
    )
    return versions.append(conn, _SUBJECT, rows, learned_at=learned_at)


def chains(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Option quotes of the sessions from `first` to `last`, as known at `as_of`.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        Shares, as listed then.
    first, last : date
        Sessions, both included.
    as_of : datetime
        Aware UTC market time; what was learned later is left out.

    Returns
    -------
    polars.DataFrame
        The columns of `market.options` without recorded_at, with `right` (call, put) for
        put_or_call; strikes and prices in USD per share, as quoted then. Sorted by session,
        symbol, expiry, strike and right.
    """
    asked = {"symbols": list(symbols), "first": first, "last": last}
    return selected(conn, _CHAIN, asked | {"as_of": require_aware(as_of, name="as_of")})


def before(
    conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], session: date, *, as_of: datetime
) -> pl.DataFrame:
    """First and last quote before `session` of each contract that lives in it, known at `as_of`.

    Columns as `chains` has them; a contract that was quoted once has one row.
    """
    asked = {
        "symbols": list(symbols),
        "first": date.min,
        "last": date.fromordinal(session.toordinal() - 1),
        "session": session,
        "as_of": require_aware(as_of, name="as_of"),
    }
    return selected(conn, _BEFORE, asked)


def latest_counts(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """How much of each symbol's options is stored, whenever it was known; for screens.

    Columns: symbol, sessions, first_session, last_session, quotes.
    """
    return selected(conn, _LATEST_COUNTS)
