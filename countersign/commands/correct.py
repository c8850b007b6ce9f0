"""`./desk correct`: book the broker's positions where somebody traded past the desk."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.table import Table

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.requested import waited_for
from countersign.running import running
from countersign.signing import STDIN_HELP, signatory
from ledger import market, requests
from ledger.position_corrections import Differing, differing, payload
from trading.wording import price, shares

app = typer.Typer(add_completion=False)


@app.command()
def correct(
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Which; leave them out to see all that differ.")
    ] = None,
    *,
    by: Annotated[str, typer.Option(help="Login of the signatory who types this.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept for ever.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Book without a further question.")] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help=STDIN_HELP)] = False,
) -> None:
    """Show where broker and ledger differ, and book what the broker holds as a correction.

    No order is sent. It is booked only if both still hold what was shown.
    """
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        with engine.connect() as conn:
            found = differing(conn, market.latest_positions(conn))
        shown = _named(found, symbols)
        if not shown:
            console.print("Broker and ledger do not differ about any position.")
            return
        console.print(_table(shown))
        if not symbols:
            console.print("Book some: ./desk correct SYMBOL… --by LOGIN --reason TEXT")
            return
        asked = _asked(engine, shown, by, reason, yes=yes, password_stdin=password_stdin)
        done = waited_for(engine, asked)
    finally:
        engine.dispose()
    sentence = str((done.outcome or {}).get("sentence") or "")
    if done.state != "done":
        raise CommandError(
            sentence
            or "The executor has not answered yet. It goes on with the request when it runs: see "
            "./desk status, then ./desk correct."
        )
    console.print(sentence)


def _named(found: Sequence[Differing], symbols: Sequence[str] | None) -> list[Differing]:
    wanted = {symbol.upper() for symbol in symbols or ()}
    unknown = sorted(wanted - {one.symbol for one in found})
    if unknown:
        known = ", ".join(one.symbol for one in found) or "none"
        raise CommandError(
            f"Broker and ledger do not differ about {', '.join(unknown)}. Those that do: {known}."
        )
    return [one for one in found if not wanted or one.symbol in wanted]


def _table(shown: Sequence[Differing]) -> Table:
    table = Table("Symbol", "Ledger", "Broker", "Difference", "Average price (USD)")
    for one in shown:
        average = "–" if one.average_price is None else price(one.average_price)
        change = ("+" if one.change > 0 else "") + shares(one.change)
        table.add_row(one.symbol, shares(one.ours), shares(one.theirs), change, average)
    return table


def _asked(
    engine: sa.Engine,
    shown: Sequence[Differing],
    by: str,
    reason: str,
    *,
    yes: bool,
    password_stdin: bool,
) -> requests.Request:
    if not by or not reason.strip():
        raise CommandError("A correction needs --by, the signatory who types this, and --reason.")
    if not yes:
        typer.confirm("Book what the broker holds?", abort=True)
    with engine.begin() as conn:
        person = signatory(conn, by, password_stdin=password_stdin)
        return requests.add(
            conn,
            kind="correct_positions",
            payload=payload(shown, reason=reason),
            person_id=person.person_id,
            idempotency_key=uuid.uuid4().hex,
            desk_at=dt.datetime.now(dt.UTC),
        )
