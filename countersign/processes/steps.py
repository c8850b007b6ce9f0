"""The steps of a start-up: told to the person at the terminal and listed in the ledger."""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa

import ledger
from ledger import steps as listed


class Reporter(Protocol):
    """Whoever watches a start-up."""

    def begin(self, name: str) -> None:
        """A step begins."""

    def progress(self, name: str, share: float | None, detail: str) -> None:
        """A step got on."""

    def end(self, name: str, seconds: float, detail: str) -> None:
        """A step is done."""

    def say(self, sentence: str) -> None:
        """Something the person should know."""


@dataclass
class Steps:
    """Records steps; what happens before the ledger exists is noted when it does."""

    boot_id: str
    names: Sequence[str]
    reporter: Reporter
    failed: str = ""  # the name of the step that failed first
    _engine: sa.Engine | None = None
    _early: list[tuple[str, str, str]] = field(default_factory=list)

    def open_ledger(self, dsn: str) -> None:
        """Begin to write to the ledger."""
        self._engine = ledger.engine(dsn, pool_size=1)
        now = dt.datetime.now(dt.UTC)
        with self._engine.begin() as conn:
            listed.plan(conn, boot_id=self.boot_id, names=list(self.names), desk_at=now)
        early, self._early = self._early, []
        for name, state, detail in early:
            self._record(name, state, detail)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._engine:
            self._engine.dispose()

    @contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """Carry out a step: running on entry, done at the end, failed after an error."""
        started = time.monotonic()
        step = Step(self, name)
        self._record(name, "running")
        self.reporter.begin(name)
        try:
            yield step
        except Exception as e:
            self.failed = self.failed or name  # those beside it are then ended
            self._record(name, "failed", str(e))
            raise
        self._record(name, "done", step.detail)
        self.reporter.end(name, time.monotonic() - started, step.detail)

    def progress(self, name: str, share: float | None, detail: str) -> None:
        """Note how far a step is."""
        self.reporter.progress(name, share, detail)
        self._record(name, "running", detail, share)

    def _record(self, name: str, state: str, detail: str = "", share: float | None = None) -> None:
        if self._engine is None:
            self._early.append((name, state, detail))
            return
        now = dt.datetime.now(dt.UTC)
        with self._engine.begin() as conn:
            listed.record(
                conn,
                boot_id=self.boot_id,
                name=name,
                state=state,
                desk_at=now,
                detail=detail,
                progress=share,
            )


@dataclass
class Step:
    """One step under way; `detail` is shown when it is done."""

    steps: Steps
    name: str
    detail: str = ""

    def heard(self, share: float | None, detail: str) -> None:
        """Note what the step's task tells."""
        self.detail = detail
        self.steps.progress(self.name, share, detail)
