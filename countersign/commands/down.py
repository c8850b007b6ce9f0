"""`./desk down`: stop everything, also what a killed supervisor left running."""

import os
import signal
import time

import psutil
import typer

from config import settings as configuration
from countersign.console import console
from countersign.errors import CommandError
from countersign.processes import homes, supervisor
from countersign.processes.children import is_alive
from countersign.processes.homes import Home

app = typer.Typer(add_completion=False)

_PATIENCE = 90.0  # seconds; the supervisor itself kills what does not end in time


@app.command()
def down() -> None:
    """Stop the desk in good order, the database last."""
    home = Home(configuration.home())
    stop(home)


def stop(home: Home) -> None:
    """Stop the supervisor of this home, or what it left behind."""
    pid = homes.supervisor_pid(home)
    if pid is None:
        ended = supervisor.end_left_over(home, lambda name: console.print(f"  [dim]{name}[/dim]"))
        console.print(
            f"Stopped {ended} processes without a supervisor." if ended else "Nothing is running."
        )
        return
    console.print("Stopping …")
    try:
        created = psutil.Process(pid).create_time()
        os.kill(pid, signal.SIGTERM)
    except PermissionError as e:
        raise CommandError(f"The desk belongs to another user (process {pid}).") from e
    except (ProcessLookupError, psutil.NoSuchProcess):
        return
    until = time.monotonic() + _PATIENCE
    while is_alive(pid, created):
        if time.monotonic() > until:
            raise CommandError(f"The supervisor (process {pid}) does not end in time.")
        time.sleep(0.1)
    console.print("Stopped.")
