"""Keeps one child running: starts it, watches it, starts it again with growing pauses."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from countersign.processes import children, logs
from countersign.processes.children import Running, Spec

State = Literal["starting", "running", "unresponsive", "backoff", "failed", "stopped"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_HEALTHY_MINUTE = 60.0  # seconds after which earlier deaths are forgotten
_DEATHS_TO_FAIL = 5  # in a row without a healthy minute; it is still tried again
_UNRESPONSIVE_AFTER = 20.0  # seconds without an answer before it is said
_HUNG_AFTER = 180.0  # seconds without an answer before it is killed


@dataclass(frozen=True)
class Timing:
    """How often a keeper looks, in seconds."""

    starting: float = 0.2
    running: float = 2.0
    alive: float = 0.25


class Keeper:
    """Supervises one child in a thread of its own."""

    def __init__(
        self,
        spec: Spec,
        *,
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
        changed: Callable[[], None],
        found: Running | None = None,
        timing: Timing = Timing(),
    ) -> None:
        self.spec = spec
        self.state: State = "starting"
        self.detail = "found running" if found else ""
        self.restarts = 0
        self.since = time.time()
        self.process = found
        self._log, self._environment, self._folder = log, environment, folder
        self._changed, self._timing = changed, timing
        self._deaths = 0
        self._stopping = threading.Event()
        self._healthy = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keep-{spec.name}", daemon=True)

    def begin(self) -> None:
        """Start keeping."""
        self._thread.start()

    def wait_healthy(self, timeout: float) -> bool:
        """Wait until the child answers; return whether it does."""
        return self._healthy.wait(timeout)

    def release(self) -> None:
        """Stop keeping; the child itself is left as it is."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def note(self) -> dict[str, Any]:
        """Return what `status` and the next supervisor need to know."""
        process = self.process
        return {
            "state": self.state,
            "pid": process.pid if process else None,
            "created": process.created if process else None,
            "since": self.since,
            "restarts": self.restarts,
            "address": self.spec.address,
            "port": self.spec.port,
            "rank": self.spec.rank,
            "stop_signal": int(self.spec.stop_signal),
            "stop_seconds": self.spec.stop_seconds,
            "fingerprint": self.spec.fingerprint,
            "detail": self.detail,
        }

    def _keep(self) -> None:
        while not self._stopping.is_set():
            if self.process is None and not self._start():
                continue
            self._watch()
            if not self._stopping.is_set():
                self._died()

    def _start(self) -> bool:
        self._move("starting")
        try:
            self.process = children.start(self.spec, self._log, self._environment, self._folder)
        except OSError as e:
            self._pause(f"cannot start: {e}")
            return False
        self._changed()
        return True

    def _watch(self) -> None:
        """Return when the child is dead or we stop."""
        process = self.process
        answered = time.monotonic()
        probed = 0.0
        while process and process.is_alive() and not self._stopping.wait(self._step()):
            now = time.monotonic()
            every = self._timing.running if self.state == "running" else self._timing.starting
            if now - probed < every:
                continue
            probed = now
            if self.spec.probe():
                answered = now
                self._well()
            elif self._healthy.is_set():
                self._silent(process, now - answered)

    def _step(self) -> float:
        return self._timing.alive if self.state == "running" else self._timing.starting

    def _well(self) -> None:
        if self.state != "running":
            self._move("running")
            self._healthy.set()
        elif time.time() - self.since > _HEALTHY_MINUTE:
            self._deaths = 0

    def _silent(self, process: Running, seconds: float) -> None:
        if seconds > _HUNG_AFTER:
            children.kill_group(process.pid)
        elif seconds > _UNRESPONSIVE_AFTER and self.state != "unresponsive":
            self._move("unresponsive", f"no answer for {seconds:.0f} s")

    def _died(self) -> None:
        process = self.process
        if process is None:
            return
        self._healthy.clear()
        if not self.spec.spares_group:
            children.kill_group(process.pid)
        self.process = None
        last = next(iter(logs.last_lines(self._log, 1)), "")
        self._pause(process.exit_text() + (f"; last said: {last[:200]}" if last else ""))

    def _pause(self, detail: str) -> None:
        self._deaths += 1
        self.restarts += 1
        self._move("failed" if self._deaths >= _DEATHS_TO_FAIL else "backoff", detail)
        self._stopping.wait(min(_FIRST_PAUSE * 2 ** (self._deaths - 1), _LONGEST_PAUSE))

    def _move(self, state: State, detail: str = "") -> None:
        self.state, self.since = state, time.time()
        self.detail = detail or (self.detail if state == "starting" else "")
        self._changed()
