"""Files of people and vendors: any usual spelling in, the desk's own columns out."""

from __future__ import annotations

from adapters.market_data.files.delivery import (
    FILE_COLUMNS,
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)
from adapters.market_data.files.places import read_place
from adapters.market_data.files.reader import read

__all__ = [
    "FILE_COLUMNS",
    "Delivery",
    "FileKind",
    "FileOptions",
    "UnreadableFileError",
    "read",
    "read_place",
]
