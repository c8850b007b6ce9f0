"""Who types a command, where it takes a person's word and not a process's."""

import getpass
import sys

import sqlalchemy as sa
import typer

from countersign.errors import CommandError
from ledger import people

STDIN_HELP = "Read the person's password from standard input."


def signatory(conn: sa.Connection, login: str, *, password_stdin: bool) -> people.Person:
    """Return the signatory of this login, once it is sure that nobody else is typing.

    A person with a password gives it; one known by the operating system must be its user. Who
    signs in at an identity provider cannot be asked here.

    Raises
    ------
    CommandError
        If there is no such signatory, or the one who types is somebody else.
    """
    person = people.by_login(conn, login)
    if person is None or not person.may("signatory"):
        known = ", ".join(other.login for other in people.signatories(conn)) or "nobody"
        raise CommandError(f"{login} may not sign. Signatories here: {known}.")
    if person.origin == "oidc":
        raise CommandError(
            f"{login} signs in at the identity provider, which a command cannot ask. Give a "
            "person with a password the role: ./desk user add NAME --role signatory."
        )
    if person.origin == "os":
        _require_user(login)
    elif people.verified(conn, login=login, password=_password(login, password_stdin)) is None:
        raise CommandError(f"That is not {login}'s password; nothing was changed.")
    return person


def _require_user(login: str) -> None:
    user = getpass.getuser()
    if user != login:
        raise CommandError(
            f"{login} is a user of the operating system, and {user} is typing. {login} must run "
            "the command; nothing was changed."
        )


def _password(login: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(f"Password of {login}", hide_input=True))
