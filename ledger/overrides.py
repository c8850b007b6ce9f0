"""Limits that were changed for an account, each with an end."""

from datetime import datetime

import sqlalchemy as sa

from ledger.tables import limit_overrides
from trading.limits import Override


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
