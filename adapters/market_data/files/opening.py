"""Open what a person names: files, folders, archives; packed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import pyarrow as pa

from adapters.market_data.files.delivery import UnreadableFileError

# Endings of files worth opening in a folder.
DATA: Final = frozenset(
    {
        ".csv", ".txt", ".tsv", ".psv", ".dat", ".prn", ".asc", ".json", ".jsonl", ".ndjson",
        ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".gz", ".gzip", ".zst", ".zstd", ".bz2",
        ".xz", ".zip",
    }
)  # fmt: skip
_PACKED: Final = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip", ".tar", ".tgz")


# Files that lie beside data and say something about it.
_TOLD: Final = ("readme", "license", "licence", "notice", "manifest", "metadata", "changelog")


@dataclass(frozen=True)
class Part:
    """One file's bytes, unpacked, and its name without the endings of packing.

    In a folder a file that cannot be opened is a part with a `fault`, so that the others are read.
    """

    name: str
    data: bytes
    fault: str = ""


def parts(source: Path | str | BinaryIO, *, name: str) -> Iterator[Part]:
    """Yield the files behind `source`, one after the other.

    Raises
    ------
    UnreadableFileError
        If there is none, it may not be read, or it is damaged.
    """
    if not isinstance(source, str | Path):
        yield from _unpacked(name or str(getattr(source, "name", "") or "the file"), source.read())
        return
    path = Path(source)
    if path.is_dir():
        yield from _folder(path)
        return
    yield from _unpacked(name or path.name, _bytes(path), shown=str(path))


def _folder(folder: Path) -> Iterator[Part]:
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() in DATA
        and not path.name.lower().startswith(_TOLD)
        and not any(p.startswith((".", "_")) for p in path.relative_to(folder).parts)
    )
    if not files:
        raise UnreadableFileError(
            f"The folder {folder} holds no file of market data (CSV, text, JSON, Parquet, Arrow; "
            "plain or packed). Name a file or the folder that has them."
        )
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            yield from _unpacked(name, _bytes(path), shown=str(path))
        except UnreadableFileError as e:
            yield Part(name, b"", fault=str(e))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as e:
        raise UnreadableFileError(f"There is no file {path}.") from e
    except PermissionError as e:
        raise UnreadableFileError(
            f"The file {path} may not be read by this user. Change its rights."
        ) from e
    except OSError as e:
        raise UnreadableFileError(f"The file {path} cannot be read: {e.strerror or e}.") from e


def _unpacked(name: str, data: bytes, *, shown: str = "") -> Iterator[Part]:
    """Yield the files in `data`, which may be packed several times over."""
    shown = shown or name
    if not data:
        raise UnreadableFileError(f"The file {shown} is empty: it has no bytes.")
    for magic, unpack in _UNPACKERS:
        if data.startswith(magic):
            yield from _unpacked(_bare(name), _whole(unpack, data, shown), shown=shown)
            return
    if data.startswith(b"PK\x03\x04"):
        yield from _members(name, data, shown)
    elif data[257:262] == b"ustar":
        yield from _archived(data, shown)
    else:
        yield Part(_bare(name), data)


def _whole(unpack: Callable[[bytes], bytes], data: bytes, shown: str) -> bytes:
    try:
        return unpack(data)
    except (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError, pa.ArrowException) as e:
        raise UnreadableFileError(
            f"The file {shown} is packed and is cut short or damaged ({e}). Fetch it again."
        ) from e


def _members(name: str, data: bytes, shown: str) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = packed.namelist()
            if "[Content_Types].xml" in names:
                raise UnreadableFileError(
                    f"The file {shown} is an Excel workbook. Save the sheet as CSV and name that."
                )
            wanted = [n for n in names if not n.endswith("/") and not n.startswith("__MACOSX")]
            for member in sorted(wanted):
                named = f"{_bare(name)}/{member}" if len(wanted) > 1 else PurePosixPath(member).name
                yield from _unpacked(named, packed.read(member), shown=f"{shown} ({member})")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as e:
        raise UnreadableFileError(
            f"The archive {shown} is cut short, damaged or locked ({e}). Fetch it again."
        ) from e


def _archived(data: bytes, shown: str) -> Iterator[Part]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as packed:
            for member in packed:
                if (file := packed.extractfile(member)) is not None:
                    yield from _unpacked(member.name, file.read(), shown=f"{shown} ({member.name})")
    except (tarfile.TarError, EOFError) as e:
        raise UnreadableFileError(
            f"The archive {shown} is cut short or damaged ({e}). Fetch it again."
        ) from e


def _bare(name: str) -> str:
    """Return a file's name without the endings that say how it is packed."""
    while name.lower().endswith(_PACKED):
        name = name[: name.rindex(".")]
    return name


def _zstd(data: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return bytes(stream.read())


_UNPACKERS: Final[tuple[tuple[bytes, Callable[[bytes], bytes]], ...]] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ\x00", lzma.decompress),
)
