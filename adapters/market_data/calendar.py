"""When each exchange session opened and closed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl

from adapters.market_data.schedule import schedule

NEW_YORK = ZoneInfo("America/New_York")
INSTANT = pl.Datetime("us", "UTC")


@lru_cache(maxsize=1)
def sessions() -> pl.DataFrame:
    """Sessions of the New York Stock Exchange since 1952: session, opens_at, closes_at (UTC).

    Early closes and unscheduled closures are taken into account.
    """
    told = schedule()
    return pl.DataFrame(
        {"session": told.sessions, "opens_at": told.opens, "closes_at": told.closes}
    ).with_columns(pl.col("opens_at", "closes_at").dt.replace_time_zone("UTC"))


def with_close(frame: pl.DataFrame, *, lag: timedelta, name: str) -> pl.DataFrame:
    """Return `frame` with a column `name`: the close of each row's session plus `lag` (UTC).

    A date that is no session gets the time of a regular close: that it is none is for the data
    checks to say.
    """
    closes = sessions().select("session", pl.col("closes_at").alias(name))
    regular = _at(pl.col("session"), time(16))
    return frame.join(closes, on="session", how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(regular) + lag
    )


def with_open(frame: pl.DataFrame, *, day: str, name: str) -> pl.DataFrame:
    """Return `frame` with a column `name`: the open (UTC) of the session in the column `day`."""
    opens = sessions().select(pl.col("session").alias(day), pl.col("opens_at").alias(name))
    regular = _at(pl.col(day), time(9, 30))
    return frame.join(opens, on=day, how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(regular)
    )


def close_of(session: date) -> datetime:
    """Return the close (UTC) of a session."""
    frame = with_close(pl.DataFrame({"session": [session]}), lag=timedelta(0), name="closes_at")
    found: datetime = frame["closes_at"][0]
    return found


def _at(day: pl.Expr, clock: time) -> pl.Expr:
    return (
        day.dt.combine(clock)
        .dt.replace_time_zone(NEW_YORK.key)
        .dt.convert_time_zone("UTC")
        .cast(INSTANT)
    )
