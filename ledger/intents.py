"""An order is written down before its first byte goes out, if nothing forbids it."""

from datetime import datetime

import sqlalchemy as sa

from ledger import audit, legs, orders, state
from ledger.tables import proposals, signatures
from trading.ledger import Stamp
from trading.orders import Order
from trading.proposals import FLATTEN


def write(
    conn: sa.Connection,
    order: Order,
    *,
    reduces: bool,
    owner: str,
    build: str,
    until: datetime,
    at: Stamp,
) -> str | None:
    """Write an order down with a lease; return None, or why it must not go.

    Parameters
    ----------
    reduces : bool
        Whether it only closes what is held.
    owner : str
        The dispatcher, which holds the leg and from now on the order.
    build : str
        Hash of the code that sends.
    until : datetime
        Wall time at which the lease ends.
    """
    refusal = _refusal(conn, order, reduces=reduces, owner=owner, at=at)
    if refusal is not None:
        return refusal
    if not orders.add(conn, order, build=build, owner=owner, until=until, at=at):
        # A commit whose answer was lost is repeated: then the intent is our own.
        ours = orders.owner_of(conn, order.client_order_id) == owner
        return None if ours else "Another dispatcher has written it down."
    content_hash = _mark_sending(conn, order.proposal_id, at)
    audit.append(
        conn,
        at=at.desk_at,
        actor=owner,
        action="order.intend",
        subject=order.client_order_id,
        payload={
            "proposal": order.proposal_id,
            "content_hash": content_hash,
            "attempt": order.attempt,
            "quantity": order.quantity,
            "build": build,
        },
    )
    return None


def _refusal(
    conn: sa.Connection, order: Order, *, reduces: bool, owner: str, at: Stamp
) -> str | None:
    """Lock what an intent depends on, in one order everywhere, and say what forbids it."""
    now = state.locked(conn).state
    row = conn.execute(
        sa.select(proposals).where(proposals.c.proposal_id == order.proposal_id).with_for_update()
    ).one()
    if not now.admits(reduces=reduces, ordered=row.command == FLATTEN):
        return f"The desk is {now}; it waits."
    if not row.valid_from <= at.market_at < row.valid_until:
        return "It is not valid at this moment."
    terms = legs.terms(conn, order.proposal_id)
    counted = set(terms.signers) - {terms.entered_by}
    if terms.state != "signed" or len(counted) < max(terms.signatures_needed, 1):
        return f"The proposal is {terms.state}, with {len(counted)} signatures."
    if not terms.intact:
        return "The stored proposal is not the one that was signed."
    if not legs.holds(conn, order.leg_id, owner=owner, now=at.desk_at):
        return "Another dispatcher has taken it."
    return legs.beyond_signed(conn, order, market_at=at.market_at)


def _mark_sending(conn: sa.Connection, proposal_id: str, at: Stamp) -> str:
    """Make the signatures used; from here on they cannot be withdrawn. Returns the hash signed."""
    conn.execute(
        sa.update(signatures)
        .where(
            signatures.c.proposal_id == proposal_id,
            signatures.c.kind == "sign",
            signatures.c.withdrawn_at.is_(None),
            signatures.c.used_at.is_(None),
        )
        .values(used_at=at.desk_at)
    )
    sending_at = sa.func.coalesce(proposals.c.sending_at, at.desk_at)
    return str(
        conn.scalar(
            sa.update(proposals)
            .where(proposals.c.proposal_id == proposal_id)
            .values(sending_at=sending_at)
            .returning(proposals.c.content_hash)
        )
    )
