"""Shares outstanding, or the market's value of a firm, in a CSV file that a person keeps.

Every row says since when it is known, and a correction is a further row: the file itself is the
history, and whatever is added to it with its own date changes no earlier answer.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

import polars as pl

from adapters.market_data import kept
from adapters.market_data.errors import UnusableTableError

_WHAT: Final = "table of fundamentals"
_COLUMNS: Final = ("symbol", "known_at")
_FIGURES: Final = ("shares_outstanding", "market_cap")
_SCHEMA: Final[dict[str, Any]] = {
    "symbol": pl.String, "known_at": pl.Datetime("us", "UTC"), "shares_outstanding": pl.Float64,
    "market_cap": pl.Float64,
}  # fmt: skip


def none() -> pl.DataFrame:
    """Return the table of a desk that has none."""
    return pl.DataFrame(schema=_SCHEMA)


def table(path: Path) -> pl.DataFrame:
    """Return what was told of firms.

    Parameters
    ----------
    path : Path
        CSV: symbol, known_at (YYYY-MM-DD or an instant with its zone), and shares_outstanding or
        market_cap (USD) or both.

    Returns
    -------
    polars.DataFrame
        symbol, known_at (UTC), shares_outstanding (shares as of then), market_cap (USD); by
        symbol and known_at, a later line of one instant after an earlier one.

    Raises
    ------
    UnusableTableError
        If the file is missing, lacks a column, or a value is none; it names the line.
    """
    place = str(path)
    data = kept.content(path, what=_WHAT, columns=_COLUMNS)
    frame = kept.table(data, what=_WHAT, place=place, columns=_COLUMNS)
    if not set(_FIGURES) & set(frame.columns):
        raise UnusableTableError(
            f"The {_WHAT} {place} lacks {' and '.join(_FIGURES)}; it has "
            f"{', '.join(frame.columns[1:])}. Wanted: one of the two."
        )
    figures = {
        name: kept.values(
            frame, name, _figure, what=_WHAT, place=place, wanted="a number above zero",
            needed=False,
        )
        for name in _FIGURES
    }  # fmt: skip
    known_at = kept.values(
        frame, "known_at", kept.instant, what=_WHAT, place=place,
        wanted="YYYY-MM-DD, or an instant with its time zone",
    )  # fmt: skip
    rows = pl.DataFrame(
        {"symbol": frame["symbol"], "known_at": known_at, **figures}, schema=_SCHEMA
    )
    return rows.sort("symbol", "known_at", maintain_order=True)


def known(rows: pl.DataFrame, *, as_of: datetime) -> pl.DataFrame:
    """Return the newest row of each symbol that was known at `as_of`."""
    return rows.filter(pl.col("known_at") <= as_of).unique("symbol", keep="last").sort("symbol")


def _figure(text: str) -> float:
    found = float(text)
    if not (isfinite(found) and found > 0):
        raise ValueError("it is not above zero")
    return found
