"""The supervisor: all keepers of one desk, its state file, and the orderly stop."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from config.build import REPOSITORY
from countersign.processes import children, homes, logs
from countersign.processes.children import Running, Spec
from countersign.processes.homes import Home
from countersign.processes.keeper import Keeper

_HOUSEKEEPING = 15.0  # seconds between two looks at logs and runs


class Supervisor:
    """Keeps the processes of one desk; takes over those that an earlier one left running."""

    def __init__(self, home: Home, *, boot_id: str, build: str) -> None:
        self.home = home
        self.boot_id = boot_id
        self.keepers: dict[str, Keeper] = {}
        self.phase = "starting"
        self._build = build
        self._earlier: dict[str, Any] = homes.read(home.state).get("processes", {})
        self._writing = threading.Lock()
        self._stopping = threading.Event()

    def held_ports(self) -> dict[str, int]:
        """Return name to port of the processes that an earlier supervisor left running."""
        return {
            name: noted["port"]
            for name, noted in self._earlier.items()
            if noted.get("port") and children.is_alive(noted["pid"] or 0, noted["created"] or 0)
        }

    def keep(self, spec: Spec, environment: Mapping[str, str]) -> Keeper:
        """Start the child, or adopt it when it still runs as it should; keep it running."""
        noted = self._earlier.pop(spec.name, None)
        found = children.adopted(noted, spec) if noted else None
        if noted and not found:
            _end(noted, spec.name)
        keeper = Keeper(
            spec,
            log=self.log(spec.name),
            environment=environment,
            folder=REPOSITORY,
            changed=self.write_state,
            found=found,
        )
        self.keepers[spec.name] = keeper
        keeper.begin()
        return keeper

    def log(self, name: str) -> Path:
        """Return where the output of a process goes."""
        return self.home.logs / f"{name}.log"

    def enter(self, phase: str) -> None:
        """Note what the desk as a whole does: starting, running, stopping."""
        self.phase = phase
        self.write_state()

    def write_state(self) -> None:
        """Write down which processes run, for `status` and for the next supervisor."""
        with self._writing:
            noted = {name: keeper.note() for name, keeper in list(self.keepers.items())}
            homes.write_private(
                self.home.state,
                {
                    "pid": os.getpid(),
                    "boot_id": self.boot_id,
                    "build": self._build,
                    "phase": self.phase,
                    "written_at": time.time(),
                    "processes": {**self._earlier, **noted},
                },
            )

    def ask_to_stop(self) -> None:
        """Make `serve` return."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether someone asked to stop."""
        return self._stopping.is_set()

    def serve(self, housekeeping: Callable[[], None]) -> None:
        """Stay until asked to stop; rotate logs and call `housekeeping` every 15 s."""
        while not self._stopping.is_set():
            for path in self.home.logs.glob("*.log"):
                logs.rotate(path)
            housekeeping()
            self._stopping.wait(_HOUSEKEEPING)

    def stop(self, told: Callable[[str], None] = lambda name: None) -> None:
        """Stop all children, the highest rank first, and forget where they were."""
        self._stopping.set()
        self.enter("stopping")
        for keeper in self.keepers.values():
            keeper.release()
        for rank in sorted({k.spec.rank for k in self.keepers.values()}, reverse=True):
            self._stop_rank([k for k in self.keepers.values() if k.spec.rank == rank], told)
        for name, noted in sorted(self._earlier.items(), key=lambda item: -item[1]["rank"]):
            _end(noted, name)
        self.home.runtime.unlink(missing_ok=True)
        self.home.state.unlink(missing_ok=True)

    def _stop_rank(self, keepers: list[Keeper], told: Callable[[str], None]) -> None:
        living = [(k.spec, k.process) for k in keepers if k.process]
        for spec, process in living:
            told(spec.name)
            children.signal_to_stop(process, spec)
        started = time.monotonic()
        for spec, process in living:
            children.wait_or_kill(process, spec, until=started + spec.stop_seconds)


def end_left_over(home: Home, told: Callable[[str], None]) -> int:
    """Stop what a killed supervisor left running; return how many processes that were."""
    noted: dict[str, Any] = homes.read(home.state).get("processes", {})
    ended = 0
    for name, child in sorted(noted.items(), key=lambda item: -item[1]["rank"]):
        if children.is_alive(child["pid"] or 0, child["created"] or 0):
            told(name)
            ended += 1
        _end(child, name)
    home.runtime.unlink(missing_ok=True)
    home.state.unlink(missing_ok=True)
    return ended


def _end(noted: Mapping[str, Any], name: str) -> None:
    """Stop a process that an earlier supervisor noted."""
    if not noted.get("pid"):
        return
    process = Running(noted["pid"], noted["created"])
    if not process.is_alive():
        return
    spec = Spec(name=name, command=(), stop_signal=noted["stop_signal"])
    children.signal_to_stop(process, spec)
    children.wait_or_kill(process, spec, until=time.monotonic() + noted["stop_seconds"])
