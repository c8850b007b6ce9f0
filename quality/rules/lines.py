"""Rows of a wide frame as mappings, of which only the columns asked for are converted."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl


class Line(Mapping[str, Any]):
    """One row: a column is converted when any row first asks for it."""

    __slots__ = ("_at", "_columns")

    def __init__(self, columns: "_Columns", at: int) -> None:
        self._columns = columns
        self._at = at

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.frame.columns)

    def __len__(self) -> int:
        return self._columns.frame.width


class _Columns(dict[str, list[Any]]):
    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    def __missing__(self, name: str) -> list[Any]:
        if name not in self.frame.columns:
            raise KeyError(name)
        values = self[name] = self.frame[name].to_list()
        return values


def rows(frame: pl.DataFrame) -> Iterator[Line]:
    """Yield the rows of `frame`."""
    columns = _Columns(frame)
    for at in range(frame.height):
        yield Line(columns, at)
