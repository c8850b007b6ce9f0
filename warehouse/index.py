"""Index bars and the risk-free rate."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.bars import DAILY_OPTIONAL, DAILY_SCHEMA, DAILY_VALUES
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected
from warehouse.versions import Appended

_RATES: Schema = {
    "session": pl.Date, "annual_rate": pl.Float64, "source": pl.String, "known_at": INSTANT,
    "learned_at": INSTANT,
}  # fmt: skip
_BARS = """
select session, open, high, low, close, volume, source, simulated, known_at
from market.index_bars
where symbol = $symbol and session between $first and $last and known_at <= $as_of
qualify row_number() over (partition by session order by known_at desc) = 1
order by session
"""
_RATE_ROWS = """
select session, annual_rate, source, known_at
from market.rates
where session <= $last
  and session >= coalesce((select max(session) from market.rates
                           where session <= $first and known_at <= $as_of), $first)
  and known_at <= $as_of
qualify row_number() over (partition by session order by known_at desc) = 1
order by session
"""


def append_bars(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add index bars, as `prices.append_bars` adds bars; table `market.index_bars`."""
    rows = conformed(frame, DAILY_SCHEMA, table="market.index_bars", defaults=DAILY_OPTIONAL)
    subject = versions.Subject(
        "market.index_bars", key=("symbol", "session"), values=DAILY_VALUES, assumed=True
    )
    return versions.append(conn, subject, rows, learned_at=learned_at)


def append_rates(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add risk-free rates: session, annual_rate (fraction), source, known_at; `market.rates`."""
    rows = conformed(frame, _RATES, table="market.rates", defaults={"learned_at": None})
    subject = versions.Subject("market.rates", key=("session",), values=("annual_rate",))
    return versions.append(conn, subject, rows, learned_at=learned_at)


def bars(
    conn: duckdb.DuckDBPyConnection, symbol: str, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Bars of an index (points) from `first` to `last` as known at `as_of`, by session."""
    asked = {"symbol": symbol, "first": first, "last": last}
    return selected(conn, _BARS, asked | {"as_of": require_aware(as_of, name="as_of")})


def rates(
    conn: duckdb.DuckDBPyConnection, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Risk-free rates that hold from `first` to `last`, as known at `as_of`.

    Columns: session (the rate holds from it until the next row's), annual_rate (fraction per
    year), source, known_at. The first row may lie before `first`.
    """
    asked = {"first": first, "last": last, "as_of": require_aware(as_of, name="as_of")}
    return selected(conn, _RATE_ROWS, asked)
