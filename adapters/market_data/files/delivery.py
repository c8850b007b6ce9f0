"""What a file delivered: the rows in the desk's own words, and what was assumed to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

from adapters.market_data.landing import COLUMNS
from trading.errors import AskError

FileKind = Literal["daily", "minute", "index", "actions", "options"]

OPTION_COLUMNS: Final[dict[str, Any]] = {
    "symbol": pl.String,  # of the underlying share
    "session": pl.Date,
    "expiry": pl.Date,
    "strike": pl.Float64,  # USD per share
    "right": pl.String,  # call | put
    "bid": pl.Float64, "ask": pl.Float64, "last": pl.Float64,  # USD per share
    "volume": pl.Int64, "open_interest": pl.Int64,  # contracts
    "underlying_price": pl.Float64,  # USD per share
    "implied_volatility": pl.Float64,  # fraction per year
}  # fmt: skip
FILE_COLUMNS: Final[dict[FileKind, dict[str, Any]]] = {
    "daily": COLUMNS["daily"],
    "minute": COLUMNS["minute"],
    "index": COLUMNS["index"],
    "actions": COLUMNS["actions"],
    "options": OPTION_COLUMNS,
}

# Beside the columns of its kind every delivery has these two.
LINE: Final = "line"  # the row's line in a text file, its number in any other (from 1)
PROBLEM: Final = "problem"  # why the row could not be read whole, in words; null when it could


class UnreadableFileError(AskError):
    """A file cannot be read as what it is said to hold; the message says what was found."""


@dataclass(frozen=True)
class FileOptions:
    """What the person declares about a file; everything else is recognised.

    Attributes
    ----------
    columns : mapping of str to str
        The desk's column name to the file's.
    timezone : str, optional
        IANA name of the zone of stamps that carry none.
    adjusted : bool, optional
        Whether prices are adjusted for splits; recognised when None.
    symbol : str, optional
        For a file of one symbol without that column; its name otherwise.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    adjusted: bool | None = None
    symbol: str | None = None


@dataclass(frozen=True)
class Delivery:
    """The rows of a file in the desk's columns.

    Attributes
    ----------
    kind : str
        What the rows are.
    frame : polars.DataFrame
        `FILE_COLUMNS[kind]`, `line` and `problem`; as the file has them `file` (of several),
        `adjusted_close`, `split_ratio`, `dividend`, `known_at`. One row for each row read, in
        the file's order. What could not be read is null, and `problem` says so.
    adjusted : bool
        Whether splits are taken out of the prices.
    recognised : mapping of str to str
        The desk's column name to the file's.
    notes : tuple of str
        What was assumed, in plain sentences.
    """

    kind: FileKind
    frame: pl.DataFrame
    adjusted: bool
    recognised: Mapping[str, str]
    notes: tuple[str, ...] = ()
