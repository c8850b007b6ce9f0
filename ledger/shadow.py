"""What was proposed and decided, leg by leg, for the shadow ledger."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger.orders import protective
from ledger.tables import legs, people, proposals, signatures

# A denied one could not be signed; one superseded or withdrawn goes on in another, or was unmade.
VERDICTS = ("signed", "vetoed", "expired", "lapsed")


@dataclass(frozen=True)
class Decided:
    """One leg and what became of its proposal.

    Attributes
    ----------
    session : date
        After whose close it was decided.
    verdict : str
        One of `VERDICTS`.
    person : str
        Display name of who vetoed; empty for every other verdict.
    reason : str
        The veto's reason code; empty otherwise.
    equity : Decimal
        Of the account when it was proposed, USD.
    horizon : int or None
        Sessions the model looks ahead; None for one entered by hand.
    """

    proposal_id: str
    code: str
    leg_no: int
    session: date
    strategy: str
    verdict: str
    person: str
    reason: str
    symbol: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    reference_price: Decimal
    equity: Decimal
    horizon: int | None


def decided(conn: sa.Connection, *, first: date, last: date) -> list[Decided]:
    """Return every leg decided by people or by time, of proposals of these sessions.

    Parameters
    ----------
    first, last : date
        Decision sessions, both included.

    Returns
    -------
    list of Decided
        In order of session, proposal and leg.
    """
    veto = (
        sa.select(signatures.c.proposal_id, signatures.c.reason_code, people.c.display_name)
        .join(people, people.c.person_id == signatures.c.person_id)
        .where(signatures.c.kind == "veto", signatures.c.withdrawn_at.is_(None))
        .distinct(signatures.c.proposal_id)
        .order_by(signatures.c.proposal_id, signatures.c.signed_at)
        .subquery()
    )
    rows = conn.execute(
        sa.select(legs, proposals, veto.c.reason_code, veto.c.display_name)
        .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
        .outerjoin(veto, veto.c.proposal_id == proposals.c.proposal_id)
        .where(
            proposals.c.state.in_(VERDICTS),
            proposals.c.session.between(first, last),
            # A stop that waits is no trade that would have been made.
            sa.not_(sa.and_(legs.c.reduces, protective(legs))),
        )
        .order_by(proposals.c.session, proposals.c.proposal_id, legs.c.leg_no)
    ).mappings()
    return [_decided(row) for row in rows]


def _decided(row: sa.RowMapping) -> Decided:
    shown: dict[str, Any] = json.loads(row["content"])
    vetoed = row["state"] == "vetoed"
    rationale = shown.get("rationale") or {}
    return Decided(
        proposal_id=row[proposals.c.proposal_id],
        code=row["code"],
        leg_no=row["leg_no"],
        session=row["session"],
        strategy=row["strategy"],
        verdict=row["state"],
        person=(row["display_name"] or "") if vetoed else "",
        reason=(row["reason_code"] or "") if vetoed else "",
        symbol=row["symbol"],
        side=row["side"],
        quantity=row["quantity"],
        limit_price=row["limit_price"],
        stop_price=row["stop_loss_price"],
        reference_price=row["reference_price"],
        equity=Decimal(shown["risk"]["equity"]),
        horizon=rationale.get("horizon"),
    )
