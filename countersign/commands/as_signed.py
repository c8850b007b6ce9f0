"""`./desk as-signed`: a past decision from the very bytes that were on the screen."""

import json
import sys
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.markup import escape

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from ledger import filed
from ledger.filed import StoredProposal
from ledger.tables import people, signatures
from trading.canonical import content_hash

app = typer.Typer(add_completion=False)


@app.command()
def as_signed(
    proposal: Annotated[str, typer.Argument(help="The proposal's code, as 7F3A-9C21.")],
    *,
    raw: Annotated[
        bool, typer.Option("--bytes", help="The stored bytes alone, for another program to hash.")
    ] = False,
) -> None:
    """Show a proposal as it was signed or vetoed, and hash its stored bytes again.

    The exit code is 0 when the hash is the one that was signed, 1 when it is not.
    """
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        with engine.connect() as conn:
            found = filed.by_code(conn, proposal)
            if found is None:
                raise CommandError(
                    f"There is no proposal {proposal}. Codes are on every card and on Orders."
                )
            marks = _marks(conn, found.proposal_id)
    finally:
        engine.dispose()
    if raw:
        sys.stdout.buffer.write(found.content)
        sys.stdout.buffer.flush()
    else:
        _show(found, marks)
    if not _holds(found, marks):
        raise typer.Exit(1)


def _marks(conn: sa.Connection, proposal_id: str) -> list[Any]:
    return list(
        conn.execute(
            sa.select(signatures, people.c.display_name)
            .join(people, people.c.person_id == signatures.c.person_id)
            .where(signatures.c.proposal_id == proposal_id)
            .order_by(signatures.c.signed_at)
        )
    )


def _holds(found: StoredProposal, marks: list[Any]) -> bool:
    now = content_hash(found.content)
    return now == found.content_hash and all(mark.content_hash == now for mark in marks)


def _show(found: StoredProposal, marks: list[Any]) -> None:
    console.print_json(json.dumps(json.loads(found.content)))
    console.print(f"Proposal {found.code}, {found.state}")
    for mark in marks:
        withdrawn = ", withdrawn" if mark.withdrawn_at else ""
        console.print(
            f"{mark.kind} by {escape(mark.display_name)} at {mark.market_at:%Y-%m-%d %H:%M:%S} UTC "
            f"(market), {mark.signed_at:%Y-%m-%d %H:%M:%S} UTC (desk){withdrawn}: "
            f"SHA-256 {mark.content_hash}",
            highlight=False,
        )
    now = content_hash(found.content)
    console.print(f"SHA-256 of the stored bytes, computed now: {now}", highlight=False)
    if _holds(found, marks):
        console.print("[green]✓[/green] These are the bytes that were on the screen.")
    else:
        console.print("[red]✗[/red] The bytes are not those that were signed: see ./desk verify.")
