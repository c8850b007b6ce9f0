"""What the checks of the desk's own tables read: their newest state, whenever it was known."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from ledger.market import Position
from warehouse.frames import selected

# A connection tells instants in the time zone of its machine.
_UTC: Final = pl.col("known_at").dt.convert_time_zone("UTC")
_NEW_YORK: Final = ZoneInfo("America/New_York")
_FEATURES: Final = """
with latest as (
    select symbol, session, version, values, known_at
    from features.daily
    where session in (select unnest($sessions::date[]))
      and ($version is null or version = $version)
    qualify row_number() over (
        partition by symbol, session, version order by known_at desc, recorded_at desc
    ) = 1
)
select symbol, session, version, values, known_at
from latest
qualify version = first_value(version) over (order by session desc, known_at desc, version)
order by symbol, session
"""
_PREDICTIONS: Final = """
select symbol, session, model_version, probability, expected_return, low, high, horizon,
       volatility, contributions, feature_version, known_at
from models.predictions
where kind = 'live' and session in (select unnest($sessions::date[]))
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc, model_version
) = 1
order by symbol, session
"""


def features(
    conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date], version: str | None = None
) -> pl.DataFrame:
    """Return symbol, session, version, values (list) and known_at.

    Of one feature set: `version`, or the one that the newest session was computed with.
    """
    asked = {"sessions": list(sessions), "version": version}
    return selected(conn, _FEATURES, asked).with_columns(_UTC)


def predictions(conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the newest live prediction of each symbol and session."""
    return selected(conn, _PREDICTIONS, {"sessions": list(sessions)}).with_columns(_UTC)


def positions(held: Mapping[str, Position]) -> pl.DataFrame:
    """Return positions as the rows that `judge_positions` reads."""
    rows = [
        (
            symbol, p.as_of.astimezone(_NEW_YORK).date(), float(p.quantity), float(p.average_price),
            _number(p.market_price), _number(p.market_value), _number(p.unrealised), p.as_of,
        )
        for symbol, p in held.items()
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "symbol": pl.String, "session": pl.Date, "quantity": pl.Float64,
        "average_price": pl.Float64, "market_price": pl.Float64, "market_value": pl.Float64,
        "unrealised": pl.Float64, "as_of": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
