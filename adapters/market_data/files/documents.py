"""Bars in JSON, as the vendors' services answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from adapters.market_data.files import words
from adapters.market_data.files.delivery import LINE, PROBLEM, UnreadableFileError
from adapters.market_data.files.text import Table

_ROWS: Final = ("bars", "results", "data", "historical", "prices", "candles", "quotes", "values",
                "items", "rows", "ohlcv", "history", "splits", "dividends")  # fmt: skip
_SYMBOL: Final = ("symbol", "ticker", "underlying", "S", "code", "s")


def tables(data: bytes, *, name: str) -> Iterator[Table]:
    """Yield the tables in a JSON document, or in one document per line.

    Raises
    ------
    UnreadableFileError
        If it is no JSON, or holds no rows.
    """
    document = _parsed(data, name)
    found = list(_found(document, symbol=""))
    if not found:
        keys = words.named(document) if isinstance(document, Mapping) else "a bare list"
        raise UnreadableFileError(f"The JSON document {name} holds no list of bars. Found: {keys}.")
    for rows, symbol in found:
        yield _table(rows, symbol, name)


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except UnicodeDecodeError as e:
        raise UnreadableFileError(f"The file {name} is no text: {e}.") from e
    except json.JSONDecodeError as e:
        lines = [line for line in data.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            raise UnreadableFileError(
                f"The JSON document {name} is cut short or damaged at line {e.lineno}: {e.msg}."
            ) from e


def _found(document: Any, *, symbol: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield lists of rows and the symbol they are of (empty when each row names its own)."""
    if isinstance(document, list):
        if document and all(isinstance(item, Mapping) for item in document):
            if any(
                words.is_known(field) and not _is_nested(document[0][field])
                for field in document[0]
            ):
                yield [dict(item) for item in document], symbol
            else:
                for item in document:
                    yield from _found(item, symbol=symbol)
        return
    if not isinstance(document, Mapping):
        return
    if "chart" in document:
        yield from _charts(document["chart"])
        return
    symbol = _named(document) or symbol
    if rows := _side_by_side(document):
        yield rows, symbol
        return
    yield from _inside(document, symbol)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _inside(document: Mapping[str, Any], symbol: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
    wanted = [field for field in _ROWS if field in document] or list(document)
    for field in wanted:
        value = document[field]
        if isinstance(value, Mapping) and (rows := _by_date(value)):
            yield rows, symbol
        elif _is_nested(value):
            named = "" if field in _ROWS or field.lower().startswith("meta") else field
            yield from _found(value, symbol=symbol or (named if _is_ticker(named) else ""))


def _is_ticker(field: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][A-Z0-9.\-^]{0,9}", field))


def _named(document: Mapping[str, Any]) -> str:
    """Return the symbol that a document states for all its rows."""
    for field, value in document.items():
        if field.lower().startswith("meta") and isinstance(value, Mapping):
            for inner, told in value.items():
                if words.key(inner) == "symbol" and isinstance(told, str):
                    return told
        if field in _SYMBOL and isinstance(value, str) and _is_ticker(value.upper()):
            return "" if field == "s" and value in {"ok", "no_data"} else value
    return ""


def _side_by_side(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rows of a document of equally long lists: {"t": […], "o": […]}."""
    lists = {
        field: list(value.values()) if isinstance(value, Mapping) else value
        for field, value in document.items()
        if isinstance(value, list | Mapping) and words.is_known(field)
    }
    if "columns" in document and isinstance(document.get("data"), list):
        names = [str(column) for column in document["columns"]]
        index = document.get("index", [None] * len(document["data"]))
        return [
            {"index": at, **dict(zip(names, row, strict=False))}
            for at, row in zip(index, document["data"], strict=False)
        ]
    lengths = {len(value) for value in lists.values()}
    flat = all(not any(_is_nested(v) for v in value[:3]) for value in lists.values())
    if len(lists) < 4 or len(lengths) != 1 or not flat:
        return []
    first = next((v for v in document.values() if isinstance(v, Mapping)), None)
    if first is not None and not all(re.fullmatch(r"\d+", at) for at in first):
        lists = {"index": list(first), **lists}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _by_date(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rows of a document keyed by date: {"2012-07-02": {"1. open": …}}."""
    if not value or not all(isinstance(row, Mapping) for row in value.values()):
        return []
    if not all(re.match(r"\d{4}-\d{2}-\d{2}|\d{9,19}$", at) for at in value):
        return []
    return [{"timestamp": at, **row} for at, row in value.items()]


def _charts(chart: Mapping[str, Any]) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield the bars of Yahoo's chart service."""
    for result in chart.get("result") or []:
        indicators = result.get("indicators", {})
        quote = (indicators.get("quote") or [{}])[0]
        adjusted = (indicators.get("adjclose") or [{}])[0]
        columns = {"timestamp": result.get("timestamp") or [], **quote, **adjusted}
        yield (
            [dict(zip(columns, row, strict=False)) for row in zip(*columns.values(), strict=False)],
            str(result.get("meta", {}).get("symbol", "")),
        )


def _table(rows: Sequence[Mapping[str, Any]], symbol: str, name: str) -> Table:
    columns = dict.fromkeys(field for row in rows for field in row)
    if not columns or not rows:
        raise UnreadableFileError(f"The JSON document {name} holds an empty list of bars.")
    frame = pl.DataFrame(
        {column: _column([row.get(column) for row in rows]) for column in columns}
    ).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE),
        pl.lit(None, dtype=pl.String).alias(PROBLEM),
    )
    return Table(frame, symbol=symbol)


def _column(values: Sequence[Any]) -> pl.Series:
    if any(isinstance(value, str) or _is_nested(value) for value in values):
        return pl.Series(
            [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values],
            dtype=pl.String,
        )
    return pl.Series(list(values), strict=False)
