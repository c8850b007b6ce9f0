"""Who may be bought after a session, and why not the others."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "universe": pl.String, "symbol": pl.String, "session": pl.Date, "eligible": pl.Boolean,
    "tier": pl.String, "reasons": pl.String, "sessions": pl.Int64, "close": pl.Float64,
    "dollar_volume": pl.Float64, "spread": pl.Float64, "volatility": pl.Float64,
    "volatility_bucket": pl.String, "shortable": pl.Boolean, "market_cap": pl.Float64,
    "next_earnings": pl.Date, "known_at": INSTANT,
}  # fmt: skip
_UNKNOWN = (
    "close",
    "dollar_volume",
    "spread",
    "volatility",
    "shortable",
    "market_cap",
    "next_earnings",
)
_KEY = ("universe", "symbol", "session", "known_at")
_SUBJECT = versions.Subject(
    "market.eligibility",
    key=_KEY,
    values=tuple(name for name in SCHEMA if name not in _KEY),
)
_KNOWN = """
select * exclude (recorded_at)
from market.eligibility
where universe = $universe and session between $first and $last and known_at <= $as_of
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc
) = 1
order by session, symbol
"""
_LATEST = """
select * exclude (recorded_at)
from market.eligibility
where session = (select max(session) from market.eligibility)
qualify row_number() over (partition by symbol order by known_at desc, recorded_at desc) = 1
order by dollar_volume desc nulls last, symbol
limit $most
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add judgements; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.eligibility")`.
    frame : polars.DataFrame
        The columns of `market.eligibility` without recorded_at; what is not known is null.
    """
    optional = dict.fromkeys(_UNKNOWN)
    return versions.record(
        conn, _SUBJECT, conformed(frame, SCHEMA, table=_SUBJECT.table, defaults=optional)
    )


def known(
    conn: duckdb.DuckDBPyConnection, universe: str, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Judgements of the sessions from `first` to `last`, as known at `as_of`.

    Columns of `market.eligibility` without recorded_at; sorted by session and symbol.
    """
    asked = {"universe": universe, "first": first, "last": last}
    return selected(conn, _KNOWN, asked | {"as_of": require_aware(as_of, name="as_of")})


def latest(conn: duckdb.DuckDBPyConnection, *, most: int = 500) -> pl.DataFrame:
    """Judgements of the newest session, the most traded first; for screens."""
    return selected(conn, _LATEST, {"most": most})
