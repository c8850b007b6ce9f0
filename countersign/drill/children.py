"""The desk's own processes, forked from a server that has imported what they need.

Each is a process of its own that kill -9 ends like any other; only its start is quick. Drills
kill hundreds, and every fresh interpreter would spend seconds on imports.
"""

import importlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_IMPORTED = ["worker.__main__", "countersign.drill.dispatcher", "countersign.drill.signer"]

Process = Any  # multiprocessing's forkserver process has no public type


def prepare() -> None:
    """Start the server, which then imports what it is to fork."""
    _CONTEXT.set_forkserver_preload([*_IMPORTED, __name__])
    forkserver.ensure_running()


def worker(name: str, *, log: Path, environment: Mapping[str, str]) -> Process:
    """Start ``python -m worker NAME``."""
    return _start(_worker, (name,), log, environment)


def dispatcher(name: str, *, log: Path, environment: Mapping[str, str]) -> Process:
    """Start a dispatcher."""
    return _start(_dispatcher, (name,), log, environment)


def signer(told: Mapping[str, Any], *, log: Path, environment: Mapping[str, str]) -> Process:
    """Start a signer that dies in the commit of its one signature."""
    return _start(_signer, (dict(told),), log, environment)


def _start(
    deed: Callable[..., None],
    arguments: tuple[Any, ...],
    log: Path,
    environment: Mapping[str, str],
) -> Process:
    process = _CONTEXT.Process(
        target=_begin, args=(deed, arguments, str(log), dict(environment)), daemon=True
    )
    process.start()
    return process


def _begin(
    deed: Callable[..., None], arguments: tuple[Any, ...], log: str, environment: dict[str, str]
) -> None:
    """Stand apart from the drill's terminal, write to the log, be where the environment says."""
    os.setsid()
    with Path(log).open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    deed(*arguments)


def _worker(name: str) -> None:
    sys.argv = ["worker", name]
    importlib.import_module("worker.__main__").main()


def _dispatcher(name: str) -> None:
    importlib.import_module("countersign.drill.dispatcher").main(name)


def _signer(told: dict[str, Any]) -> None:
    importlib.import_module("countersign.drill.signer").main(told)
