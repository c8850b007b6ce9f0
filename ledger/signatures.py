"""Signing, vetoing, withdrawing: each is one conditional update of the proposal's row."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import audit, filed, people
from ledger import proposals as stored_proposals
from ledger.connection import new_id
from ledger.tables import legs, orders, proposals, signatures
from ledger.tables import people as people_table
from trading.proposals import Leg
from trading.signatures import (
    VETO_REASONS,
    SignOutcome,
    drifted_sentence,
    expired_sentence,
    has_lapsed,
    lost_race,
    seconds_ago,
    signatures_needed,
    twice_sentence,
)


@dataclass(frozen=True)
class Signature:
    """A signature or a veto."""

    signature_id: str
    proposal_id: str
    person_id: str
    kind: str  # sign | veto
    content_hash: str
    drift_bound: Decimal
    price_at_signing: Decimal | None
    reason_code: str | None
    reason_text: str | None
    signed_at: datetime
    market_at: datetime
    withdrawn_at: datetime | None
    used_at: datetime | None


def sign(
    conn: sa.Connection,
    *,
    proposal_id: str,
    person_id: str,
    content_hash: str,
    price: Decimal | None,
    market_at: datetime,
    desk_at: datetime,
) -> SignOutcome:
    """Sign what was on the screen, or say why not.

    Above the four-eyes notional two different people must sign, counting what else of the
    same symbol and side is signed, in part or in full, in that session.

    Parameters
    ----------
    content_hash : str
        Of the bytes the person saw.
    price : Decimal or None
        Last price on the screen of the first leg's symbol, USD per share; beyond the bound of
        drift nothing is signed.
    market_at, desk_at : datetime
        Market time decides about validity; desk time is written down.

    Returns
    -------
    SignOutcome
        `recorded` is True exactly when this call's signature counts.

    Raises
    ------
    ContentMismatchError
        If the stored bytes, terms or legs are not what was hashed.
    """
    row = _row(conn, proposal_id)
    if row is None:
        return _no("unknown", f"There is no proposal {proposal_id}.", None)
    own = [stored.leg for stored in filed.legs_of(conn, proposal_id)]
    trades = {(leg.symbol, leg.side) for leg in own}
    stored_proposals.lock_trades(conn, row.session, row.account_id, trades)
    filed.content(conn, proposal_id)
    person = _held(conn, person_id)
    if person is None or not person.may("signatory"):
        return _no("not_allowed", "Signing needs the role signatory.", row)
    if price is not None and has_lapsed(own[0], price, row.drift_bound, row.drift_direction):
        sentence = drifted_sentence(own[0], price, row.drift_bound, row.drift_direction)
        return _no("drifted", sentence, row)
    needed = sa.func.greatest(proposals.c.signatures_needed, _needed(conn, row, own))
    given = sa.func.cardinality(proposals.c.signers) + 1
    changed = conn.execute(
        sa.update(proposals)
        .where(
            *_decidable(proposal_id, content_hash, market_at),
            proposals.c.entered_by.is_distinct_from(person_id),
            sa.not_(proposals.c.signers.any(person_id)),
        )
        .values(
            signers=sa.func.array_append(proposals.c.signers, person_id),
            signatures_needed=needed,
            state=sa.case((given >= needed, "signed"), else_="open"),
            decided_at=sa.case((given >= needed, desk_at), else_=proposals.c.decided_at),
        )
        .returning(proposals)
    ).one_or_none()
    if changed is None:
        return _why_not(
            conn,
            proposal_id,
            person_id,
            content_hash,
            act="signature",
            market_at=market_at,
            desk_at=desk_at,
        )
    _record(conn, changed, person_id, "sign", desk_at=desk_at, market_at=market_at, price=price)
    return _signed(changed)


def veto(
    conn: sa.Connection,
    *,
    proposal_id: str,
    person_id: str,
    content_hash: str,
    reason_code: str,
    reason_text: str | None,
    market_at: datetime,
    desk_at: datetime,
) -> SignOutcome:
    """Veto with a reason (one of ``price size news data model other``), or say why not.

    Raises
    ------
    ValueError
        If the reason is none of those.
    """
    if reason_code not in VETO_REASONS:
        raise ValueError(f"A veto's reason is one of {', '.join(VETO_REASONS)}, not {reason_code}.")
    row = _row(conn, proposal_id)
    if row is None:
        return _no("unknown", f"There is no proposal {proposal_id}.", None)
    person = _held(conn, person_id)
    if person is None or not (person.may("signatory") or person.may("analyst")):
        return _no("not_allowed", "A veto needs the role analyst or signatory.", row)
    changed = conn.execute(
        sa.update(proposals)
        .where(*_decidable(proposal_id, content_hash, market_at))
        .values(state="vetoed", decided_at=desk_at, note=f"{person.display_name} vetoed it.")
        .returning(proposals)
    ).one_or_none()
    if changed is None:
        return _why_not(
            conn,
            proposal_id,
            person_id,
            content_hash,
            act="veto",
            market_at=market_at,
            desk_at=desk_at,
        )
    _record(
        conn,
        changed,
        person_id,
        "veto",
        desk_at=desk_at,
        market_at=market_at,
        reason=(reason_code, reason_text),
    )
    return _yes(changed, "vetoed", "Vetoed. We will follow what it would have done.")


def withdraw(
    conn: sa.Connection,
    *,
    proposal_id: str,
    person_id: str,
    market_at: datetime,
    desk_at: datetime,
) -> SignOutcome:
    """Take one's own signature back, until the first order of the proposal is written down.

    A proposal that was fully signed ends ``withdrawn``; one that waits for a second
    signature stays open without this one.
    """
    was_signed = proposals.c.state == "signed"
    changed = conn.execute(
        sa.update(proposals)
        .where(
            proposals.c.proposal_id == proposal_id,
            proposals.c.state.in_(("open", "signed")),
            proposals.c.sending_at.is_(None),
            proposals.c.signers.any(person_id),
        )
        .values(
            signers=sa.func.array_remove(proposals.c.signers, person_id),
            state=sa.case((was_signed, "withdrawn"), else_="open"),
            decided_at=sa.case((was_signed, desk_at), else_=proposals.c.decided_at),
            note=sa.case(
                (was_signed, "Withdrawn before it was sent; nothing was sent."),
                else_=proposals.c.note,
            ),
        )
        .returning(proposals)
    ).one_or_none()
    if changed is None:
        row = _row(conn, proposal_id)
        if row is not None and row.sending_at is not None:
            return _no("sending", "It is being sent already; it can only be cancelled now.", row)
        return _no("nothing", "There is no signature of yours to withdraw.", row)
    conn.execute(
        sa.update(signatures)
        .where(
            signatures.c.proposal_id == proposal_id,
            signatures.c.person_id == person_id,
            signatures.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=desk_at)
    )
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action="proposal.withdraw",
        subject=proposal_id,
        payload={"market_at": market_at, "state": changed.state},
    )
    return _yes(changed, "withdrawn", "Withdrawn. Nothing is sent.")


def of_proposal(conn: sa.Connection, proposal_id: str) -> list[Signature]:
    """Return signatures and vetoes of a proposal, oldest first."""
    query = (
        sa.select(signatures)
        .where(signatures.c.proposal_id == proposal_id)
        .order_by(signatures.c.signed_at)
    )
    return [Signature(**row._asdict()) for row in conn.execute(query)]


def _row(conn: sa.Connection, proposal_id: str) -> sa.Row[Any] | None:
    return conn.execute(
        sa.select(proposals).where(proposals.c.proposal_id == proposal_id)
    ).one_or_none()


def _decidable(
    proposal_id: str, content_hash: str, market_at: datetime
) -> Sequence[sa.ColumnElement[bool]]:
    return (
        proposals.c.proposal_id == proposal_id,
        proposals.c.state == "open",
        proposals.c.content_hash == content_hash,
        proposals.c.valid_until > market_at,
    )


def _held(conn: sa.Connection, person_id: str) -> people.Person | None:
    """Return a person whose roles cannot change until this transaction ends."""
    conn.execute(
        sa.select(people_table.c.person_id)
        .where(people_table.c.person_id == person_id)
        .with_for_update(read=True)
    )
    return people.by_id(conn, person_id)


def _needed(conn: sa.Connection, row: sa.Row[Any], own: Sequence[Leg]) -> int:
    """How many must sign; the caller holds the lock of these symbols and sides.

    Under it, the second of two proposals to be signed sees the first.
    """
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for leg in own:
        totals[leg.symbol, leg.side] += leg.notional
    return max(
        signatures_needed(
            notional=total + _other_notional(conn, row, symbol, side),
            four_eyes_notional=row.four_eyes_notional,
        )
        for (symbol, side), total in totals.items()
    )


def _other_notional(conn: sa.Connection, row: sa.Row[Any], symbol: str, side: str) -> Decimal:
    """USD of the session's other legs of a symbol and side that someone signed or were sent."""
    worst = sa.func.coalesce(legs.c.limit_price, legs.c.reference_price)
    sent = sa.exists().where(orders.c.leg_id == legs.c.leg_id)
    someone_signed = sa.and_(
        proposals.c.state.in_(("open", "signed")), sa.func.cardinality(proposals.c.signers) > 0
    )
    total = conn.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(legs.c.quantity * worst), 0))
        .join(proposals, proposals.c.proposal_id == legs.c.proposal_id)
        .where(
            proposals.c.session == row.session,
            proposals.c.account_id == row.account_id,
            proposals.c.proposal_id != row.proposal_id,
            legs.c.symbol == symbol,
            legs.c.side == side,
            sa.or_(someone_signed, sent),
        )
    )
    return Decimal(total or 0)


def _record(
    conn: sa.Connection,
    row: sa.Row[Any],
    person_id: str,
    kind: str,
    *,
    desk_at: datetime,
    market_at: datetime,
    price: Decimal | None = None,
    reason: tuple[str | None, str | None] = (None, None),
) -> None:
    conn.execute(
        sa.insert(signatures).values(
            signature_id=new_id(),
            proposal_id=row.proposal_id,
            person_id=person_id,
            kind=kind,
            content_hash=row.content_hash,
            drift_bound=row.drift_bound,
            price_at_signing=price,
            reason_code=reason[0],
            reason_text=reason[1],
            signed_at=desk_at,
            market_at=market_at,
        )
    )
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action=f"proposal.{kind}",
        subject=row.proposal_id,
        payload={
            "content_hash": row.content_hash,
            "state": row.state,
            "market_at": market_at,
            "price": price,
            "reason_code": reason[0],
            "reason_text": reason[1],
        },
    )


def _signed(row: sa.Row[Any]) -> SignOutcome:
    missing = row.signatures_needed - len(row.signers)
    if missing > 0:
        return _yes(row, "one_more", "Signed. A second person must sign; you cannot sign twice.")
    return _yes(row, "signed", "Signed. It is sent within about 15 seconds.")


def _yes(row: sa.Row[Any], code: str, sentence: str) -> SignOutcome:
    return SignOutcome(
        recorded=True,
        code=code,
        sentence=sentence,
        state=row.state,
        given=len(row.signers),
        needed=row.signatures_needed,
    )


def _no(code: str, sentence: str, row: sa.Row[Any] | None) -> SignOutcome:
    return SignOutcome(
        recorded=False,
        code=code,
        sentence=sentence,
        state="unknown" if row is None else row.state,
        given=0 if row is None else len(row.signers),
        needed=0 if row is None else row.signatures_needed,
    )


def _why_not(
    conn: sa.Connection,
    proposal_id: str,
    person_id: str,
    content_hash: str,
    *,
    act: str,
    market_at: datetime,
    desk_at: datetime,
) -> SignOutcome:
    """Say to the loser who or what was first. Reads the row as it is after the lost update."""
    row = _row(conn, proposal_id)
    assert row is not None
    if row.state != "open":
        return _no(row.state, _decided_sentence(conn, row, person_id, act, desk_at), row)
    if row.content_hash != content_hash:
        sentence = f"The proposal is not the one on your screen. Your {act} was not recorded."
        return _no("changed", f"{sentence} Reload the page.", row)
    if row.valid_until <= market_at:
        return _no("expired", expired_sentence(row.valid_until, act=act), row)
    if row.entered_by == person_id and act == "signature":
        return _no("own", "You entered this by hand; another person must sign it.", row)
    (mine,) = (
        mark
        for mark in of_proposal(conn, proposal_id)
        if mark.person_id == person_id and mark.kind == "sign" and mark.withdrawn_at is None
    )
    sentence = twice_sentence(signed_at=mine.market_at, valid_until=row.valid_until)
    return _no("twice", sentence, row)


_VERBS = {"signed": "signed", "vetoed": "vetoed", "withdrawn": "withdrew"}
_ENDS = {
    "expired": "It expired before you decided.",
    "lapsed": "It lapsed before you decided.",
    "superseded": "It was replaced by a new price.",
    "denied": "A pre-trade check denied it.",
}


def _decided_sentence(
    conn: sa.Connection, row: sa.Row[Any], person_id: str, act: str, desk_at: datetime
) -> str:
    if row.state not in _VERBS:
        return f"{_ENDS[row.state]} Your {act} was not recorded."
    last = conn.execute(
        sa.select(people_table.c.display_name, people_table.c.person_id, signatures.c.signed_at)
        .join(people_table, people_table.c.person_id == signatures.c.person_id)
        .where(
            signatures.c.proposal_id == row.proposal_id,
            signatures.c.kind == ("veto" if row.state == "vetoed" else "sign"),
        )
        .order_by(signatures.c.signed_at.desc())
        .limit(1)
    ).one()
    then = row.decided_at if row.state == "withdrawn" else last.signed_at
    if last.person_id == person_id:
        ago = seconds_ago(then, desk_at)
        return f"You {_VERBS[row.state]} this {ago} ago. Your second click changed nothing."
    return lost_race(
        verb=_VERBS[row.state], name=last.display_name, then=then, now=desk_at, act=act
    )
