"""Start one worker: ``python -m worker feed|executor|watch``."""

import argparse
import logging
import threading

from worker import desk, executor, feed, watch
from worker.loop import Task, run, stopped_by_signal

_WORKERS = {"feed": feed.tasks, "executor": executor.tasks, "watch": watch.tasks}


def main() -> None:
    """Run the tasks of one worker until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m worker", description="Run one of the desk's supervised loops."
    )
    parser.add_argument("name", choices=sorted(_WORKERS), help="which loop to run")
    name = parser.parse_args().name
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a second says nothing
    stop = stopped_by_signal()
    threads = [_started(task, stop) for task in _WORKERS[name](desk.opened())]
    # A task that ends before it is told to has failed: end too, and be started anew.
    while not stop.wait(0.5):
        if not all(thread.is_alive() for thread in threads):
            raise SystemExit(f"A task of the worker {name} ended; see the log above.")
    for thread in threads:
        thread.join(timeout=10)


def _started(task: Task, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=run, args=(task, stop), name=task.name, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    main()
