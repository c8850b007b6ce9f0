"""`./desk waive`: one of two people's word that a gate need not be met, on paper, for a while."""

import datetime as dt
from typing import Annotated

import typer

import ledger
from assets.desk_time import market_now
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from countersign.signing import STDIN_HELP, signatory
from ledger import waivers
from trading.errors import DeskError

app = typer.Typer(add_completion=False)


@app.command()
def waive(
    model: Annotated[str, typer.Argument(help="The version, as in sample-daily/3.")],
    gate: Annotated[str, typer.Argument(help="The gate's name in gates.toml.")],
    *,
    by: Annotated[str, typer.Option(help="Login of the signatory who types this.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    until: Annotated[
        dt.datetime,
        typer.Option(formats=["%Y-%m-%d"], help="The day it ends, 00:00 UTC of market time."),
    ],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help=STDIN_HELP)] = False,
) -> None:
    """Let a gate pass for a model: it counts once a second signatory says so as well."""
    settings = running()
    engine = ledger.engine(settings.database.url("desk"), pool_size=1)
    try:
        now = market_now(engine)
        with engine.begin() as conn:
            person = signatory(conn, by, password_stdin=password_stdin)
            waivers.grant(
                conn,
                person,
                model_version=model,
                gate=gate,
                reason=reason,
                expires_at=until.replace(tzinfo=dt.UTC),
                market_at=now,
                desk_at=dt.datetime.now(dt.UTC),
            )
            given = next(w for w in waivers.granted(conn, model) if w.gate == gate)
    except DeskError as e:
        raise CommandError(str(e)) from e
    finally:
        engine.dispose()
    said = " and ".join(given.people)
    more = "it counts, on paper" if len(given.people) > 1 else "it takes a second signatory"
    console.print(f"{gate} of {model} is waived by {said} until {until:%Y-%m-%d}: {more}.")
