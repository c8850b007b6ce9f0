"""`./desk demo CASE`: plant one labelled case in the embedded desk."""

from enum import StrEnum
from typing import Annotated

import typer

from countersign.console import console
from countersign.demo import plant
from countersign.errors import CommandError
from countersign.running import running
from trading.errors import DeskError

app = typer.Typer(add_completion=False)


class Case(StrEnum):
    """What can be planted."""

    BAD_DATA = "bad-data"
    FOUR_EYES = "four-eyes"
    LAPSE = "lapse"
    SPLIT = "split"


@app.command()
def demo(case: Annotated[Case, typer.Argument(help="The card you want to see.")]) -> None:
    """Plant a case: a wrong close, an order for two signatures, a price that runs away, a split."""
    settings = running()
    if settings.broker.kind != "venue":
        raise CommandError("Cases can be planted only in the embedded desk.")
    try:
        console.print(plant(settings, case.value, say=console.print))
    except DeskError as e:
        raise CommandError(str(e)) from e
