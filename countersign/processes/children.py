"""One child process of the supervisor: start it, find it again, stop it."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from countersign.processes.probes import Probe, lives

_SAME_START = 0.05  # seconds between two readings of one process's start time


@dataclass(frozen=True)
class Spec:
    """What a child is: how it starts, how to see that it is well, how it stops."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Probe = lives
    address: str = ""  # for people
    port: int | None = None
    rank: int = 1  # the highest stops first
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    identity: Mapping[str, Any] = field(default_factory=dict)  # user to run as
    before_start: Callable[[], None] = lambda: None
    # Others in its process group outlive its death: the runs that a code server started.
    spares_group: bool = False
    facts: str = ""  # what else, when changed, makes a running one outdated

    @property
    def fingerprint(self) -> str:
        """A hash of all that a running process of this kind was started with."""
        told = json.dumps([self.command, sorted(self.environment.items()), self.facts])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Running:
    """A living process, known by its number and the time it started."""

    pid: int
    created: float  # seconds since the epoch
    popen: subprocess.Popen[bytes] | None = None  # None: started by an earlier supervisor

    def is_alive(self) -> bool:
        """Return whether it still runs; a dead child of ours is collected."""
        if self.popen is not None:
            return self.popen.poll() is None
        return is_alive(self.pid, self.created)

    def exit_text(self) -> str:
        """Return how it ended, as far as we can know."""
        code = self.popen.returncode if self.popen else None
        if code is None:
            return "ended"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"


def start(spec: Spec, log: Path, environment: Mapping[str, str], folder: Path) -> Running:
    """Start the child in a session of its own, its output appended to `log`."""
    spec.before_start()
    with log.open("ab") as output:
        process = subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**environment, **spec.environment},
            cwd=folder,
            **spec.identity,
        )
    try:
        created = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        created = time.time()
    return Running(process.pid, created, process)


def adopted(noted: Mapping[str, Any], spec: Spec) -> Running | None:
    """Return the process of an earlier supervisor if it still runs and is not outdated."""
    pid, created = noted.get("pid"), noted.get("created")
    if not pid or not created or noted.get("fingerprint") != spec.fingerprint:
        return None
    return Running(pid, created) if is_alive(pid, created) else None


def is_alive(pid: int, created: float) -> bool:
    """Return whether the process with this number is the one that started at `created`."""
    try:
        process = psutil.Process(pid)
        return (
            abs(process.create_time() - created) < _SAME_START
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def signal_to_stop(process: Running, spec: Spec) -> None:
    """Ask the process to end."""
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, spec.stop_signal)


def wait_or_kill(process: Running, spec: Spec, *, until: float) -> None:
    """Wait for the end until the monotonic time `until`, then kill; leave nothing of its group."""
    while process.is_alive() and time.monotonic() < until:
        time.sleep(0.05)
    kill_group(process.pid)
    while process.is_alive():
        time.sleep(0.02)


def kill_group(group: int) -> None:
    """Kill what is left of a process group that a child led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
