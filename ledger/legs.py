"""Signed legs: which wait to be sent, who holds them, and what was agreed about them."""

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledger import filed
from ledger.leases import free
from ledger.tables import legs, orders, people, proposals, signatures
from trading.canonical import canonical_bytes
from trading.ledger import SignedLeg
from trading.picture import SignedTerms
from trading.proposals import Leg, is_intact


def waiting(conn: sa.Connection, *, now: datetime) -> int:
    """Return how many signed legs wait to be sent, or settled, that nobody holds then."""
    query = (
        sa.select(sa.func.count())
        .select_from(legs.join(proposals, proposals.c.proposal_id == legs.c.proposal_id))
        .where(_waits(), free(legs.c.lease_until, now))
    )
    unsettled = sa.select(sa.func.count()).where(
        orders.c.state.in_(("intended", "sent", "unresolved")),
        orders.c.parent_client_order_id.is_(None),
        free(orders.c.lease_until, now),
    )
    return int(conn.scalar(query) or 0) + int(conn.scalar(unsettled) or 0)


def lease(
    conn: sa.Connection, *, owner: str, now: datetime, until: datetime, skip: Collection[str]
) -> SignedLeg | None:
    """Lease one signed leg that waits, the oldest decision first; None when there is none."""
    told = (
        conn.execute(
            sa.select(legs, proposals)
            .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
            .where(_waits(), free(legs.c.lease_until, now), legs.c.leg_id.not_in(list(skip)))
            .order_by(proposals.c.decided_at, legs.c.proposal_id, legs.c.leg_no)
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
    found: str | None = conn.scalar(
        sa.update(legs)
        .where(legs.c.leg_id == leg_id, legs.c.closed_at.is_(None), sa.not_(has_order))
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
    intact = is_intact(row.content, row.content_hash) and all(
        one.content_hash == row.content_hash for one in given
    )
    return SignedTerms(
        state=row.state,
        intact=intact and _legs_are_those_signed(conn, proposal_id, row.content),
        valid_until=row.valid_until,
        signers=tuple(one.person_id for one in given),
        allowed_signers=frozenset(allowed),
        signatures_needed=row.signatures_needed,
        entered_by=row.entered_by,
        drift_bound=row.drift_bound,
        drift_direction=row.drift_direction,
    )


def _legs_are_those_signed(conn: sa.Connection, proposal_id: str, content: bytes) -> bool:
    stored = [asdict(each.leg) for each in filed.legs_of(conn, proposal_id)]
    acted: object = json.loads(canonical_bytes({"legs": stored}))["legs"]
    return bool(acted == json.loads(content).get("legs"))


def _signed(conn: sa.Connection, told: Any) -> SignedLeg:
    return SignedLeg(
        leg_id=told[legs.c.leg_id],
        proposal_id=told[proposals.c.proposal_id],
        environment=told[proposals.c.environment],
        strategy=told[proposals.c.strategy],
        model_version=told[proposals.c.model_version],
        leg=Leg(**{name: told[legs.c[name]] for name in Leg.__dataclass_fields__}),
        terms=terms(conn, told[proposals.c.proposal_id]),
    )


def _waits() -> sa.ColumnElement[bool]:
    return sa.and_(
        legs.c.closed_at.is_(None),
        proposals.c.state == "signed",
        sa.not_(sa.exists().where(orders.c.leg_id == legs.c.leg_id)),
    )
