"""The ledger as the drill reads it: what became of every leg, order and execution."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from countersign.drill.compare import Execution, Finding, Kept, LedgerSide, Signed
from ledger import verification
from ledger.fills import holdings
from ledger.tables import alerts, fills, legs, orders, proposals, reconciliations
from trading.orders import client_order_id

_UNSETTLED = ("intended", "sent", "unresolved")


def side(conn: sa.Connection) -> LedgerSide:
    """Return the orders and executions on record, and the positions they make."""
    return LedgerSide(
        orders=[
            Kept(
                client_order_id=row.client_order_id,
                leg=row.leg_id,
                parent=row.parent_client_order_id,
                state=row.state,
                filled=row.filled_quantity,
                average_price=row.average_price,
                reason=row.reason,
            )
            for row in conn.execute(sa.select(orders))
        ],
        executions=[_execution(row) for row in conn.execute(sa.select(fills))],
        positions=holdings(conn),
    )


def with_ends(conn: sa.Connection, signed: Sequence[Signed]) -> list[Signed]:
    """Return the signed legs with the reason for which each ended without an order, if it did."""
    query = sa.select(
        proposals.c.proposal_id, proposals.c.state, proposals.c.note, legs.c.leg_no,
        legs.c.leg_id, legs.c.closed_sentence,
    ).join(legs, legs.c.proposal_id == proposals.c.proposal_id)  # fmt: skip
    known = {
        client_order_id(proposal_id=row.proposal_id, leg_no=row.leg_no, attempt=1): row
        for row in conn.execute(query)
    }
    return [
        replace(one, leg=known[one.client_order_id].leg_id, ended=_end(known[one.client_order_id]))
        if one.client_order_id in known
        else one  # the ledger has lost it: the comparison says so
        for one in signed
    ]


def unsound(conn: sa.Connection, *, tampered: Collection[str] = ()) -> list[Finding]:
    """Return where log, tables and signed bytes differ.

    Parameters
    ----------
    tampered : collection of str
        Codes of the proposals whose stored legs the drill itself altered.
    """
    known = {f"proposal {code}" for code in tampered}
    return [
        Finding("unexplained", place.where, place.sentence)
        for place in verification.verify(conn).places
        if place.where not in known
    ]


def sent_at(conn: sa.Connection) -> list[tuple[str, datetime]]:
    """Return symbol and market time of every order that the desk wrote down to send.

    Those that only reduce are left out: no count of the day holds them up.
    """
    query = (
        sa.select(orders.c.symbol, orders.c.intended_market_at)
        .join(legs, legs.c.leg_id == orders.c.leg_id)
        .where(orders.c.parent_client_order_id.is_(None), sa.not_(legs.c.reduces))
    )
    return [(row.symbol, row.intended_market_at) for row in conn.execute(query)]


def unfinished(conn: sa.Connection) -> int:
    """Return how many signed legs wait, and orders nobody is sure about."""
    waits = sa.select(sa.func.count()).where(
        legs.c.proposal_id == proposals.c.proposal_id,
        proposals.c.state == "signed",
        legs.c.closed_at.is_(None),
        sa.not_(sa.exists().where(orders.c.leg_id == legs.c.leg_id)),
    )
    unsure = sa.select(sa.func.count()).where(orders.c.state.in_(_UNSETTLED))
    return int(conn.scalar(waits) or 0) + int(conn.scalar(unsure) or 0)


def working(conn: sa.Connection) -> list[str]:
    """Return the client order ids of the desk's own orders that work at the venue."""
    query = sa.select(orders.c.client_order_id).where(
        orders.c.state.in_(("accepted", "partially_filled")),
        orders.c.parent_client_order_id.is_(None),
    )
    return list(conn.scalars(query.order_by(orders.c.client_order_id)))


def compared_since(conn: sa.Connection, at: datetime) -> bool | None:
    """Return whether the newest comparison begun after `at` was clean; None before one."""
    query = sa.select(reconciliations.c.clean).where(reconciliations.c.started_at > at)
    clean: bool | None = conn.scalar(query.order_by(reconciliations.c.seq.desc()).limit(1))
    return clean


def alerted(conn: sa.Connection, kind: str) -> set[str]:
    """Return the subjects of all alerts of a kind."""
    return set(conn.scalars(sa.select(alerts.c.subject).where(alerts.c.kind == kind)))


def _execution(row: Any) -> Execution:
    return Execution(
        execution_id=row.execution_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        at=row.market_at,
    )


def _end(row: Any) -> str | None:
    if row.closed_sentence:
        return str(row.closed_sentence)
    if row.state in {"expired", "lapsed", "withdrawn"} and row.note:
        return str(row.note)
    return None
