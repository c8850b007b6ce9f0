"""Who may do what, within which limits: people, roles, passwords and overrides, as the log tells.

Whoever can write to the database could make themselves a signatory, give a person another
password, or lift a limit. Each of these leaves a row in the log when the desk does it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ledger.people import fingerprint
from ledger.retold import Place, Row, figure_text, rows
from ledger.tables import limit_overrides, people
from trading.canonical import utc_text

_ADDED = "person.add"
_ROLES = "person.roles"
_PASSWORD = "person.password"  # noqa: S105 - the name of a deed
_OVERRIDDEN = "limit.override"


@dataclass
class _Person:
    """A person as the log or the table tells."""

    login: str
    origin: str
    roles: list[str]
    active: bool = True
    password: str | None = None  # its fingerprint; None where a log of an older desk has none


@dataclass
class _Override:
    """An override as the log tells, and when it was taken back."""

    made_at: datetime
    person: str
    value: str | None
    reason: str
    ends: str
    revoked_at: datetime | None = None

    def words(self) -> str:
        """Its figures for people: ``0.08 until 2026-12-31T00:00:00Z``."""
        back = "" if self.revoked_at is None else ", taken back"
        return f"{self.value} until {self.ends}{back}"


def differences(conn: sa.Connection) -> Iterator[Place]:
    """Yield every person and every changed limit that the log tells otherwise."""
    yield from _people(conn)
    yield from _limits(conn)


def _people(conn: sa.Connection) -> Iterator[Place]:
    told: dict[str, _Person] = {}
    for row in rows(conn, "person."):
        _tell_person(told, row)
    seen = set()
    for kept in conn.execute(sa.select(people).order_by(people.c.login)):
        seen.add(kept.person_id)
        said = told.get(kept.person_id)
        where = f"person {kept.login}"
        if said is None:
            yield Place(where, f"{kept.login} is not in the log: they were added past the desk.")
            continue
        password = fingerprint(kept.password_hash)
        now = _Person(kept.login, kept.origin, list(kept.roles), kept.active, password)
        for what in _changed(said, now):
            yield Place(where, f"{kept.login} has {what} than the log says.")
    for name in sorted(told.keys() - seen):
        yield Place(f"person {told[name].login}", f"{told[name].login} is in the log and gone.")


def _tell_person(told: dict[str, _Person], row: Row) -> None:
    payload = row.payload
    if row.action == _ADDED:
        told[row.subject] = _Person(
            login=str(payload.get("login")),
            origin=str(payload.get("origin")),
            roles=list(payload.get("roles", ())),
        )
    known = told.get(row.subject)
    if known is None:
        return
    if row.action == _ROLES:
        known.roles = list(payload.get("roles", ()))
        known.active = bool(payload.get("active"))
    if row.action in {_ADDED, _PASSWORD}:
        known.password = payload.get("password_fingerprint")


def _changed(said: _Person, now: _Person) -> Iterator[str]:
    if (said.login, said.origin) != (now.login, now.origin):
        yield "another login or way of signing in"
    if said.roles != now.roles:
        yield f"other roles ({', '.join(now.roles)} instead of {', '.join(said.roles)})"
    if said.active != now.active:
        yield "another right to sign in"
    if said.password not in {None, now.password}:
        yield "another password"


def _limits(conn: sa.Connection) -> Iterator[Place]:
    told: dict[tuple[str, str], list[_Override]] = defaultdict(list)
    for row in rows(conn, "limit."):
        _tell_override(told, row)
    stored: dict[tuple[str, str], list[_Override]] = defaultdict(list)
    order = (limit_overrides.c.created_at, limit_overrides.c.override_id)
    for kept in conn.execute(sa.select(limit_overrides).order_by(*order)):
        stored[kept.account_id, kept.name].append(
            _Override(
                kept.created_at,
                kept.person_id,
                figure_text(kept.value),
                kept.reason,
                utc_text(kept.expires_at),
                kept.revoked_at,
            )
        )
    for account, name in sorted(told.keys() | stored.keys()):
        now, said = stored[account, name], told[account, name]
        if now != said:
            yield Place(
                f"limit {name}",
                f"`{name}` of account {account} was changed to {_listed(now)}; the log says "
                f"{_listed(said)}.",
            )


def _tell_override(told: dict[tuple[str, str], list[_Override]], row: Row) -> None:
    payload = row.payload
    made = told[row.subject, str(payload.get("limit"))]
    if row.action == _OVERRIDDEN:
        value, reason, ends = (str(payload.get(n)) for n in ("value", "reason", "expires_at"))
        made.append(_Override(row.at, row.actor, value, reason, ends))
        return
    for one in made:
        one.revoked_at = one.revoked_at or row.at


def _listed(found: list[_Override]) -> str:
    return "; ".join(one.words() for one in found) or "nothing"
