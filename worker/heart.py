"""A worker's sign of life."""

import os

from ledger import heartbeats
from worker.desk import Desk
from worker.loop import Task

_SECONDS = 5.0


def heartbeat(desk: Desk, process: str) -> Task:
    """Return the task that says the worker is alive, and of which build."""

    def beat() -> None:
        with desk.engine.begin() as conn:
            heartbeats.beat(
                conn,
                process=process,
                pid=os.getpid(),
                build=desk.settings.build,
                desk_at=desk.clock.now(),
            )

    return Task(f"heartbeat of {process}", beat, _SECONDS)
