"""`./desk ingest PATH… --kind …`: land files of market data, and load what they touch."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from adapters import object_store
from adapters.market_data.files import FileKind, FileOptions, UnreadableFileError, read_place
from adapters.object_store import ObjectStore, StoreError
from config import settings as configuration
from config import universe as universe_file
from config.settings import Settings
from countersign.console import console, errors
from countersign.errors import CommandError
from countersign.graphql import Dagster, DagsterError
from countersign.ingesting import JOBS, Landed, Progress, landed, market_time, touched
from countersign.processes.plan import LOCATION
from countersign.processes.ports import LOOPBACK
from quality.calendar import exchange

app = typer.Typer(add_completion=False)

_KINDS: dict[str, FileKind] = {
    "daily": "daily",
    "minute": "minute",
    "corporate-actions": "actions",
    "options": "options",
    "index": "index",
}
_LOOK_SECONDS = 2.0
_LATER = "The running desk takes it up by itself, a stopped one at the next ./desk up."


@app.command()
def ingest(
    places: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Files, folders, or s3://bucket/key.")
    ],
    *,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(_KINDS)}.")],
    source: Annotated[str, typer.Option(help="Who delivered it.")] = "file",
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Name a column; as often as needed."),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Of stamps that name none.")] = "",
    adjusted: Annotated[
        bool | None, typer.Option("--adjusted/--raw", help="Whether prices hold splits already.")
    ] = None,
    symbol: Annotated[str, typer.Option(help="Of a file that names none.")] = "",
) -> None:
    """Land files in the lake; the same file twice changes nothing."""
    settings, universe = configuration.load(), universe_file.load()
    options = FileOptions(_mapped(map_ or []), timezone or None, adjusted, symbol or None)
    heard = _market_clock(settings)
    for place in places:
        began = time.monotonic()
        try:
            store = object_store.from_settings(settings)
            store.check()
            with errors.status(f"Reading {place} …"):
                delivery = read_place(place, kind=_kind(kind), options=options)
            with _bar() as progress:
                told = landed(
                    store,
                    delivery,
                    universe,
                    source=source,
                    landed_at=dt.datetime.now(dt.UTC),
                    market_at=market_time(store, settings, heard),
                    progress=progress,
                )
        except (StoreError, UnreadableFileError) as e:
            raise CommandError(str(e)) from e
        for note in delivery.notes:
            console.print(f"[dim]{note}[/dim]")
        _say(place, store, told)
        _load(settings, delivery.kind, told, heard)
        console.print(f"Done in {time.monotonic() - began:.1f} s.")


def _kind(word: str) -> FileKind:
    if word not in _KINDS:
        raise CommandError(f"--kind must be one of {', '.join(_KINDS)}, was {word!r}.")
    return _KINDS[word]


def _mapped(pairs: list[str]) -> dict[str, str]:
    mapped = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (ours.strip() and sign and theirs.strip()):
            raise CommandError(f"--map must be OURS=THEIRS, was {pair!r}.")
        mapped[ours.strip()] = theirs.strip()
    return mapped


@contextmanager
def _bar() -> Iterator[Progress]:
    """Show how far a landing is; on a terminal only."""
    columns = (TextColumn("Landing {task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=errors, transient=True) as shown:
        tasks: dict[str, int] = {}

        def progress(kind: str, done: int, of: int) -> None:
            if kind not in tasks:
                tasks[kind] = shown.add_task(kind, total=of)
            shown.update(tasks[kind], completed=done)  # type: ignore[arg-type]  # rich's own int

        yield progress


def _say(place: str, store: ObjectStore, told: Landed) -> None:
    """Say what was landed."""
    span = f"{told.first} to {told.last}" if told.first != told.last else str(told.first)
    more = f" and {len(told.symbols) - 8} more" if len(told.symbols) > 8 else ""
    names = ", ".join(told.symbols[:8]) + more
    what = f"{told.rows:,} rows ({names}), {span}"
    if told.is_new:
        objects = sum(len(landing.objects) for landing in told.landings)
        console.print(f"{place}: {what} landed in {store.name}, {objects} objects.")
    else:
        console.print(f"{place}: {what}. All of it was landed before; nothing changed.")
    if told.unreadable:
        console.print(
            f"{told.unreadable:,} rows do not say where they belong and were left out; "
            "./desk check tells them line by line."
        )
    if told.strangers:
        listed = ", ".join(told.strangers[:8]) + (" …" if len(told.strangers) > 8 else "")
        console.print(
            f"Outside the universe, so landed and not loaded: {listed}. Add them to universe.toml."
        )


def _load(settings: Settings, kind: FileKind, told: Landed, heard: dt.datetime | None) -> None:
    """Load the touched sessions through the running Dagster, and say what was held back."""
    if not told.is_new or len(told.strangers) == len(told.symbols):
        return
    newest = None if heard is None else exchange().last_closed(heard)
    spans = touched(told, settings, newest=newest)
    if not spans:
        console.print("No session of the desk's history is touched; nothing is loaded.")
        return
    if heard is None:
        console.print(_LATER)
        return
    webserver = Dagster(f"http://{LOOPBACK}:{settings.dagster.port}", LOCATION)
    for span in spans:
        try:
            status, run_id = _run(webserver, JOBS[kind], span)
        except DagsterError as e:
            console.print(f"Not loaded yet: {e} {_LATER}")
            return
        if status != "SUCCESS":
            raise CommandError(f"Loading ended as {status}: see {webserver.url}/runs/{run_id}.")
    _show_held(settings, told, (spans[0][0], spans[-1][1]))


def _run(webserver: Dagster, job: str, span: tuple[dt.date, dt.date]) -> tuple[str, str]:
    """Run a job over a range of sessions; return how it ended, and the run's identifier."""
    run_id = webserver.launch(
        job,
        tags={
            "dagster/asset_partition_range_start": span[0].isoformat(),
            "dagster/asset_partition_range_end": span[1].isoformat(),
        },
    )
    return _followed(webserver, run_id, span), run_id


def _followed(webserver: Dagster, run_id: str, span: tuple[dt.date, dt.date]) -> str:
    """Wait until a run has ended; return how."""
    what = f"Loading {span[0]} to {span[1]}"
    with errors.status(f"{what} …") as shown:
        while not (reached := webserver.progress(run_id)).is_final:
            doing = ", ".join(sorted(reached.running)) or reached.status.lower()
            shown.update(f"{what}: {reached.done} of {reached.steps} steps; {doing}")
            time.sleep(_LOOK_SECONDS)
    return reached.status


def _show_held(settings: Settings, told: Landed, span: tuple[dt.date, dt.date]) -> None:
    """Say how many rows were held back, by rule."""
    from warehouse import connect, findings  # noqa: PLC0415 - opens DuckDB, only when a run was made

    warehouse = connect(settings, read_only=True)
    try:
        with warehouse.reader() as conn:
            held = findings.latest_held_by_rule(conn, told.symbols, *span)
    finally:
        warehouse.close()
    if held.is_empty():
        console.print(f"Loaded {span[0]} to {span[1]}; nothing was held back.")
        return
    table = Table("Rule", "Rows held back", title="In quarantine")
    for rule, count in held.iter_rows():
        table.add_row(rule, f"{count:,}")
    console.print(f"Loaded {span[0]} to {span[1]}.")
    console.print(table)


def _market_clock(settings: Settings) -> dt.datetime | None:
    """Return market time as the running desk heard it last; None when no desk runs."""
    if not settings.database.dsn:
        return None
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only where a ledger may be

    from ledger import market  # noqa: PLC0415
    from ledger.connection import engine  # noqa: PLC0415

    ledger = engine(settings.database.url("desk"))
    try:
        with ledger.connect() as conn:
            clock = market.latest_clock(conn)
    except SQLAlchemyError:
        return None
    finally:
        ledger.dispose()
    return None if clock is None else clock.now
