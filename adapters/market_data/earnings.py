"""The calendar of earnings reports that a person keeps: a CSV file with symbol and date.

Each version of the file stays in the lake, under the market time at which the desk found it, so
that a past session is judged again by what the calendar said then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from adapters.market_data import kept
from adapters.object_store.protocol import ObjectStore, digest

_WHAT: Final = "earnings calendar"
_COLUMNS: Final = ("symbol", "date")
_FOLDER: Final = "calendars/earnings/"
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Calendar:
    """Every version of the calendar, in the order in which the desk found them.

    A version is when it was found (UTC market time) and its rows: symbol, day, and known_at where
    the file says since when a report's day is known.
    """

    versions: tuple[tuple[datetime, pl.DataFrame], ...] = ()

    def known(self, *, as_of: datetime, found_before: datetime) -> Mapping[str, tuple[date, ...]]:
        """Return the days each symbol was known to report on, in order.

        Parameters
        ----------
        as_of : datetime
            Rows that say since when they are known count from then on (newest version).
        found_before : datetime
            The others count in the version that the desk had found before this instant.
        """
        if not self.versions:
            return {}
        told = self.versions[-1][1].filter(pl.col("known_at") <= as_of)
        found = [rows for at, rows in self.versions if at < found_before]
        if found:
            told = pl.concat([told, found[-1].filter(pl.col("known_at").is_null())])
        by_symbol = told.group_by("symbol").agg(pl.col("day").unique().sort())
        return {symbol: tuple(days) for symbol, days in by_symbol.iter_rows()}


def calendar(store: ObjectStore, path: Path, *, market_at: datetime) -> Calendar:
    """Return the calendar with all its versions; one that is new is kept in the lake first.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    path : Path
        The file: symbol, date (YYYY-MM-DD), and known_at if it says since when a row is known.
    market_at : datetime
        Market time, aware: when a version that is not in the lake was found.

    Raises
    ------
    UnusableTableError
        If the file is missing, lacks a column, or a date is none; it names the line.
    StoreError
        If the lake cannot be read or written.
    """
    data = kept.content(path, what=_WHAT, columns=_COLUMNS)
    rows = _rows(data, str(path))
    before = [info.key for info in store.list(_FOLDER)]
    versions = [(_found_at(key), _rows(store.get(key), key)) for key in before]
    if not before or not before[-1].endswith(_suffix(data)):
        at = market_at.astimezone(UTC)
        if versions:  # a market that stands still: the later version is the one found later
            at = max(at, versions[-1][0] + timedelta(microseconds=1))
        store.put(f"{_FOLDER}{at:{_STAMP}}{_suffix(data)}", data)
        versions.append((at, rows))
    return Calendar(tuple(versions))


def _suffix(data: bytes) -> str:
    return f"-{digest(data)[:12]}.csv"


def _found_at(key: str) -> datetime:
    stamp = key.removeprefix(_FOLDER).partition("-")[0]
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _rows(data: bytes, place: str) -> pl.DataFrame:
    frame = kept.table(data, what=_WHAT, place=place, columns=_COLUMNS)
    days = kept.values(frame, "date", kept.day, what=_WHAT, place=place, wanted="YYYY-MM-DD")
    known_at = kept.values(
        frame, "known_at", kept.instant, what=_WHAT, place=place, needed=False,
        wanted="YYYY-MM-DD, or an instant with its time zone",
    )  # fmt: skip
    return pl.DataFrame(
        {"symbol": frame["symbol"], "day": days, "known_at": known_at},
        schema={"symbol": pl.String, "day": pl.Date, "known_at": pl.Datetime("us", "UTC")},
    )
