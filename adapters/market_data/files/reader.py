"""Read a file of market data, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from adapters.market_data.files import bars, events, opening, quotes, tables
from adapters.market_data.files.delivery import (
    FILE_COLUMNS,
    LINE,
    PROBLEM,
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)

_UNDECLARED = FileOptions()
_READERS = {
    "daily": bars.read,
    "minute": bars.read,
    "index": bars.read,
    "actions": events.read,
    "options": quotes.read,
}


def read(
    source: Path | str | BinaryIO,
    *,
    kind: FileKind,
    options: FileOptions = _UNDECLARED,
    name: str = "",
) -> Delivery:
    """Return the rows of a file, or of all files of a folder, in the desk's columns.

    Parameters
    ----------
    source : path or binary stream
        Text (any usual delimiter, encoding and number format), JSON, Parquet or Arrow, plain or
        packed as gz, zst, bz2, xz or zip.
    kind : str
        What the rows are.
    options : FileOptions
        What the person declares.
    name : str
        What a stream is called; the symbol is taken from it when the file has none.

    Raises
    ------
    UnreadableFileError
        If no row can be read as `kind`; the message says what was found and what to do.
    """
    return together(read_one(source, kind=kind, options=options, name=name))


def read_one(
    source: Path | str | BinaryIO, *, kind: FileKind, options: FileOptions, name: str
) -> list[tuple[str, Delivery]]:
    """Return the tables behind one source, each with its file's name."""
    found: list[tuple[str, Delivery]] = []
    faults: list[tuple[str, str]] = []
    for part in opening.parts(source, name=name):
        try:
            found.extend((part.name, d) for d in _deliveries(part, kind, options))
        except UnreadableFileError as e:
            faults.append((part.name, str(e)))
    if not found:
        raise UnreadableFileError(faults[0][1])
    return [*found, *((file, _faulty(kind, fault)) for file, fault in faults)]


def _deliveries(part: opening.Part, kind: FileKind, options: FileOptions) -> list[Delivery]:
    if part.fault:
        raise UnreadableFileError(part.fault)
    return [
        _READERS[kind](table, kind=kind, options=options, name=part.name)
        for table in tables.tables(part, declared=tuple(options.columns.values()))
    ]


def _faulty(kind: FileKind, fault: str) -> Delivery:
    """Return one row that stands for a file of which none can be read."""
    columns = FILE_COLUMNS[kind] | {LINE: pl.Int64, PROBLEM: pl.String}
    row = dict.fromkeys(columns) | {LINE: 0, PROBLEM: fault}
    return Delivery(kind, pl.DataFrame([row], schema=columns), adjusted=False, recognised={})


def together(named: Sequence[tuple[str, Delivery]]) -> Delivery:
    """Return deliveries of one kind as one; the column `file` names each row's file."""
    deliveries = [delivery for _, delivery in named]
    if len(deliveries) == 1:
        return deliveries[0]
    frames = [d.frame.with_columns(pl.lit(name).alias("file")) for name, d in named]
    adjusted = {d.adjusted for d in deliveries if d.recognised}
    if len(adjusted) > 1:
        raise UnreadableFileError(
            "Some of the files hold adjusted prices and some raw ones. Give them one by one, or "
            "declare which they are."
        )
    notes = dict.fromkeys(note for d in deliveries for note in d.notes)
    return Delivery(
        deliveries[0].kind,
        pl.concat(frames, how="diagonal"),
        adjusted.pop(),
        deliveries[0].recognised,
        tuple(notes),
    )
