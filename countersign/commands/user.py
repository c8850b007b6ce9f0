"""`./desk user …`: people who may sign in, and what they may do."""

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.markup import escape
from rich.table import Table

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from ledger import people
from trading.errors import DeskError

app = typer.Typer(
    help="People who may sign in, and what they may do.",
    no_args_is_help=True,
    add_completion=False,
)
_ROLE_HELP = f"One or more of {', '.join(people.ROLES)}."


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the person signs in with.")],
    *,
    role: Annotated[list[str], typer.Option(help=_ROLE_HELP)],
    display_name: Annotated[str, typer.Option(help="As shown; the name when left out.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person with a password (at least 10 characters)."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked(name)
    with _people() as conn:
        person = people.add(
            conn,
            login=name,
            display_name=display_name or name,
            roles=tuple(role),
            password=password,
            desk_at=dt.datetime.now(dt.UTC),
        )
    console.print(f"{person.display_name} may sign in as {person.login} ({', '.join(role)}).")


@app.command()
def change(
    name: Annotated[str, typer.Argument(help="What the person signs in with.")],
    *,
    role: Annotated[list[str], typer.Option(help=f"{_ROLE_HELP} All others are taken away.")],
    closed: Annotated[
        bool, typer.Option("--closed", help="The person may no longer sign in; sign-ins end.")
    ] = False,
) -> None:
    """Set what a person may do, from now on."""
    with _people() as conn:
        person = people.by_login(conn, name)
        if person is None:
            known = ", ".join(other.login for other in people.everyone(conn)) or "nobody"
            raise CommandError(f"Nobody signs in as {name}. Known here: {known}.")
        people.change_roles(
            conn,
            person_id=person.person_id,
            roles=tuple(role),
            active=not closed,
            changed_by="operator",
            desk_at=dt.datetime.now(dt.UTC),
        )
    said = "may no longer sign in" if closed else f"may now act as {', '.join(role)}"
    console.print(f"{person.display_name} ({name}) {said}.", markup=False)


@app.command("list")
def everyone() -> None:
    """Show everybody, with how they sign in and what they may do."""
    with _people() as conn:
        found = people.everyone(conn)
    table = Table("Login", "Name", "Signs in by", "Roles", box=None)
    for person in found:
        roles = ", ".join(person.roles) if person.active else "closed"
        table.add_row(*map(escape, (person.login, person.display_name, person.origin, roles)))
    console.print(table)


@contextmanager
def _people() -> Iterator[sa.Connection]:
    """A transaction in the running desk's ledger; what it refuses is told as a sentence."""
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        with engine.begin() as conn:
            yield conn
    except (DeskError, ValueError) as e:
        raise CommandError(str(e)) from e
    finally:
        engine.dispose()


def _asked(name: str) -> str:
    return str(typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True))
