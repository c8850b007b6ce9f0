"""The machine: Python, packages, memory, disk, ports, the rights on the desk's folder."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from packaging.markers import Marker

from config.build import REPOSITORY
from config.documents import is_private
from config.settings import Settings
from countersign.health.findings import Finding, note, ok, wrong
from countersign.processes import homes, ports
from countersign.processes.addresses import LABELS, needed, wanted
from countersign.processes.homes import Home
from countersign.processes.postgres import MAJOR, PostgresError, program

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?")
_DISK, _MEMORY = 5e9, 4e9  # bytes
_OWN_FOLDER = "Give it to this user, or set DESK_HOME to a folder of your own."


def machine(settings: Settings, home: Home) -> Iterator[Finding]:
    """Look at what every desk needs of its machine."""
    yield ok("Python", f"{platform.python_version()} at {sys.executable}")
    yield packages(REPOSITORY / "requirements.lock")
    yield _room("Memory", psutil.virtual_memory().total, _MEMORY, "the desk's processes need 4 GB")
    yield folder(home)
    yield from private_files(home)
    if settings.database.kind == "embedded":
        yield _postgres()
    yield from listening(settings, home)


def packages(lock: Path) -> Finding:
    """Compare what is installed with the lock."""
    pinned = [found for line in lock.read_text().splitlines() if (found := _PIN.match(line))]
    differing = []
    for name, version, marker in (found.groups() for found in pinned):
        if marker and not Marker(marker.strip()).evaluate():
            continue
        installed = _installed(name)
        if installed != version:
            differing.append(f"{name} {installed or 'missing'} instead of {version}")
    if differing:
        said = "; ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        return wrong("Packages", said, "Remove .venv/installed and run ./desk again.")
    return ok("Packages", f"{len(pinned)} as pinned in requirements.lock")


def folder(home: Home) -> Finding:
    """Look whether the desk's folder can be written and has room."""
    root = home.root
    there = next(path for path in (root, *root.parents) if path.exists())
    if not there.is_dir():
        return wrong("Folder", f"{there} is a file", "Set DESK_HOME to a folder of your own.")
    for path in (there, home.state.parent, home.logs, home.dagster):
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            return wrong("Folder", f"{path} cannot be written by this user", _OWN_FOLDER)
    return _room(f"Folder {root}", shutil.disk_usage(there).free, _DISK, "make room for 5 GB")


def private_files(home: Home) -> Iterator[Finding]:
    """Look whether files with secrets are readable by their owner alone."""
    for path in (home.runtime, home.root / "run" / "secrets.json"):
        if path.exists() and not is_private(path):
            yield wrong("Secrets", f"{path} can be read by others", f"Run: chmod 600 {path}")


def listening(settings: Settings, home: Home) -> Iterator[Finding]:
    """Look whether the wanted ports are free or ours; a running desk has its own already."""
    if homes.supervisor_pid(home):
        return
    ours = {noted.get("port") for noted in homes.read(home.state).get("processes", {}).values()}
    for name, port in vars(wanted(settings)).items():
        if name not in needed(settings):
            continue
        if port in ours:
            yield ok(f"Port {port}", f"used by this desk ({LABELS[name]})")
        elif ports.is_free(port):
            yield ok(f"Port {port}", f"free for {LABELS[name]}")
        else:
            yield note(f"Port {port}", f"taken; {LABELS[name]} will use the next free one")


def _postgres() -> Finding:
    try:
        return ok("PostgreSQL", f"{MAJOR}, {program('postgres').parent}")
    except PostgresError as e:
        return wrong("PostgreSQL", str(e))


def _room(subject: str, found: float, needed: float, advice: str) -> Finding:
    said = f"{found / 1e9:.1f} GB"
    return ok(subject, said) if found >= needed else wrong(subject, f"only {said}", advice)


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
