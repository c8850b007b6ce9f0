"""`./desk up`: start everything and keep it running, or join a desk that runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import psycopg
import typer

from config import settings as configuration
from config.build import REPOSITORY
from config.settings import SettingsError
from countersign.console import Progress, addresses, console
from countersign.errors import CommandError
from countersign.processes import homes, logs, startup
from countersign.processes.homes import Home, HomeError
from countersign.processes.postgres import PostgresError
from countersign.processes.startup import FIRST, Startup
from countersign.processes.task_runner import StepFailedError

app = typer.Typer(add_completion=False)

_EXPECTED = (StepFailedError, HomeError, PostgresError, SettingsError, psycopg.Error, OSError)


@app.command()
def up(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when the desk runs; it goes on.")
    ] = False,
) -> None:
    """Start the desk: database, dashboard, market data, venue, pipeline, workers.

    A second `up` shows where the first one runs. Ctrl-C stops everything.
    """
    home = Home(configuration.home())
    try:
        home.prepare()
    except HomeError as e:
        raise CommandError(str(e)) from e
    if detach:
        _detached(home)
        return
    lock = homes.take(home)
    if lock is None:
        _join(home)
        return
    try:
        _run(home)
    finally:
        lock.release()


def _run(home: Home) -> None:
    reporter = Progress()
    try:
        desk = startup.begin(home, reporter)
    except _EXPECTED as e:
        raise CommandError(str(e)) from e
    _stop_on_signals(desk)
    failure = _bring_up(desk, reporter)
    try:
        if not failure and not desk.supervisor.is_stopping:
            desk.supervisor.enter("running")
            console.print(addresses(desk.settings, home.root))
            console.print("Ctrl-C stops the desk.")
            desk.supervisor.serve(desk.reap)
    finally:
        _stop(desk)
    if failure:
        raise CommandError(failure)


def _bring_up(desk: Startup, reporter: Progress) -> str:
    """Start everything; return why the desk cannot run, empty when it can."""
    try:
        desk.bring_up()
    except _EXPECTED as e:
        if desk.supervisor.is_stopping:
            return ""
        if desk.failed_step == FIRST:
            reporter.say(f"{e} Everything else runs.")
            return ""
        return str(e)
    finally:
        reporter.close()
    return ""


def _stop(desk: Startup) -> None:
    console.print("Stopping …")
    desk.steps.close()
    desk.supervisor.stop(lambda name: console.print(f"  [dim]{name}[/dim]"))
    console.print("Stopped.")


def _stop_on_signals(desk: Startup) -> None:
    def ask(_number: int, _frame: FrameType | None) -> None:
        desk.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)


def _join(home: Home) -> None:
    phase = homes.read(home.state).get("phase", "starting")
    if phase == "stopping":
        raise CommandError("This desk is being stopped. Run ./desk up again when it has.")
    pid = homes.supervisor_pid(home)
    console.print(f"This desk runs already (process {pid}, {phase}).")
    if home.runtime.exists():
        console.print(addresses(configuration.load(), home.root))


def _detached(home: Home) -> None:
    if homes.supervisor_pid(home):
        _join(home)
        return
    log = home.logs / "supervisor.log"
    console.print(f"Starting the desk in the background; what it says goes to {log}.")
    with log.open("ab") as output:
        heard = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", "countersign", "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=REPOSITORY,
            env=dict(os.environ),
        )
    while process.poll() is None:
        heard = _echo(log, heard)
        state = homes.read(home.state)
        if state.get("phase") == "running" and state.get("pid") == process.pid:
            _echo(log, heard)
            console.print(addresses(configuration.load(), home.root))
            console.print("./desk down stops the desk.")
            return
        time.sleep(0.3)
    raise CommandError("\n".join(["The desk did not start:", *logs.last_lines(log, 5)]))


def _echo(log: Path, position: int) -> int:
    """Print the steps and remarks written to the log since `position`; return where it ends."""
    with log.open("rb") as file:
        file.seek(position)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if line.startswith(("✓", "•")):
            console.print(line, markup=False)
    return position + len(whole)
