"""People, their roles, passwords and sign-ins."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import argon2
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.connection import new_id
from ledger.tables import people, sign_ins
from trading.errors import NotAllowedError

ROLES = ("viewer", "analyst", "steward", "signatory", "admin")

_HASHER = argon2.PasswordHasher()


@dataclass(frozen=True)
class Person:
    """One who may look, decide or sign."""

    person_id: str
    login: str
    display_name: str
    roles: tuple[str, ...]
    origin: str  # os | local | oidc
    active: bool
    created_at: datetime
    introduced_at: datetime | None = None  # when the first-run panel was dismissed

    def may(self, role: str) -> bool:
        """Return whether the person is active and has `role`."""
        return self.active and role in self.roles


def require(conn: sa.Connection, person_id: str, roles: Sequence[str], *, deed: str) -> Person:
    """Return an active person who has one of these roles.

    Parameters
    ----------
    deed : str
        What it is for, as the sentence begins: ``Acknowledging an alert``.

    Raises
    ------
    NotAllowedError
        If there is no such person, or none of the roles.
    """
    person = by_id(conn, person_id)
    if person is None or not any(person.may(role) for role in roles):
        raise NotAllowedError(f"{deed} needs one of the roles {', '.join(roles)}.")
    return person


def add(
    conn: sa.Connection,
    *,
    login: str,
    display_name: str,
    roles: tuple[str, ...],
    desk_at: datetime,
    password: str | None = None,
    origin: str = "local",
) -> Person:
    """Add a person.

    Parameters
    ----------
    password : str, optional
        Stored as argon2id; required for `origin` ``local``, at least 10 characters.

    Returns
    -------
    Person
        As stored.

    Raises
    ------
    NotAllowedError
        If the login is taken, a role unknown or the password missing or too short.
    """
    _require_roles(roles)
    if origin == "local":
        _require_password(password)
    hashed = None if password is None else _HASHER.hash(password)
    row = conn.execute(
        insert(people)
        .values(
            person_id=new_id(),
            login=login,
            display_name=display_name,
            roles=list(roles),
            password_hash=hashed,
            origin=origin,
            active=True,
            created_at=desk_at,
        )
        .on_conflict_do_nothing(index_elements=[people.c.login])
        .returning(people)
    ).one_or_none()
    if row is None:
        raise NotAllowedError(f"The login {login!r} is taken. Choose another.")
    audit.append(
        conn,
        at=desk_at,
        actor="desk",
        action="person.add",
        subject=row.person_id,
        payload={
            "login": login, "roles": list(roles), "origin": origin,
            "password_fingerprint": fingerprint(hashed),
        },
    )  # fmt: skip
    return _person(row)


def ensure(
    conn: sa.Connection,
    *,
    login: str,
    display_name: str,
    roles: tuple[str, ...],
    origin: str,
    desk_at: datetime,
) -> Person:
    """Return the person with this login, made on the first call (``os`` and ``oidc`` people).

    Raises
    ------
    NotAllowedError
        If the login belongs to someone of another origin.
    """
    found = by_login(conn, login)
    if found is None:
        try:
            with conn.begin_nested():
                return add(
                    conn,
                    login=login,
                    display_name=display_name,
                    roles=roles,
                    origin=origin,
                    desk_at=desk_at,
                )
        except NotAllowedError:
            found = by_login(conn, login)
    if found is None or found.origin != origin:
        raise NotAllowedError(
            f"The login {login!r} is not of origin {origin!r}: sign in the way it was set up."
        )
    return found


def by_login(conn: sa.Connection, login: str) -> Person | None:
    """Return the person with this login, or None."""
    row = conn.execute(sa.select(people).where(people.c.login == login)).one_or_none()
    return None if row is None else _person(row)


def by_id(conn: sa.Connection, person_id: str) -> Person | None:
    """Return the person with this id, or None."""
    row = conn.execute(sa.select(people).where(people.c.person_id == person_id)).one_or_none()
    return None if row is None else _person(row)


def everyone(conn: sa.Connection) -> list[Person]:
    """Return all people, active or not, by login."""
    return [_person(row) for row in conn.execute(sa.select(people).order_by(people.c.login))]


def signatories(conn: sa.Connection) -> list[Person]:
    """Return the active people who may sign."""
    return [person for person in everyone(conn) if person.may("signatory")]


def change_roles(
    conn: sa.Connection,
    *,
    person_id: str,
    roles: tuple[str, ...],
    active: bool,
    changed_by: str,
    desk_at: datetime,
) -> Person:
    """Set the roles of a person and whether they may sign in at all.

    Raises
    ------
    NotAllowedError
        If a role or the person is unknown.
    """
    _require_roles(roles)
    row = conn.execute(
        sa.update(people)
        .where(people.c.person_id == person_id)
        .values(roles=list(roles), active=active)
        .returning(people)
    ).one_or_none()
    if row is None:
        raise NotAllowedError(f"There is no person {person_id}.")
    if not active:
        conn.execute(sa.delete(sign_ins).where(sign_ins.c.person_id == person_id))
    audit.append(
        conn,
        at=desk_at,
        actor=changed_by,
        action="person.roles",
        subject=person_id,
        payload={"roles": list(roles), "active": active},
    )
    return _person(row)


def note_introduced(conn: sa.Connection, *, person_id: str, desk_at: datetime) -> None:
    """Note that a person has read what a newcomer must know; the first time counts."""
    conn.execute(
        sa.update(people)
        .where(people.c.person_id == person_id, people.c.introduced_at.is_(None))
        .values(introduced_at=desk_at)
    )


def set_password(
    conn: sa.Connection, *, person_id: str, password: str, changed_by: str, desk_at: datetime
) -> None:
    """Store a new password and end the person's sign-ins.

    Raises
    ------
    NotAllowedError
        If the password is too short or the person does not sign in by password.
    """
    _require_password(password)
    hashed = _HASHER.hash(password)
    changed = conn.execute(
        sa.update(people)
        .where(people.c.person_id == person_id, people.c.origin == "local")
        .values(password_hash=hashed)
    )
    if changed.rowcount != 1:
        raise NotAllowedError(f"Person {person_id} does not sign in by password here.")
    conn.execute(sa.delete(sign_ins).where(sign_ins.c.person_id == person_id))
    audit.append(
        conn,
        at=desk_at,
        actor=changed_by,
        action="person.password",
        subject=person_id,
        payload={"password_fingerprint": fingerprint(hashed)},
    )


def fingerprint(password_hash: str | None) -> str:
    """Return what the audit log keeps of a password: the SHA-256 of its salted hash, or ``none``.

    It shows whether the stored hash is the one that was set, and nothing of the password: the
    salted hash cannot be found from it.
    """
    return "none" if password_hash is None else hashlib.sha256(password_hash.encode()).hexdigest()


@cache
def _nobody() -> str:
    """Verified when the login is unknown, so that the answer takes as long as for a known one."""
    return _HASHER.hash(secrets.token_hex(16))


def verified(conn: sa.Connection, *, login: str, password: str) -> Person | None:
    """Return the active person whose password this is, or None, in about the same time."""
    nobody = _nobody()  # made whoever asks: the first one must not tell by its time either
    row = conn.execute(sa.select(people).where(people.c.login == login)).one_or_none()
    known = row is not None and row.active and row.password_hash is not None
    try:
        _HASHER.verify(row.password_hash if known and row is not None else nobody, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return None
    return _person(row) if known and row is not None else None


def start_sign_in(
    conn: sa.Connection, *, person_id: str, desk_at: datetime, lasts: timedelta
) -> str:
    """Return a new token for a cookie; the ledger keeps only its SHA-256."""
    token = secrets.token_urlsafe(32)
    conn.execute(
        sa.insert(sign_ins).values(
            token_hash=_token_hash(token),
            person_id=person_id,
            created_at=desk_at,
            expires_at=desk_at + lasts,
            seen_at=desk_at,
        )
    )
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action="person.sign_in",
        subject=person_id,
        payload={},
    )
    return token


def signed_in(conn: sa.Connection, *, token: str, desk_at: datetime) -> Person | None:
    """Return whose unexpired sign-in this token is, or None."""
    row = conn.execute(
        sa.select(people)
        .join(sign_ins, sign_ins.c.person_id == people.c.person_id)
        .where(
            sign_ins.c.token_hash == _token_hash(token),
            sign_ins.c.expires_at > desk_at,
            people.c.active,
        )
    ).one_or_none()
    return None if row is None else _person(row)


def touch_sign_in(conn: sa.Connection, *, token: str, desk_at: datetime) -> None:
    """Note that a sign-in was used."""
    conn.execute(
        sa.update(sign_ins)
        .where(sign_ins.c.token_hash == _token_hash(token))
        .values(seen_at=desk_at)
    )


def end_sign_in(conn: sa.Connection, *, token: str) -> None:
    """Forget a sign-in."""
    conn.execute(sa.delete(sign_ins).where(sign_ins.c.token_hash == _token_hash(token)))


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _require_roles(roles: tuple[str, ...]) -> None:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        raise NotAllowedError(
            f"Roles must be some of {', '.join(ROLES)}; got {', '.join(roles) or 'none'}."
        )


def _require_password(password: str | None) -> None:
    if password is None or len(password) < 10:
        raise NotAllowedError("A password needs at least 10 characters.")


def _person(row: sa.Row[tuple[object, ...]]) -> Person:
    return Person(
        person_id=row.person_id,
        login=row.login,
        display_name=row.display_name,
        roles=tuple(row.roles),
        origin=row.origin,
        active=row.active,
        created_at=row.created_at,
        introduced_at=row.introduced_at,
    )
