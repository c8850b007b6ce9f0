"""What single vendors do in their own way: a date in three columns, CRSP's minus sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from adapters.market_data.files import numbers, words
from adapters.market_data.files.text import Table

_PARTS: Final = (("year", "yyyy"), ("month", "mm"), ("day", "dd", "dom", "dayofmonth"))
_CRSP: Final = frozenset({"permno", "permco", "bidlo", "askhi"})
_CRSP_CLOSE: Final = frozenset({"prc", "dlyprc"})


def with_whole_dates(table: Table) -> Table:
    """Return a table whose date is told by a year, a month and a day with one column for it."""
    by_key = {words.key(column): column for column in table.columns}
    found = [next((by_key[k] for k in keys if k in by_key), None) for keys in _PARTS]
    stamps = set(words.ROLES["daily"]["stamp"]) - {"day", "d"}
    if None in found or stamps & by_key.keys():
        return table
    parts = [pl.col(str(name)).cast(pl.Int64, strict=False) for name in found]
    date = pl.date(*parts)
    whole = all(
        numbers.share(table.frame.select(part.is_not_null()).to_series()) > 0.9 for part in parts
    )
    if not whole:
        return table
    frame = table.frame.with_columns(date.alias("date")).drop(str(found[2]))
    return replace(table, frame=frame, notes=(*table.notes, "Year, month and day were joined."))


def without_minus(
    table: Table, roles: Mapping[str, str], close: pl.Series
) -> tuple[pl.Series, str]:
    """Return the closes of CRSP, which marks the middle of a quote by a minus, and a note."""
    is_theirs = _CRSP & {words.key(column) for column in table.columns}
    if not is_theirs or words.key(roles.get("close", "")) not in _CRSP_CLOSE:
        return close, ""
    many = int((close < 0).sum())
    said = f"{many:,} closes have CRSP's minus: the middle of bid and ask on days without a trade."
    return (close.abs(), said) if many else (close, "")
