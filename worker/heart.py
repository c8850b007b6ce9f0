"""A worker's sign of life."""

import os
from datetime import timedelta

from ledger import heartbeats, silence
from worker.desk import Desk
from worker.loop import Task

_SECONDS = 5.0


def heartbeat(desk: Desk, process: str, *, is_the_desk_s: bool = False) -> Task:
    """Return the task that says the worker is alive, and of which build.

    With the one that is the desk's own a long silence is noticed when it is over.
    """
    longest = timedelta(seconds=desk.limits.silence_reduce_seconds)

    def beat() -> None:
        now = desk.clock.now()
        with desk.engine.begin() as conn:
            if is_the_desk_s:
                silence.noticed(conn, process=process, longest=longest, desk_at=now)
            heartbeats.beat(
                conn,
                process=process,
                pid=os.getpid(),
                build=desk.settings.build,
                desk_at=now,
            )

    return Task(f"heartbeat of {process}", beat, _SECONDS)
