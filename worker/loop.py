"""A loop that beats, backs off when a service is away, and ends when told to."""

import logging
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from sqlalchemy.exc import DBAPIError

from trading.errors import DeskError, RetryError

log = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Task:
    """Something done again and again, `seconds` after it last ended."""

    name: str
    step: Callable[[], None]
    seconds: float


def run(task: Task, stop: threading.Event) -> None:
    """Run `task` until `stop` is set.

    A service that is away is waited for with growing pauses; an error the desk knows is logged
    and the loop goes on. Anything else ends the process: the supervisor starts it anew.
    """
    failures = 0
    while not stop.is_set():
        try:
            task.step()
            failures = 0
        except (RetryError, DBAPIError) as e:
            failures += 1
            log.warning("%s: %s; trying again", task.name, e)
        except DeskError:
            failures += 1
            log.exception("%s", task.name)
        stop.wait(_pause(task.seconds, failures))


def stopped_by_signal() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop


def _pause(seconds: float, failures: int) -> float:
    if failures == 0:
        return seconds
    longest = min(_LONGEST_PAUSE_SECONDS, max(seconds, 0.5) * 2.0 ** min(failures, 6))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - jitter
