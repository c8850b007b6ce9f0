"""When something that a dispatcher leased is free again."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

# Far longer than any dispatcher leases for (`limits.lease_seconds`, a minute).
_IMPLAUSIBLE = timedelta(minutes=15)


def free(lease_until: sa.Column[Any], now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that nobody holds a lease at `now`, by the asker's clock.

    A lease that ends too far ahead was taken by a clock that ran ahead. Its owner may be dead,
    and waiting for its end would keep a signed leg or an uncertain order from everybody.
    """
    return sa.or_(lease_until.is_(None), lease_until <= now, lease_until > now + _IMPLAUSIBLE)
