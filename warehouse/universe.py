"""Which symbols belonged to a universe in a session."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "universe": pl.String, "symbol": pl.String, "from_session": pl.Date, "to_session": pl.Date,
    "sector": pl.String, "point_in_time": pl.Boolean, "known_at": INSTANT,
}  # fmt: skip
_SUBJECT = versions.Subject(
    "market.universe",
    key=("universe", "symbol", "from_session", "known_at"),
    values=("to_session", "sector", "point_in_time"),
)
_MEMBERS = """
with newest as (
    select symbol, from_session, to_session, sector, point_in_time
    from market.universe
    where universe = $universe and known_at <= $as_of
    qualify row_number() over (
        partition by symbol, from_session order by known_at desc, recorded_at desc
    ) = 1
)
select symbol, from_session, to_session, sector, point_in_time
from newest
where from_session <= $last and (to_session is null or to_session >= $first)
order by symbol, from_session
"""


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add memberships; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.universe")`.
    frame : polars.DataFrame
        The columns of `market.universe` without recorded_at; to_session and sector may be absent.
    """
    optional = {"to_session": None, "sector": None}
    return versions.record(
        conn, _SUBJECT, conformed(frame, SCHEMA, table=_SUBJECT.table, defaults=optional)
    )


def members(
    conn: duckdb.DuckDBPyConnection, universe: str, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Memberships that touch the sessions from `first` to `last`, as known at `as_of`.

    Columns: symbol, from_session, to_session (null while it lasts), sector, point_in_time.
    """
    asked = {"universe": universe, "first": first, "last": last}
    return selected(conn, _MEMBERS, asked | {"as_of": require_aware(as_of, name="as_of")})
