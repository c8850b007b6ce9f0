"""`./desk environment`: the variables of the running desk, for tools started by hand."""

import os
import shlex
import sys

import typer

from config import settings as configuration
from countersign.processes.environment import of_children
from countersign.processes.homes import Home

app = typer.Typer(add_completion=False)


@app.command()
def environment() -> None:
    """Print export lines; they hold the database's password: eval "$(./desk environment)"."""
    home = Home(configuration.home())
    told = of_children(configuration.load(), home)
    for name, value in sorted(told.items()):
        if os.environ.get(name) != value:
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
