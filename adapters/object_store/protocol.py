"""What the desk needs of a place for raw objects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow.fs as pafs

from adapters.object_store.errors import ObjectDamagedError

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+-]*(/[A-Za-z0-9_][A-Za-z0-9_.=+-]*)*")


@dataclass(frozen=True)
class ObjectInfo:
    """One entry of a listing."""

    key: str
    size: int  # bytes
    modified_at: datetime  # UTC wall time


class ObjectStore(Protocol):
    """Immutable objects by key; a folder and a bucket look the same."""

    def __hash__(self) -> int:
        """Stores are told apart by identity."""

    @property
    def name(self) -> str:
        """The folder, or the endpoint and bucket, for messages."""

    def check(self) -> None:
        """Raise a StoreError that says what to do, unless objects can be written and read."""

    def put(self, key: str, data: bytes) -> bool:
        """Store an object whole or not at all; False when it was there with the same bytes.

        Raises ObjectExistsError when the key holds other bytes.
        """

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object's bytes, compared with `sha256` when given."""

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects below `prefix` with a key greater than `after`, in key order."""

    def delete(self, key: str) -> None:
        """Remove an object; for tests and for rejected uploads only."""

    def filesystem(self) -> tuple[pafs.FileSystem, str]:
        """Return a pyarrow file system and the root to prepend to keys, for reading columns."""


def require_key(key: str) -> str:
    """Return `key`, a relative path of plain names.

    Raises
    ------
    ValueError
        If it is empty, absolute, climbs out, or holds unusual characters.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(
            f"An object's key must be names of letters, digits and . _ = + - joined by /, "
            f"was {key!r}."
        )
    return key


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data`, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def require_digest(data: bytes, sha256: str | None, *, key: str, name: str) -> bytes:
    """Return `data`, whose SHA-256 is `sha256` (None: any).

    Raises
    ------
    ObjectDamagedError
        If it is not.
    """
    if sha256 is not None and (found := digest(data)) != sha256:
        raise ObjectDamagedError(
            f"The object {key} in {name} is damaged: its SHA-256 is {found[:12]}…, landed was "
            f"{sha256[:12]}… ({len(data)} bytes now). Land it again under a new key."
        )
    return data
