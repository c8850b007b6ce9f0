"""Tables that a person keeps as CSV files: read whole, and every fault is told by its line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

import polars as pl

from adapters.market_data.errors import UnusableTableError

LINE = "line"
Value = TypeVar("Value")


def content(path: Path, *, what: str, columns: Sequence[str]) -> bytes:
    """Return the bytes of a file that `universe.toml` names.

    Raises
    ------
    UnusableTableError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as e:
        raise UnusableTableError(
            f"The {what} {path} cannot be read: {e.strerror}. Wanted: a CSV file with the columns "
            f"{' and '.join(columns)}; universe.toml names it."
        ) from e


def table(data: bytes, *, what: str, place: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return a table as text, null where nothing is written, with the number of each line.

    Parameters
    ----------
    data : bytes
        CSV with a heading.
    what, place : str
        What the table is and where it lies, for messages.
    columns : sequence of str
        Those that it must have.

    Raises
    ------
    UnusableTableError
        If it is no CSV, or lacks a column.
    """
    wanted = " and ".join(columns)
    try:
        frame = pl.read_csv(data, infer_schema=False)
    except pl.exceptions.PolarsError as e:
        raise UnusableTableError(
            f"The {what} {place} cannot be read: {str(e).splitlines()[0]}. Wanted: a CSV file with "
            f"the columns {wanted}."
        ) from e
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UnusableTableError(
            f"The {what} {place} lacks {' and '.join(missing)}; it has "
            f"{', '.join(frame.columns)}. Wanted: {wanted}."
        )
    stripped = frame.with_columns(pl.all().str.strip_chars().replace("", None))
    return stripped.with_row_index(LINE, offset=2)


def values(
    frame: pl.DataFrame,
    column: str,
    reader: Callable[[str], Value],
    *,
    what: str,
    place: str,
    wanted: str,
    needed: bool = True,
) -> list[Value | None]:
    """Return a column read by `reader`; None where nothing is written and nothing is needed.

    Raises
    ------
    UnusableTableError
        Naming the line of the first value that `reader` refuses with a ValueError.
    """
    if column not in frame.columns:
        return [None] * frame.height
    found: list[Value | None] = []
    for line, text in frame.select(LINE, column).iter_rows():
        if text is None and not needed:
            found.append(None)
            continue
        try:
            found.append(reader(text or ""))
        except ValueError as e:
            raise UnusableTableError(
                f"Line {line} of the {what} {place} has the {column} {text!r}. Wanted: {wanted}."
            ) from e
    return found


def day(text: str) -> date:
    """Return the day that is written as YYYY-MM-DD."""
    return date.fromisoformat(text)


def instant(text: str) -> datetime:
    """Return the aware instant that is written; of a day alone its end, as nobody can be sooner."""
    if len(text) == len("2012-07-02"):
        return datetime.combine(day(text) + timedelta(days=1), time(), UTC)
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found.utcoffset() is None:
        raise ValueError("it names no time zone")
    return found.astimezone(UTC)
