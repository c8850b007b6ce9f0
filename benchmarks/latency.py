"""From signature to acknowledgement, as the ledger's own instants tell it.

Usage: ``python -m benchmarks.latency DSN [--json]`` with the address of a desk's database `desk`.
It reads only. An order counts whose last signature was given while its market was open: one
signed after the close waits for the next session, which is no latency.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from ledger.connection import engine
from ledger.tables import orders, signatures
from quality.calendar import exchange

_NEW_YORK = ZoneInfo("America/New_York")
# Each step, from which instant to which (wall time).
STEPS = (
    ("signature to intent", "signed_at", "intended_at"),
    ("intent to send", "intended_at", "sent_at"),
    ("send to acknowledgement", "sent_at", "acknowledged_at"),
    ("signature to acknowledgement", "signed_at", "acknowledged_at"),
)


@dataclass(frozen=True)
class Figure:
    """How long a step took, in wall seconds."""

    step: str
    orders: int
    p50: float
    p95: float
    longest: float


def figures(conn: sa.Connection) -> list[Figure]:
    """Return each step's figures over all orders that count; none before the first.

    A percentile is the shortest time that so many of the orders did not exceed (nearest rank).
    """
    rows = [row for row in _acknowledged(conn) if _in_session(row.market_at)]
    found = []
    for step, first, last in STEPS:
        seconds = [(getattr(row, last) - getattr(row, first)).total_seconds() for row in rows]
        if seconds:
            p50, p95 = np.percentile(seconds, [50, 95], method="inverted_cdf")
            found.append(Figure(step, len(seconds), float(p50), float(p95), max(seconds)))
    return found


def _acknowledged(conn: sa.Connection) -> Sequence[Any]:
    """The first order of each leg, with the signature that completed its proposal."""
    last = (
        sa.select(
            signatures.c.proposal_id,
            sa.func.max(signatures.c.signed_at).label("signed_at"),
            sa.func.max(signatures.c.market_at).label("market_at"),
        )
        .where(signatures.c.kind == "sign", signatures.c.withdrawn_at.is_(None))
        .group_by(signatures.c.proposal_id)
        .subquery()
    )
    query = (
        sa.select(
            last.c.signed_at, last.c.market_at,
            orders.c.intended_at, orders.c.sent_at, orders.c.acknowledged_at,
        )
        .join(last, last.c.proposal_id == orders.c.proposal_id)
        .where(
            orders.c.parent_client_order_id.is_(None),
            orders.c.attempt == 1,
            orders.c.sent_at.is_not(None),
            orders.c.acknowledged_at.is_not(None),
        )
        .order_by(orders.c.intended_at)
    )  # fmt: skip
    return conn.execute(query).all()


def _in_session(market_at: datetime) -> bool:
    calendar, day = exchange(), market_at.astimezone(_NEW_YORK).date()
    return calendar.is_session(day) and calendar.open(day) <= market_at < calendar.close(day)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of one ledger; 1 when no order counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dsn", help="postgresql://user:password@host:port/desk")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    database = engine(asked.dsn, pool_size=1)
    with database.connect() as conn:
        found = figures(conn)
    database.dispose()
    if asked.json:
        sys.stdout.write(json.dumps([asdict(one) for one in found]) + "\n")
        return 0 if found else 1
    for one in found:
        sys.stdout.write(
            f"| {one.step} | {one.orders} | {one.p50:.2f} | {one.p95:.2f} | {one.longest:.2f} |\n"
        )
    if not found:
        sys.stderr.write("No order was signed in a session and acknowledged.\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
