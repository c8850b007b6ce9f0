"""A whole desk for tests: supervisor and all processes, in a home of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.build import REPOSITORY
from countersign.processes import homes
from countersign.processes.homes import Home
from countersign.processes.ports import LOOPBACK, next_free


class Trap:
    """Stands where the machine's web proxy would be, and notes whoever wants to leave."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._socket = socket.create_server((LOOPBACK, 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        """The address to name as the proxy."""
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                self.heard.append(connection.recv(200).decode(errors="replace").split("\r\n")[0])


@dataclass
class WholeDesk:
    """One desk; `up` starts it in a process of its own."""

    home: Path
    trap: Trap = field(default_factory=Trap)
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Below those that connections leave from: one of them may take a port for a moment.
        first = next_free(20_000 + os.getpid() % 100 * 100)
        names = ("VENUE__PORT", "DASHBOARD__PORT", "DAGSTER__PORT", "DAGSTER__CODE_PORT")
        ports = {
            f"COUNTERSIGN_{name}": str(first + 10 * n)
            for n, name in enumerate((*names, "MLFLOW__PORT"))
        }
        proxies = dict.fromkeys(
            ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), self.trap.url
        )
        self.environment = (
            os.environ
            | ports
            | proxies
            | {"DESK_HOME": str(self.home), "PYTHONPATH": str(REPOSITORY)}
            | self.settings
        )

    def run(self, *words: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a word of the command line to its end; `before` is a command that starts it."""
        return subprocess.run(
            [*before, sys.executable, "-m", "countersign", *words],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=420,
        )

    def status(self) -> dict[str, Any]:
        """Return what `status --json` tells."""
        told: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return told

    @property
    def is_up(self) -> bool:
        """Whether a supervisor keeps it."""
        return homes.supervisor_pid(Home(self.home)) is not None

    def address(self, name: str) -> str:
        """Return where a process listens, as `status` tells it."""
        return str(self.process(name)["address"])

    def process(self, name: str) -> dict[str, Any]:
        """Return what `status` tells about one process."""
        return next(p for p in self.status()["processes"] if p["name"] == name)

    def kill(self, name: str) -> int:
        """Kill a process as the kernel would; return its number."""
        pid = int(self.process(name)["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_supervisor(self) -> None:
        """Kill the supervisor and wait until it is gone."""
        process = psutil.Process(int(self.status()["supervisor"]["pid"]))
        process.kill()
        process.wait(10)

    def family(self) -> list[psutil.Process]:
        """Return every process that was started with this desk's home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("DESK_HOME") == str(self.home):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


@pytest.fixture(scope="session")
def whole_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """The run's one desk, stopped at the end."""
    desk = WholeDesk(tmp_path_factory.mktemp("desk") / "home")
    yield desk
    desk.run("down")


@pytest.fixture
def desk(whole_desk: WholeDesk) -> WholeDesk:
    """A desk that has come up; starting it takes minutes, so that all tests share it."""
    if not whole_desk.is_up:
        done = whole_desk.run("up", "--detach")
        assert done.returncode == 0, done.stdout + done.stderr
    return whole_desk


def until(condition: Callable[[], bool], *, seconds: float, why: str) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, why
        time.sleep(0.5)
