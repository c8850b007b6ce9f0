"""`./desk limit`: change a limit of the account for a while, with a reason and a name."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Annotated

import sqlalchemy as sa
import typer

import ledger
from config import limits as limits_file
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from countersign.signing import STDIN_HELP, signatory
from ledger import market, overrides
from ledger.people import Person
from trading.errors import DeskError, NotAllowedError
from trading.limits import Override

app = typer.Typer(add_completion=False)


@app.command()
def limit(
    name: Annotated[str, typer.Argument(help="As in config/limits.toml.")],
    value: Annotated[
        str, typer.Argument(help="In the limit's unit; leave it out to go back.")
    ] = "",
    *,
    by: Annotated[str, typer.Option(help="Login of the signatory who types this.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    until: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day it ends, 00:00 UTC.")
    ] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help=STDIN_HELP)] = False,
) -> None:
    """Override a limit for this account until a day, or take the override back."""
    if bool(value) != (until is not None):
        raise CommandError("A new value needs --until, the day it ends; going back needs neither.")
    settings = running()
    engine = ledger.engine(settings.database.url("desk"), pool_size=1)
    try:
        with engine.begin() as conn:
            person = signatory(conn, by, password_stdin=password_stdin)
            if until is None:
                said = _back(conn, person, name, reason)
            else:
                said = _over(conn, person, Override(name, _number(value), _utc(until)), reason)
    except DeskError as e:
        raise CommandError(str(e)) from e
    finally:
        engine.dispose()
    console.print(said)


def _over(conn: sa.Connection, person: Person, override: Override, reason: str) -> str:
    account_id = _account(conn)
    overrides.make(
        conn,
        person,
        override,
        account_id=account_id,
        reason=reason,
        limits=limits_file.load(),
        desk_at=dt.datetime.now(dt.UTC),
    )
    return (
        f"{override.name} is {override.value} for account {account_id} until "
        f"{override.expires_at:%Y-%m-%d}."
    )


def _back(conn: sa.Connection, person: Person, name: str, reason: str) -> str:
    account_id = _account(conn)
    now = dt.datetime.now(dt.UTC)
    was = overrides.revoke(conn, person, name, account_id=account_id, reason=reason, desk_at=now)
    configured = getattr(limits_file.load(), name)
    return f"{name} is {configured} again for account {account_id}; it was {was.normalize():f}."


def _account(conn: sa.Connection) -> str:
    account = market.latest_account(conn)
    if account is None:
        raise NotAllowedError("The broker has not told of an account yet; start the desk first.")
    return account.account_id


def _number(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as e:
        raise NotAllowedError(f"A limit is a number, was {value!r}.") from e


def _utc(day: dt.datetime) -> dt.datetime:
    return day.replace(tzinfo=dt.UTC)
