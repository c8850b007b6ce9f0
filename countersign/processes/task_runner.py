"""Runs the tasks of a start-up, and ends them when someone asks to stop."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.build import REPOSITORY

Heard = Callable[[float | None, str], None]


class StepFailedError(Exception):
    """A step of the start-up did not succeed; the message is for the person at the terminal."""


@dataclass
class TaskRunner:
    """Runs tasks of `countersign.processes.tasks`, each in a process of its own."""

    environment: Mapping[str, str]
    log: Path
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    def run(self, task: str, heard: Heard) -> None:
        """Carry out a task; `heard` is called with its progress.

        Raises
        ------
        StepFailedError
            With the task's own sentence, or the place of its log.
        """
        process = self._started(task)
        failed = ""
        for line in process.stdout or ():
            told = _object(line)
            failed = str(told.get("failed", failed))
            if "detail" in told:
                heard(told["progress"], told["detail"])
        code = process.wait()
        self._running.discard(process)
        if code:
            raise StepFailedError(failed or f"The step “{task}” failed: see {self.log}.")

    def stop(self) -> None:
        """End the tasks under way; `run` then raises."""
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _started(self, task: str) -> subprocess.Popen[str]:
        with self.log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "countersign.processes.tasks", task],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(self.environment),
                cwd=REPOSITORY,
                text=True,
                start_new_session=True,
            )
        self._running.add(process)
        return process


def _object(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
