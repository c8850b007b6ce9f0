"""Legs that may still be sent: they take room and money before any order exists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from ledger.filed import stored_leg
from ledger.tables import legs, orders, proposals
from trading.picture import Picture
from trading.pretrade import with_promised
from trading.proposals import Leg


@dataclass(frozen=True)
class Promised:
    """A leg of a proposal that is open or signed, without an order."""

    proposal_id: str
    leg: Leg


def promised(
    conn: sa.Connection,
    *,
    states: Sequence[str],
    market_at: datetime | None,
    but: str | None = None,
) -> list[Promised]:
    """Return the legs of proposals in these states that have no order yet, oldest first.

    Parameters
    ----------
    market_at : datetime or None
        Market time: what ended by then is left out. None when nobody knows the time: then
        everything counts.
    but : str, optional
        A proposal to leave out.
    """
    query = (
        sa.select(legs)
        .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
        .where(
            proposals.c.state.in_(states),
            proposals.c.proposal_id.is_distinct_from(but),
            sa.true() if market_at is None else proposals.c.valid_until > market_at,
            legs.c.closed_at.is_(None),
            sa.not_(sa.exists().where(orders.c.leg_id == legs.c.leg_id)),
        )
        .order_by(proposals.c.created_at, legs.c.proposal_id, legs.c.leg_no)
    )
    return [Promised(row.proposal_id, stored_leg(row).leg) for row in conn.execute(query)]


def with_all(picture: Picture, made: Sequence[Promised]) -> Picture:
    """Return the picture as if every promised leg were an open order."""
    own = picture.proposal_id
    for each in made:
        picture = with_promised(replace(picture, proposal_id=each.proposal_id), each.leg)
    return replace(picture, proposal_id=own)
