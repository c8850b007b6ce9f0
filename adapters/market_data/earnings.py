"""The calendar of earnings reports that a person keeps: a CSV file with symbol and date."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from adapters.market_data.errors import UnusableCalendarError

_COLUMNS = ("symbol", "date")


def calendar(path: Path) -> Mapping[str, tuple[date, ...]]:
    """Return the days each symbol reports on, in order.

    Raises
    ------
    UnusableCalendarError
        If the file is missing, lacks a column, or a date is none; it names the line.
    """
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise UnusableCalendarError(
            f"The earnings calendar {path} cannot be read: {str(e).splitlines()[0]}. "
            "Wanted: a CSV file with the columns symbol and date; universe.toml names it."
        ) from e
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise UnusableCalendarError(
            f"The earnings calendar {path} lacks {' and '.join(missing)}; it has "
            f"{', '.join(frame.columns)}. Wanted: symbol and date."
        )
    told = frame.with_columns(day=pl.col("date").str.strip_chars().str.to_date(strict=False))
    wrong = told.with_row_index("line", offset=2).filter(pl.col("day").is_null())
    if wrong.height:
        line, found = wrong.select("line", "date").row(0)
        raise UnusableCalendarError(
            f"Line {line} of the earnings calendar {path} has the date {found!r}. "
            "Wanted: YYYY-MM-DD."
        )
    found_days = told.group_by(pl.col("symbol").str.strip_chars()).agg(pl.col("day").sort())
    return {symbol: tuple(days) for symbol, days in found_days.iter_rows()}
