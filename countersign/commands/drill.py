"""`./desk drill`: does the desk survive every fault? On a temporary desk, before going live."""

import json
import signal
import sys
from threading import Event
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from countersign.console import errors
from countersign.drill.classes import chosen
from countersign.drill.drill import Drill, Result
from countersign.drill.plan import MOST_ORDERS
from countersign.errors import CommandError
from trading.errors import DeskError

app = typer.Typer(add_completion=False)


@app.command()
def drill(
    *,
    seed: Annotated[int, typer.Option(help="The same seed plans the same legs and faults.")] = 1,
    orders: Annotated[int, typer.Option(min=1, max=MOST_ORDERS, help="Signed legs.")] = 150,
    faults: Annotated[
        str, typer.Option(help="all, none, or names with commas between (a wrong one lists them).")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Only the counts, no table.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the temporary desk's folder.")] = False,
) -> None:
    """Send signed legs through real processes while everything fails, then compare with the venue.

    It builds a desk of its own in a temporary folder and touches no other: no account, no
    database and no process of yours. The last line on standard output is one JSON object; the
    exit code is 0 only when every count in it is zero.
    """
    names = chosen(faults)
    stopped = _stopping()
    with _shown() as shown:
        task = shown.add_task("", total=orders)

        def progress(done: int, said: str) -> None:
            shown.update(task, completed=min(done, orders), description=escape(said)[:60])
            if not errors.is_terminal:
                errors.print(f"{done:>5}/{orders}  {escape(said)}")

        try:
            result = Drill(seed, orders, names, progress, keep, stopped.is_set).run()
        except DeskError as e:
            raise CommandError(f"The drill could not be finished: {e}") from e
    if not as_json:
        _explain(result)
    sys.stdout.write(json.dumps(result.told()) + "\n")
    sys.stdout.flush()
    if not result.clean:
        raise typer.Exit(1)


def _shown() -> Progress:
    return Progress(
        TextColumn("{task.description:<60}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )


def _explain(result: Result) -> None:
    for finding in result.findings:
        errors.print(
            f"[red]✗[/red] {finding.kind} {escape(finding.subject)}: {escape(finding.sentence)}"
        )
    struck = sum(result.faults.values())
    ends = ", ".join(f"{count} {end}" for end, count in result.ends.items())
    errors.print(
        f"{result.orders} signed legs ({ends}; {result.protections} of those sent protect what was "
        f"held), {struck} faults of {len(result.faults)} classes, {result.restarts} processes "
        f"started again, trading resumed {result.resumed} times."
    )
    if result.ended:
        errors.print(f"Ended without being killed, see their logs: {', '.join(result.ended)}.")
    if not result.clean:
        errors.print(f"The desk's folder is kept: {result.home} (logs, database, venue).")


def _stopping() -> Event:
    """Return what is set when a person, or who started the drill, stops it; it is interrupted."""
    stopped = Event()

    def interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
        stopped.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    return stopped
