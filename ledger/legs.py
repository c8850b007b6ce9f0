"""Signed legs: which wait to be sent, who holds them, and what was agreed about them."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import filed
from ledger.leases import free
from ledger.orders import FINAL, REPLACED, UNSETTLED, sent_by_us, stored_order
from ledger.tables import legs, orders, people, proposals, signatures
from trading.errors import ContentMismatchError
from trading.ledger import Scope, SignedLeg
from trading.orders import Order
from trading.picture import SignedTerms
from trading.proposals import Leg
from trading.tactics.planning import Child


def waiting(conn: sa.Connection, *, now: datetime, scope: Scope = Scope.PLAIN) -> int:
    """Return how many signed legs of a scope wait to be sent, or settled, that nobody holds."""
    query = (
        sa.select(sa.func.count())
        .select_from(legs.join(proposals, proposals.c.proposal_id == legs.c.proposal_id))
        .where(_waits(scope), free(legs.c.lease_until, now))
    )
    unsettled = (
        sa.select(sa.func.count())
        .select_from(orders.join(proposals, proposals.c.proposal_id == orders.c.proposal_id))
        .where(
            orders.c.state.in_(UNSETTLED),
            sent_by_us(),
            free(orders.c.lease_until, now),
            sa.true() if scope is Scope.PLAIN else proposals.c.command.is_not(None),
        )
    )
    return int(conn.scalar(query) or 0) + int(conn.scalar(unsettled) or 0)


def newly_signed(
    conn: sa.Connection, *, within: timedelta, desk_at: datetime, market_at: datetime
) -> int:
    """Return how many signed legs wait for their order, leased or not, and are in time still.

    Those that are worked in parts are left out: for them the market has to go on.

    Parameters
    ----------
    within : timedelta
        How far from `desk_at` (wall time) the last signature may lie.
    market_at : datetime
        The market's clock, at which the signature's time must not be over.
    """
    query = (
        sa.select(sa.func.count())
        .select_from(legs.join(proposals, proposals.c.proposal_id == legs.c.proposal_id))
        .where(
            _waits(Scope.PLAIN),
            proposals.c.decided_at.between(desk_at - within, desk_at + within),
            proposals.c.valid_until > market_at,
        )
    )
    return int(conn.scalar(query) or 0)


def lease(
    conn: sa.Connection,
    *,
    owner: str,
    now: datetime,
    until: datetime,
    skip: Collection[str],
    scope: Scope = Scope.PLAIN,
) -> SignedLeg | None:
    """Lease one signed leg that waits, the oldest decision first; None when there is none.

    A purchase waits until nothing waits of the sales of its proposal, whose money it needs; what
    only buys back does not: a sale that waits must not trap it.
    """
    told = (
        conn.execute(
            sa.select(legs, proposals)
            .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
            .where(
                _waits(scope),
                free(legs.c.lease_until, now),
                legs.c.leg_id.not_in(list(skip)),
                sa.or_(legs.c.side == "sell", legs.c.reduces, sa.not_(_a_sale_waits())),
            )
            .order_by(proposals.c.decided_at, legs.c.proposal_id, legs.c.side.desc(), legs.c.leg_no)
            .limit(1)
            .with_for_update(of=legs, skip_locked=True)
        )
        .mappings()
        .first()
    )
    if told is None:
        return None
    conn.execute(
        sa.update(legs)
        .where(legs.c.leg_id == told[legs.c.leg_id])
        .values(lease_owner=owner, lease_until=until)
    )
    return _signed(conn, told)


def release(conn: sa.Connection, leg_id: str, *, owner: str, waiting_for: str) -> None:
    """End a lease that is still this owner's, and say what the leg waits for."""
    conn.execute(
        sa.update(legs)
        .where(legs.c.leg_id == leg_id, legs.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, waiting_sentence=waiting_for)
    )


def holds(conn: sa.Connection, leg_id: str, *, owner: str, now: datetime) -> bool:
    """Whether a leg is leased by this owner still and open; the leg stays locked."""
    row = conn.execute(sa.select(legs).where(legs.c.leg_id == leg_id).with_for_update()).one()
    leased = row.lease_until is not None and row.lease_until > now
    return leased and row.lease_owner == owner and row.closed_at is None


def close(
    conn: sa.Connection, leg_id: str, *, code: str, sentence: str, desk_at: datetime
) -> str | None:
    """Close a leg without order; its proposal's id when it was this call, else None."""
    has_order = sa.exists().where(orders.c.leg_id == legs.c.leg_id)
    return _ended(conn, leg_id, sa.not_(has_order), code=code, sentence=sentence, desk_at=desk_at)


def finish(
    conn: sa.Connection, leg_id: str, *, code: str, sentence: str, desk_at: datetime
) -> str | None:
    """Close a leg whose orders have all ended; its proposal's id when it was this call."""
    working = sa.exists().where(
        orders.c.leg_id == legs.c.leg_id,
        orders.c.parent_client_order_id.is_(None),
        orders.c.state.not_in(FINAL),
    )
    return _ended(conn, leg_id, sa.not_(working), code=code, sentence=sentence, desk_at=desk_at)


def _ended(
    conn: sa.Connection,
    leg_id: str,
    may_end: sa.ColumnElement[bool],
    *,
    code: str,
    sentence: str,
    desk_at: datetime,
) -> str | None:
    """Close a leg where it is open and `may_end`; its proposal's id when it was this call."""
    found: str | None = conn.scalar(
        sa.update(legs)
        .where(legs.c.leg_id == leg_id, legs.c.closed_at.is_(None), may_end)
        .values(
            closed_at=desk_at,
            closed_code=code,
            closed_sentence=sentence,
            lease_owner=None,
            lease_until=None,
        )
        .returning(legs.c.proposal_id)
    )
    return found


def children(conn: sa.Connection, leg_id: str) -> list[Child]:
    """Return the orders sent for a leg, what hangs on them left out, oldest first."""
    query = (
        sa.select(orders)
        .where(orders.c.leg_id == leg_id, orders.c.parent_client_order_id.is_(None))
        .order_by(orders.c.attempt)
    )
    return [
        Child(
            order=stored_order(row),
            intended_at=row.intended_market_at,
            replaced=row.reason == REPLACED,
        )
        for row in conn.execute(query)
    ]


def beyond_signed(conn: sa.Connection, order: Order, *, market_at: datetime) -> str | None:
    """Say why an order is more than is left of its leg, or None; the proposal is locked.

    The last word on parts: whatever the planner thought, they stay inside what was signed.
    """
    leg = conn.execute(sa.select(legs).where(legs.c.leg_id == order.leg_id)).one()
    signed = filed.leg_of(leg._asdict())
    before = [
        child.order
        for child in children(conn, order.leg_id)
        if child.order.client_order_id != order.client_order_id
    ]
    if any(not earlier.state.is_final for earlier in before):
        return "An earlier part of it still works."
    sent = sum((earlier.filled_quantity for earlier in before), Decimal(0))
    if order.attempt != len(before) + 1 or sent + order.quantity > signed.quantity:
        return f"{order.quantity} are more than is left of {signed.quantity}."
    if signed.limit_price is not None:
        worse = order.limit_price is None or (
            order.limit_price > signed.limit_price
            if order.side == "buy"
            else order.limit_price < signed.limit_price
        )
        if worse:
            return f"Its price is beyond the signed limit {signed.limit_price}."
    if signed.tactic is None:
        return None if not before else "It was sent already."
    if not signed.tactic.starts_at <= market_at < signed.tactic.ends_at:
        return "It is outside the time that was signed."
    return None


def all_closed(conn: sa.Connection, proposal_id: str) -> bool:
    """Whether nothing of a proposal waits any more."""
    left = sa.select(sa.func.count()).where(
        legs.c.proposal_id == proposal_id, legs.c.closed_at.is_(None)
    )
    return conn.scalar(left) == 0


def signed(conn: sa.Connection, leg_id: str) -> SignedLeg:
    """Return a leg with what was agreed about it."""
    told = (
        conn.execute(
            sa.select(legs, proposals)
            .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
            .where(legs.c.leg_id == leg_id)
        )
        .mappings()
        .one()
    )
    return _signed(conn, told)


def terms(conn: sa.Connection, proposal_id: str) -> SignedTerms:
    """Return what was signed of a proposal, by whom, and whether it is still that."""
    row = conn.execute(sa.select(proposals).where(proposals.c.proposal_id == proposal_id)).one()
    given = conn.execute(
        sa.select(signatures.c.content_hash, people.c.person_id, people.c.active, people.c.roles)
        .join(people, people.c.person_id == signatures.c.person_id)
        .where(
            signatures.c.proposal_id == proposal_id,
            signatures.c.kind == "sign",
            signatures.c.withdrawn_at.is_(None),
        )
        .order_by(signatures.c.signed_at)
    ).all()
    allowed = {one.person_id for one in given if one.active and "signatory" in one.roles}
    intact = all(one.content_hash == row.content_hash for one in given)
    return SignedTerms(
        state=row.state,
        intact=intact and _is_as_signed(conn, proposal_id),
        valid_until=row.valid_until,
        signers=tuple(one.person_id for one in given),
        allowed_signers=frozenset(allowed),
        signatures_needed=row.signatures_needed,
        entered_by=row.entered_by,
        drift_bound=row.drift_bound,
        drift_direction=row.drift_direction,
        account_id=row.account_id,
    )


def _is_as_signed(conn: sa.Connection, proposal_id: str) -> bool:
    """Whether the legs and all terms that the desk acts by are those of the bytes."""
    try:
        filed.content(conn, proposal_id)
    except ContentMismatchError:
        return False
    return True


def _signed(conn: sa.Connection, told: Any) -> SignedLeg:
    leg = filed.leg_of({name: told[legs.c[name]] for name in Leg.__dataclass_fields__})
    agreed = terms(conn, told[proposals.c.proposal_id])
    if leg.tactic is not None:  # it ends when its tactic does, at the latest
        agreed = replace(agreed, valid_until=min(agreed.valid_until, leg.tactic.ends_at))
    return SignedLeg(
        leg_id=told[legs.c.leg_id],
        proposal_id=told[proposals.c.proposal_id],
        environment=told[proposals.c.environment],
        strategy=told[proposals.c.strategy],
        model_version=told[proposals.c.model_version],
        leg=leg,
        terms=agreed,
        command=told[proposals.c.command],
    )


def _waits(scope: Scope) -> sa.ColumnElement[bool]:
    """Whether something of a leg is still to be sent; one worked in parts waits until it ends.

    The stop for what a sale leaves is due when the sale has ended: before, there is more to guard.
    """
    unsent = sa.and_(
        sa.not_(sa.exists().where(orders.c.leg_id == legs.c.leg_id)), sa.not_(_its_sale_is_worked())
    )
    due = {
        Scope.PLAIN: sa.and_(legs.c.tactic.is_(None), unsent),
        Scope.ORDERED: sa.and_(proposals.c.command.is_not(None), legs.c.tactic.is_(None), unsent),
        Scope.TACTICS: legs.c.tactic.is_not(None),
    }
    return sa.and_(legs.c.closed_at.is_(None), proposals.c.state == "signed", due[scope])


def _its_sale_is_worked() -> sa.ColumnElement[bool]:
    """Whether a leg is a sale's stop, and its proposal still sells the symbol in parts."""
    sale = legs.alias()
    return (
        sa.exists()
        .where(
            legs.c.order_type == "stop",
            sale.c.proposal_id == legs.c.proposal_id,
            sale.c.symbol == legs.c.symbol,
            sale.c.side == legs.c.side,
            sale.c.tactic.is_not(None),
            sale.c.closed_at.is_(None),
        )
        .correlate(legs)
    )


def _a_sale_waits() -> sa.ColumnElement[bool]:
    """Whether a sale of the same proposal has neither an order nor ended."""
    sale, sent = legs.alias(), orders.alias()
    return (
        sa.exists()
        .where(
            sale.c.proposal_id == legs.c.proposal_id,
            sale.c.side == "sell",
            sale.c.closed_at.is_(None),
            sa.not_(sa.exists().where(sent.c.leg_id == sale.c.leg_id)),
        )
        .correlate(legs)
    )
