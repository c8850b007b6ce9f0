"""`./desk verify`: whether the past is as it was written."""

import dataclasses
import json
import sys
from typing import Annotated

import typer

import ledger
from adapters import audit_anchors, object_store
from adapters.object_store import StoreError
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from ledger import verification
from ledger.verification import Verification

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Look for any row of the audit log, or that it tells of, that was altered, lost or added.

    The exit code is 0 when everything holds and 1 when a place does not.
    """
    settings = running()
    engine = ledger.engine(settings.database.url("desk"), pool_size=1)
    try:
        kept = list(audit_anchors.kept(object_store.from_settings(settings)))
        with ledger.snapshot(engine) as conn:
            found = verification.verify(conn, kept)
    except (StoreError, ValueError, KeyError) as e:
        raise CommandError(f"The anchors in the lake could not be read: {e}") from e
    finally:
        engine.dispose()
    if as_json:
        told = dataclasses.asdict(found) | {"holds": found.holds}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        _show(found)
    if not found.holds:
        raise typer.Exit(1)


def _show(found: Verification) -> None:
    console.print(
        f"Compared {found.rows:,} log rows, {found.proposals:,} proposals, {found.marks:,} "
        f"signatures and vetoes, {found.anchors:,} anchors in the lake."
    )
    for place in found.places:
        console.print(f"[red]✗[/red] {place.where}: {place.sentence}", highlight=False)
    if found.holds:
        console.print("[green]✓[/green] Nothing was altered, removed or added past the desk.")
    else:
        console.print("Halt the desk (./desk halt) and compare with a backup before going on.")
