"""Limits that were changed for an account, each with a reason and an end."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from config.limits import Limits
from ledger import audit
from ledger.connection import new_id
from ledger.people import Person
from ledger.tables import limit_overrides
from trading.canonical import Content
from trading.errors import NotAllowedError
from trading.limits import Override, effective

_SHORTEST_REASON = 20


def active(conn: sa.Connection, *, account_id: str, desk_at: datetime) -> list[Override]:
    """Return the overrides of an account that are neither revoked nor expired, oldest first.

    Parameters
    ----------
    desk_at : datetime
        Wall time; an override ends at the instant it expires.
    """
    query = (
        sa.select(limit_overrides.c.name, limit_overrides.c.value, limit_overrides.c.expires_at)
        .where(
            limit_overrides.c.account_id == account_id,
            limit_overrides.c.revoked_at.is_(None),
            limit_overrides.c.expires_at > desk_at,
        )
        .order_by(limit_overrides.c.created_at, limit_overrides.c.override_id)
    )
    return [Override(**row._asdict()) for row in conn.execute(query)]


def make(
    conn: sa.Connection,
    person: Person,
    override: Override,
    *,
    account_id: str,
    reason: str,
    limits: Limits,
    desk_at: datetime,
) -> None:
    """Change a limit of an account until an instant; an earlier override of it stands no more.

    Parameters
    ----------
    person : Person
        A signatory.
    override : Override
        The limit, its new value in its own unit, and when that ends (wall time).
    reason : str
        At least 20 characters; kept for ever.
    limits : Limits
        As configured.
    desk_at : datetime
        Wall time.

    Raises
    ------
    NotAllowedError
        If the person may not sign, the reason is short, the end has passed, or the value lies
        beyond the ceiling that no override may pass.
    OverrideError
        If the limit cannot be overridden, or makes no sense with this value.
    """
    _require_signatory(person)
    if len(reason.strip()) < _SHORTEST_REASON:
        raise NotAllowedError(f"An override's reason needs at least {_SHORTEST_REASON} characters.")
    if override.expires_at <= desk_at:
        raise NotAllowedError(
            f"An override must end later than now, was {override.expires_at:%Y-%m-%d %H:%M}."
        )
    others = active(conn, account_id=account_id, desk_at=desk_at)
    made = effective(limits, [*others, override], now=desk_at)
    if getattr(made, override.name) != override.value:
        raise NotAllowedError(
            f"`{override.name}` can be at most {getattr(made, override.name)} "
            f"(`position_ceiling`), was {override.value}."
        )
    conn.execute(
        sa.insert(limit_overrides).values(
            override_id=new_id(),
            account_id=account_id,
            name=override.name,
            value=override.value,
            reason=reason,
            person_id=person.person_id,
            created_at=desk_at,
            expires_at=override.expires_at,
        )
    )
    told: dict[str, Content] = {"limit": override.name, "value": override.value, "reason": reason}
    _note(conn, person, "limit.override", account_id, desk_at, told, ends=override.expires_at)


def revoke(
    conn: sa.Connection,
    person: Person,
    name: str,
    *,
    account_id: str,
    reason: str,
    desk_at: datetime,
) -> Decimal:
    """Give a limit of an account its configured value back; return the value that ends.

    Raises
    ------
    NotAllowedError
        If the person may not sign, or the limit is not overridden.
    """
    _require_signatory(person)
    standing = [
        one.value
        for one in active(conn, account_id=account_id, desk_at=desk_at)
        if one.name == name
    ]
    if not standing:
        raise NotAllowedError(f"`{name}` is not overridden for account {account_id}.")
    conn.execute(
        sa.update(limit_overrides)
        .where(
            limit_overrides.c.account_id == account_id,
            limit_overrides.c.name == name,
            limit_overrides.c.revoked_at.is_(None),
        )
        .values(revoked_at=desk_at)
    )
    told: dict[str, Content] = {"limit": name, "value": standing[-1], "reason": reason}
    _note(conn, person, "limit.revoke", account_id, desk_at, told, ends=desk_at)
    return standing[-1]


def _require_signatory(person: Person) -> None:
    if not person.may("signatory"):
        raise NotAllowedError(f"{person.login} may not change a limit: it takes a signatory.")


def _note(
    conn: sa.Connection,
    person: Person,
    action: str,
    account_id: str,
    desk_at: datetime,
    told: Mapping[str, Content],
    *,
    ends: datetime,
) -> None:
    audit.append(
        conn,
        at=desk_at,
        actor=person.person_id,
        action=action,
        subject=account_id,
        payload={**told, "expires_at": ends},
    )
