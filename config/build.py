"""One hash of sources and settings, carried by every process that may send an order."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_ROOMS = (
    "config", "quant", "trading", "adapters", "warehouse", "ledger", "quality", "assets",
    "pipelines", "worker", "dashboard", "venue", "countersign",
)  # fmt: skip
_KINDS = frozenset({".py", ".toml", ".sql"})
_OWN = ("desk.toml", "universe.toml")  # of the desk's home


@lru_cache(maxsize=1)
def source_hash() -> str:
    """Return 12 hex digits of the SHA-256 over all source files, as they were at first call.

    The value is taken once per process, so that a process which still runs older code than the
    tree on disk reports the older build.
    """
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((REPOSITORY / room).rglob("*")):
            if path.suffix in _KINDS and path.is_file():
                digest.update(path.relative_to(REPOSITORY).as_posix().encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=8)
def build_hash(folder: Path) -> str:
    """Return 12 hex digits for the sources and for the files of settings in a desk's home.

    They too are taken once per process: one that still runs with an older list of restricted
    symbols, or another strategy, is of another build than one that was started since.
    """
    # Who reads one that cannot be read says so in a sentence.
    own = [p for p in (folder / name for name in _OWN) if p.is_file() and os.access(p, os.R_OK)]
    if not own:
        return source_hash()
    digest = hashlib.sha256(source_hash().encode())
    for path in own:
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
