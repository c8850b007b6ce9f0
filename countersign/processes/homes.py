"""The files of one desk: what it owns, what it writes down, and its lock."""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from countersign.processes.postgres import new_password


class HomeError(Exception):
    """The desk's folder cannot be used."""


@dataclass(frozen=True)
class Home:
    """The folder with everything a desk owns."""

    root: Path

    @property
    def runtime(self) -> Path:
        """Where the running desk is: ports, addresses, keys (read by `config.settings`)."""
        return self.root / "runtime.json"

    @property
    def state(self) -> Path:
        """Which processes the supervisor keeps."""
        return self.root / "run" / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this desk; holds its process number."""
        return self.root / "run" / "supervisor.lock"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        """The data folder of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def dagster(self) -> Path:
        """Dagster's own folder (DAGSTER_HOME)."""
        return self.root / "dagster"

    @property
    def workspace(self) -> Path:
        """Names the running code server to the Dagster webserver and daemon."""
        return self.root / "workspace.yaml"

    def prepare(self) -> None:
        """Make the folders.

        Raises
        ------
        HomeError
            If the folder cannot be made or written.
        """
        for folder in (self.root, self.state.parent, self.logs, self.dagster):
            try:
                folder.mkdir(
                    parents=folder == self.root,
                    exist_ok=True,
                    mode=0o777 if folder == self.root else 0o700,
                )
                probe = folder / f".probe-{os.getpid()}"
                probe.write_text("")
                probe.unlink()
            except (FileExistsError, NotADirectoryError) as e:
                raise HomeError(
                    f"The folder {folder} cannot be made: a file is in its way. Set DESK_HOME to "
                    "a folder of your own."
                ) from e
            except OSError as e:
                raise HomeError(
                    f"The folder {folder} cannot be written ({e.strerror}{_owned(folder)}). Give "
                    "it to this user, or set DESK_HOME to a folder of your own."
                ) from e

    def secrets(self) -> dict[str, str]:
        """Return this desk's own passwords and keys, made at the first call."""
        path = self.root / "run" / "secrets.json"
        if not path.exists():
            write_private(
                path,
                {
                    "postgres": new_password(),
                    "venue_key_id": "PK" + secrets.token_hex(9).upper(),
                    "venue_secret_key": secrets.token_urlsafe(30),
                },
            )
        told: dict[str, str] = read(path)
        return told


def _owned(folder: Path) -> str:
    """Return whose the folder, or the nearest one above it, is, when that is somebody else."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return (
            f"; {there} belongs to {there.owner()}" if there.stat().st_uid != os.geteuid() else ""
        )
    except (OSError, KeyError):  # a number without a name, or no right to look
        return ""


class HeldLock:
    """The right to be the one supervisor of a desk, until released or the process ends."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def release(self) -> None:
        """Let another supervisor take over."""
        self._file.truncate(0)
        self._file.close()


def take(home: Home) -> HeldLock | None:
    """Return the desk's lock, or None when another supervisor holds it."""
    file = home.lock.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return HeldLock(file)


def supervisor_pid(home: Home) -> int | None:
    """Return the process number of the running supervisor, None when there is none."""
    try:
        with home.lock.open("r", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
    except (OSError, ValueError):
        return None
    return None


def read(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, empty when there is no such file or it is damaged."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def write_private(path: Path, told: Mapping[str, Any]) -> None:
    """Write a JSON object whole or not at all, readable by the owner alone."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2)
    unfinished.replace(path)
