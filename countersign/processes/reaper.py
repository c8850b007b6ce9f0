"""Finds Dagster runs whose worker process is gone; Dagster's default launcher does not.

The search reads Dagster's tables, so it costs nothing while all is well. Only when a run must be
failed is Dagster itself started, in a short-lived process.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from config.build import REPOSITORY

_ACTIVE = """
select runs.run_id, event_logs.event, extract(epoch from event_logs.timestamp)::float8
from runs
join event_logs on event_logs.run_id = runs.run_id
where runs.status in ('STARTING', 'STARTED', 'CANCELING')
  and event_logs.dagster_event_type = 'ENGINE_EVENT'
  and event_logs.event like '%process for run (pid: %'
order by event_logs.id
"""
_PID = re.compile(r"Started process for run \(pid: (\d+)\)")
_STARTED_LATER = 2.0  # seconds by which a process must postdate the note to be another one


@dataclass(frozen=True)
class Worker:
    """The process that a run said it runs in, and when it said so (epoch seconds)."""

    run_id: str
    pid: int
    said_at: float

    def is_gone(self) -> bool:
        """Return whether no such process runs; a later one with its number is another."""
        try:
            process = psutil.Process(self.pid)
            return (
                process.status() == psutil.STATUS_ZOMBIE
                or process.create_time() > self.said_at + _STARTED_LATER
            )
        except psutil.NoSuchProcess:
            return True


def workers(dagster_url: str) -> list[Worker]:
    """Return the workers of all active runs, the latest of each; none before Dagster's start."""
    latest: dict[str, Worker] = {}
    with psycopg.connect(dagster_url, connect_timeout=3) as connection:
        if connection.execute("select to_regclass('event_logs')").fetchone() == (None,):
            return []
        for run_id, event, said_at in connection.execute(_ACTIVE):
            if found := _PID.search(event):
                latest[run_id] = Worker(run_id, int(found[1]), said_at)
    return list(latest.values())


def reap(dagster_url: str, environment: Mapping[str, str], log: Path) -> list[str]:
    """Fail the active runs whose worker is gone; return their identifiers."""
    gone = [worker.run_id for worker in workers(dagster_url) if worker.is_gone()]
    if gone:
        with log.open("ab") as output:
            subprocess.run(
                [sys.executable, "-m", "countersign.processes.fail_runs", *gone],
                env=dict(environment),
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=120,
            )
    return gone
