"""`./desk reset`: start over."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from config import settings as configuration
from config.errors import SettingsError
from countersign.commands.down import stop
from countersign.console import console
from countersign.errors import CommandError
from countersign.processes import homes
from countersign.processes.homes import Home

app = typer.Typer(add_completion=False)

# What a desk makes in its home; anything else there is the user's and stays.
OWNED = (
    "postgres", "postgres.unfinished", "lake", "warehouse", "venue", "dagster", "mlflow",
    "data_docs", "fetched", "logs", "run", "runtime.json", "workspace.yaml",
)  # fmt: skip


@app.command()
def reset(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop the desk and delete all it has made: database, lake, models, signatures, audit log.

    desk.toml and whatever else you put into the home stay. Data in a bucket or in a PostgreSQL
    server of yours is not touched.
    """
    home = Home(configuration.home())
    found = [home.root / name for name in OWNED if (home.root / name).exists()]
    if not found:
        console.print(f"There is nothing to delete in {home.root}.")
        return
    for line in _consequences(home, found):
        console.print(line)
    if not yes and not typer.confirm("Signatures and the audit log cannot be restored. Delete?"):
        raise CommandError("Nothing was deleted.")
    stop(home)
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=False)
        else:
            path.unlink(missing_ok=True)
    console.print("Deleted. ./desk up starts over.")


def _consequences(home: Home, found: list[Path]) -> Iterator[str]:
    """Yield what will be stopped, deleted and kept."""
    if pid := homes.supervisor_pid(home):
        yield f"The desk in {home.root} runs (process {pid}); it is stopped first."
    yield f"This deletes in {home.root}: {', '.join(path.name for path in found)}."
    kept = sorted(path.name for path in home.root.iterdir() if path.name not in OWNED)
    if kept:
        yield f"These are yours and stay: {', '.join(kept)}."
    try:
        settings = configuration.load(running=False)
    except SettingsError:
        return  # a desk with wrong settings can be deleted too
    if settings.lake.kind == "s3":
        yield f"Objects in the bucket {settings.lake.bucket} at {settings.lake.endpoint} stay."
    if settings.warehouse.kind == "s3":
        place = f"{settings.warehouse.bucket}/{settings.warehouse.prefix}"
        yield f"The warehouse's objects in {place} at {settings.lake.endpoint} stay."
    if settings.database.kind == "server":
        yield "The databases on your PostgreSQL server stay; drop them there to start over."
