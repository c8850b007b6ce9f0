"""`./desk user …`: people who may sign in."""

import datetime as dt
import sys
from typing import Annotated

import typer

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from ledger import people
from trading.errors import DeskError

app = typer.Typer(help="Add people who may sign in.", no_args_is_help=True, add_completion=False)


@app.callback()
def user() -> None:
    """Keep `add` a word of its own, although it is the only one."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the person signs in with.")],
    *,
    role: Annotated[list[str], typer.Option(help=f"One or more of {', '.join(people.ROLES)}.")],
    display_name: Annotated[str, typer.Option(help="As shown; the name when left out.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person with a password (at least 10 characters)."""
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked(name)
    try:
        with engine.begin() as conn:
            person = people.add(
                conn,
                login=name,
                display_name=display_name or name,
                roles=tuple(role),
                password=password,
                desk_at=dt.datetime.now(dt.UTC),
            )
    except (DeskError, ValueError) as e:
        raise CommandError(str(e)) from e
    finally:
        engine.dispose()
    console.print(f"{person.display_name} may sign in as {person.login} ({', '.join(role)}).")


def _asked(name: str) -> str:
    return str(typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True))
