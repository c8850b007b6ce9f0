"""pyqlib on its own files: the 14 factors without and with its caches, and Alpha158.

Its caches are those of its own table of storages: of expressions (+E -D), a file for each factor
and symbol, for which it needs a Redis server, and of whole data sets.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import qlib
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D

from benchmarks import stopwatch

RETURN = "Log($close/Ref($close,1))"
FACTORS = [
    *(f"Log($close/Ref($close,{n}))" for n in (1, 5, 21)),
    *(f"$close/Mean($close,{n})-1" for n in (10, 20, 50)),
    *(f"Std({RETURN},{n})*15.874507866387544" for n in (21, 63)),
    "($close-Mean($close,20))/Std($close,20)*1.0259783520851542",
    "100*($close-Min($low,14))/(Max($high,14)-Min($low,14))",
    "-100*(Max($high,21)-$close)/(Max($high,21)-Min($low,21))",
    "Mean($volume,5)/Mean($volume,63)",
    "$volume/Mean($volume,21)",
    f"Corr({RETURN},Log($volume/Ref($volume,1)),21)",
]


def _start(
    folder: Path, *, expressions: str | None = None, dataset: str | None = None, redis: int = 0
) -> None:
    qlib.init(
        provider_uri=str(folder),
        region="us",
        expression_cache=expressions,
        dataset_cache=dataset,
        redis_port=redis,
        local_cache_path=str(folder / "cache"),
        kernels=2,
        logging_level=logging.ERROR,
    )


def _work(fields: Sequence[str], *, cached: bool) -> Callable[[], object]:
    def work() -> object:
        frame = D.features(
            D.instruments("all"), list(fields), freq="day", disk_cache=1 if cached else 0
        )
        return frame.to_numpy(dtype="float32")

    return work


def _factors(folder: Path) -> Callable[[], object]:
    _start(folder / "qlib-factors")
    return _work(FACTORS, cached=False)


def _expressions_cached(folder: Path) -> Callable[[], object]:
    _start(folder / "qlib-factors", expressions="DiskExpressionCache", redis=_redis())
    work = _work(FACTORS, cached=False)
    work()  # fills the cache
    return work


def _redis() -> int:
    """Start a Redis server that ends with this process, and return its port."""
    server = shutil.which("redis-server")
    if server is None:
        raise SystemExit("pyqlib's cache of expressions needs redis-server: install it.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    told = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    started = subprocess.Popen([server, *told], stdout=subprocess.DEVNULL)
    atexit.register(started.terminate)
    for _ in range(100):
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.05)
    raise SystemExit("redis-server does not answer.")


def _cached(folder: Path) -> Callable[[], object]:
    _start(folder / "qlib-factors", dataset="SimpleDatasetCache")
    work = _work(FACTORS, cached=True)
    work()  # fills the cache
    return work


def _set(folder: Path) -> Callable[[], object]:
    _start(folder / "qlib-set")
    return _work(Alpha158DL.get_feature_config()[0], cached=False)


CASES: dict[str, stopwatch.Prepare] = {
    "factors": _factors,
    "factors, expressions cached": _expressions_cached,
    "factors, data set cached": _cached,
    "set": _set,
}

if __name__ == "__main__":
    stopwatch.main(CASES, ("pyqlib", "numpy", "pandas"))
