"""Legs that may still be sent: they take room and money before any order exists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from ledger.filed import StoredLeg, stored_leg
from ledger.orders import FINAL
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

    Of a leg that is worked in parts what no part was sent for yet.

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
            sa.or_(
                legs.c.tactic.is_not(None),
                sa.not_(sa.exists().where(orders.c.leg_id == legs.c.leg_id)),
            ),
        )
        .order_by(proposals.c.created_at, legs.c.proposal_id, legs.c.leg_no)
    )
    found = [stored_leg(row) for row in conn.execute(query).all()]
    made = [Promised(each.proposal_id, _unsent(conn, each)) for each in found]
    return [each for each in made if each.leg.quantity > 0]


def _unsent(conn: sa.Connection, stored: StoredLeg) -> Leg:
    """The leg with what no order of it was filled with or works for."""
    if stored.leg.tactic is None:
        return stored.leg
    sent = conn.scalar(
        sa.select(
            sa.func.coalesce(
                sa.func.sum(
                    sa.case(
                        (orders.c.state.in_(FINAL), orders.c.filled_quantity),
                        else_=orders.c.quantity,
                    )
                ),
                0,
            )
        ).where(orders.c.leg_id == stored.leg_id, orders.c.parent_client_order_id.is_(None))
    )
    return replace(stored.leg, quantity=stored.leg.quantity - Decimal(sent or 0))


def with_all(picture: Picture, made: Sequence[Promised]) -> Picture:
    """Return the picture as if every promised leg were an open order."""
    own = picture.proposal_id
    for each in made:
        picture = with_promised(replace(picture, proposal_id=each.proposal_id), each.leg)
    return replace(picture, proposal_id=own)
