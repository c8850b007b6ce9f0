"""Objects in a local folder with the layout of a bucket."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.fs as pafs

from adapters.object_store.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
    StoreRefusedError,
)
from adapters.object_store.protocol import ObjectInfo, require_digest, require_key

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_PARTIAL = ".partial"  # temporary names begin with it and are never listed


class FolderStore:
    """An object store below `path`, which is made when missing."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._path)

    def check(self) -> None:
        """Raise StoreRefusedError unless the folder can be written."""
        with self._explained("written"):
            self._path.mkdir(parents=True, exist_ok=True)
            handle, probe = tempfile.mkstemp(prefix=_PARTIAL, dir=self._path)
            os.close(handle)
            Path(probe).unlink()

    def put(self, key: str, data: bytes) -> bool:
        """Write to a temporary name, flush to disk, move whole; see `ObjectStore.put`."""
        target = self._path / require_key(key)
        if target.is_file():
            return self._same(target, key, data)
        with self._explained("written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(prefix=_PARTIAL, dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(partial).chmod(0o644)
                if not _placed(Path(partial), target):
                    return self._same(target, key, data)
            finally:
                Path(partial).unlink(missing_ok=True)
        return True

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object's bytes; see `ObjectStore.get`."""
        with self._explained("read"):
            try:
                data = (self._path / require_key(key)).read_bytes()
            except FileNotFoundError as e:
                raise ObjectMissingError(f"There is no object {key} in {self.name}.") from e
        return require_digest(data, sha256, key=key, name=self.name)

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""
        return (self._path / require_key(key)).is_file()

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects below `prefix` after the key `after`, in key order."""
        with self._explained("listed"):
            for key in sorted(self._keys(prefix)):
                if key > after:
                    told = (self._path / key).stat()
                    modified_at = datetime.fromtimestamp(told.st_mtime, tz=UTC)
                    yield ObjectInfo(key, told.st_size, modified_at)

    def delete(self, key: str) -> None:
        """Remove an object; for tests and for rejected uploads only."""
        with self._explained("written"):
            (self._path / require_key(key)).unlink(missing_ok=True)

    def filesystem(self) -> tuple[pafs.FileSystem, str]:
        """Return the local file system and the folder."""
        return pafs.LocalFileSystem(use_mmap=True), f"{self._path}/"

    def _keys(self, prefix: str) -> Iterator[str]:
        start = self._path / prefix.rpartition("/")[0]
        for folder, _, names in os.walk(start):
            inside = Path(folder).relative_to(self._path).as_posix()
            above = "" if inside == "." else f"{inside}/"
            for name in names:
                if not name.startswith(".") and f"{above}{name}".startswith(prefix):
                    yield f"{above}{name}"

    def _same(self, target: Path, key: str, data: bytes) -> bool:
        if target.read_bytes() == data:
            return False
        raise ObjectExistsError(
            f"The object {key} in {self.name} exists with other content, and objects are never "
            "edited. Land the correction under a new key."
        )

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as e:
            raise StoreRefusedError(
                f"The folder {self.name} cannot be {what} ({e.strerror or e}). Give the desk's "
                "user the right to, free some space, or name another folder in [lake] path."
            ) from e


def _placed(partial: Path, target: Path) -> bool:
    """Give the written file its name; False when another writer was first."""
    try:
        # A link, unlike a rename, never replaces what another writer put there.
        os.link(partial, target)
    except FileExistsError:
        return False
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        partial.rename(target)
    return True
