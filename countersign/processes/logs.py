"""Log files of bounded size, and their last lines."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

_LIMIT = 10_000_000  # bytes
_KEPT = 3


def rotate(path: Path, *, limit: int = _LIMIT, kept: int = _KEPT) -> bool:
    """Copy a log that has outgrown `limit` aside and empty it; return whether it did.

    The writers keep their open files: they append, so they go on at the start.
    """
    try:
        if path.stat().st_size <= limit:
            return False
    except FileNotFoundError:
        return False
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, none when it does not exist."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 400 * count - 4096))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]


def follow(path: Path, *, pause: float = 0.3) -> Iterator[str]:
    """Yield lines as they are appended, for ever; an emptied file is read from its start."""
    position = path.stat().st_size if path.exists() else 0
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < position:
            position = 0
        if size > position:
            with path.open("rb") as file:
                file.seek(position)
                text = file.read()
            whole = text.rfind(b"\n") + 1
            position += whole
            yield from text[:whole].decode(errors="replace").splitlines()
        time.sleep(pause)
