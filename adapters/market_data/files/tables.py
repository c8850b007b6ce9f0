"""From a file's bytes to tables, by what the bytes begin with."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.market_data.files import documents, text, words
from adapters.market_data.files.delivery import LINE, PROBLEM, UnreadableFileError
from adapters.market_data.files.opening import Part
from adapters.market_data.files.text import Table

_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
# What may part a symbol from a field in the name of one column, and the fields each must have.
_PARTINGS: Final = ("_", ".", " ", ":", "-", "|", "/")
_FIELDS: Final = frozenset({"open", "high", "low", "close"})
# Words beside a field that say what kind of price it is, and not whose.
_ABOUT: Final = frozenset({
    "adj", "adjusted", "unadj", "unadjusted", "raw", "split", "regular", "day", "daily",
    "session", "bid", "ask", "mid", "px", "price", "pre", "post", "prev", "previous",
    "premarket", "afterhours", "trade", "nominal",
})  # fmt: skip
_PLAIN: Final = re.compile(rb"\s*[\[{]")


def tables(part: Part, *, declared: Sequence[str]) -> Iterator[Table]:
    """Yield the tables in a file; a text or Parquet file is one, a document may hold several.

    Raises
    ------
    UnreadableFileError
        If the bytes are no table, or end too early.
    """
    data = part.data
    if data.startswith(b"PAR1"):
        yield _columnar(_parquet(data, part.name), part.name)
    elif data.startswith((b"ARROW1", b"FEA1")):
        yield _columnar(_arrow(data, part.name), part.name)
    elif data.startswith((_OLD_EXCEL, b"%PDF")):
        raise UnreadableFileError(
            f"The file {part.name} is a workbook or a printed page. Save the table as CSV and name "
            "that."
        )
    elif _is_document(data):
        yield from documents.tables(data, name=part.name)
    else:
        yield long(text.table(data, name=part.name, declared=declared))


def _is_document(data: bytes) -> bool:
    """Whether a text is JSON; a heading may begin with a bracket too."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf")
    return bool(re.match(rb"\s*(\{|\[\s*[\[{\]\"\d-])", head)) and b"[QUOTE" not in head[:40]


def _parquet(data: bytes, name: str) -> pl.DataFrame:
    if not data.endswith(b"PAR1"):
        raise UnreadableFileError(
            f"The Parquet file {name} is cut short: its end is missing. Fetch it again."
        )
    try:
        return pl.DataFrame(pq.read_table(pa.BufferReader(data), partitioning=None))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as e:
        raise UnreadableFileError(
            f"The Parquet file {name} is damaged ({str(e)[:200]}). Fetch it again."
        ) from e


def _arrow(data: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_ipc(io.BytesIO(data), use_pyarrow=False)
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as e:
        raise UnreadableFileError(
            f"The Arrow file {name} is cut short or damaged ({str(e)[:200]}). Fetch it again."
        ) from e


def _columnar(frame: pl.DataFrame, name: str) -> Table:
    if frame.width == 0 or frame.is_empty():
        raise UnreadableFileError(
            f"The file {name} has the columns {words.named(frame.columns)} and no row."
        )
    frame = frame.rename({c: f"{c}_theirs" for c in frame.columns if c in {LINE, PROBLEM}})
    numbered = frame.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE),
        pl.lit(None, dtype=pl.String).alias(PROBLEM),
    )
    return long(Table(numbered))


def long(table: Table) -> Table:
    """Return a table with one row per symbol and time, when symbols stand side by side in it.

    As pandas writes columns of two levels: `('Close', 'AAPL')`, or a second heading of tickers; or
    with both in one name: `AAPL_Close`, `Close AAPL`, `AAPL.Close`.
    """
    columns = table.columns
    pairs = {column: pair for column in columns if (pair := _pair(column)) is not None}
    if len(pairs) >= 4:
        return _stacked(table, pairs)
    if named := _one_name(columns):
        return _stacked(table, named)
    if table.has_names and len(columns) > 1:
        first = table.frame.row(0, named=True)
        if words.key(str(first[columns[0]] or "")) in {"ticker", "symbol", "symbols"}:
            return _under_two_headings(table, second=0)
        if words.key(columns[0]) == "ticker" and words.key(str(first[columns[0]])) == "price":
            return _under_two_headings(table, second=0)
    return table


def _one_name(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return field and symbol of columns that name both; none unless each symbol has its prices."""
    for parting, field_at in ((p, at) for p in _PARTINGS for at in (-1, 0)):
        pairs: dict[str, tuple[str, str]] = {}
        for column in columns:
            sides = column.rsplit(parting, 1) if field_at else column.split(parting, 1)
            if len(sides) == 2 and words.is_known(sides[field_at]) and sides[1 + field_at].strip():
                pairs[column] = (sides[field_at], sides[1 + field_at].strip())
        fields: dict[str, set[str]] = {}
        for field, symbol in pairs.values():
            fields.setdefault(symbol, set()).add(words.key(field))
        alone = {words.key(column) for column in columns if column not in pairs} & _FIELDS
        named = all(told >= _FIELDS and _is_ticker(symbol) for symbol, told in fields.items())
        if fields and named and not alone:
            return pairs
    return {}


def _is_ticker(symbol: str) -> bool:
    """Whether a word beside a field is a symbol; no number, and no word about prices."""
    letters = any(character.isalpha() for character in symbol)
    return letters and words.key(symbol) not in _ABOUT and not words.is_known(symbol)


def _pair(column: str) -> tuple[str, str] | None:
    """Return the two levels of a column's name."""
    if not column.startswith("("):
        return None
    try:
        pair = ast.literal_eval(column)
    except (ValueError, SyntaxError):
        return None
    return pair if isinstance(pair, tuple) and len(pair) == 2 else None


def _under_two_headings(table: Table, *, second: int) -> Table:
    """Return the rows below `Price,Close,High` and `Ticker,AAPL,AAPL`; dates come first."""
    columns = table.columns
    below = table.frame.row(second, named=True)
    # A repeated name got a number behind it when it was read.
    pairs = {
        column: (re.sub(r"_\d+$", "", column), str(below[column]))
        for column in columns[1:]
        if below[column]
    }
    frame = table.frame.slice(second + 1)
    if words.key(str(frame[columns[0]][0] or "")) in {"date", "datetime"}:
        frame = frame.slice(1)
    frame = frame.rename({columns[0]: "Date"})
    return _stacked(replace(table, frame=frame), pairs)


def _stacked(table: Table, pairs: dict[str, tuple[str, str]]) -> Table:
    fields_first = sum(words.is_known(pair[0]) for pair in pairs.values())
    tickers_first = sum(words.is_known(pair[1]) for pair in pairs.values())
    at = 1 if fields_first >= tickers_first else 0
    rest = [column for column in table.frame.columns if column not in pairs]
    parts = []
    for symbol in dict.fromkeys(pair[at] for pair in pairs.values() if pair[at]):
        named = {c: pair[1 - at] for c, pair in pairs.items() if pair[at] == symbol}
        values = [pl.col(c).alias(field) for c, field in named.items()]
        parts.append(
            table.frame.select(*rest, pl.lit(symbol).alias("Ticker"), *values).filter(
                # A symbol has no row on a day on which it has no value at all.
                ~pl.all_horizontal(pl.col(list(named.values())).is_null())
            )
        )
    frame = pl.concat(parts, how="diagonal")
    order = [c for c in frame.columns if c not in {LINE, PROBLEM}]
    return replace(table, frame=frame.select(*order, LINE, PROBLEM))
