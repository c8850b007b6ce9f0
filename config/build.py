"""One hash of the source tree, carried by every process that may send an order."""

import hashlib
from functools import lru_cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_ROOMS = (
    "config", "quant", "trading", "adapters", "warehouse", "ledger", "quality", "assets",
    "pipelines", "worker", "dashboard", "venue", "countersign",
)  # fmt: skip
_KINDS = frozenset({".py", ".toml", ".sql"})


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
