"""`./desk logs NAME`: what a process wrote."""

import sys
from typing import Annotated

import typer

from config import settings as configuration
from countersign.errors import CommandError
from countersign.processes.homes import Home
from countersign.processes.logs import follow as followed
from countersign.processes.logs import last_lines

app = typer.Typer(add_completion=False)


@app.command()
def logs(
    name: Annotated[
        str, typer.Argument(help="As ./desk status lists it; also startup, supervisor.")
    ] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last.")] = 100,
) -> None:
    """Show the last lines that a process wrote; without a name, which logs there are."""
    folder = Home(configuration.home()).logs
    path = folder / f"{name}.log"
    if not name or not path.exists():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.log"))) or "none yet"
        if name:
            raise CommandError(f"There is no log of {name!r}. There are: {known}.")
        sys.stdout.write(f"Logs in {folder}: {known}.\n")
        return
    for line in last_lines(path, lines):
        sys.stdout.write(line + "\n")
    try:
        for line in followed(path) if follow else ():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return
