"""Proposals: stored with the bytes that were shown, and how they end."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.connection import new_id
from ledger.tables import legs, proposals
from trading.canonical import Content
from trading.errors import ContentMismatchError
from trading.proposals import HASH_VERSION, Leg, Proposal, is_intact


@dataclass(frozen=True)
class StoredProposal:
    """A proposal as the ledger holds it; `content` are the canonical bytes."""

    proposal_id: str
    code: str
    session: date
    environment: str
    account_id: str
    strategy: str
    model_version: str | None
    advisory: bool
    state: str
    content: bytes
    content_hash: str
    hash_version: int
    valid_from: datetime  # market time
    valid_until: datetime  # market time
    drift_bound: Decimal
    drift_direction: str
    signatures_needed: int
    four_eyes_notional: Decimal
    signers: tuple[str, ...]
    notional: Decimal
    entered_by: str | None
    supersedes: str | None
    superseded_by: str | None
    snapshot_id: int | None
    created_at: datetime
    created_market_at: datetime
    decided_at: datetime | None
    sending_at: datetime | None
    note: str | None


@dataclass(frozen=True)
class StoredLeg:
    """A leg with its id and what became of it."""

    leg_id: str
    proposal_id: str
    leg: Leg
    closed_at: datetime | None
    closed_code: str | None
    closed_sentence: str | None


def add(conn: sa.Connection, proposal: Proposal, *, desk_at: datetime) -> StoredProposal:
    """Store a proposal, once: the same id again changes nothing.

    A proposal that a pre-trade check denied is stored as ``denied`` and can never be signed.
    One that supersedes another closes it, unless that one was decided meanwhile.

    Parameters
    ----------
    proposal : Proposal
        Its canonical bytes are stored as they are hashed.
    desk_at : datetime
        Wall time.

    Returns
    -------
    StoredProposal
        As stored; ``withdrawn`` when what it supersedes was decided already.
    """
    stored, digest = proposal.canonical()
    values = {name: getattr(proposal, name) for name in _COPIED} | {
        "state": "denied" if proposal.is_denied else "open",
        "content": stored,
        "content_hash": digest,
        "hash_version": HASH_VERSION,
        "created_at": desk_at,
    }
    made = conn.execute(
        insert(proposals)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[proposals.c.proposal_id])
        .returning(proposals.c.proposal_id)
    ).one_or_none()
    if made is not None:
        _add_legs(conn, proposal)
        if proposal.supersedes is not None:
            _supersede(conn, proposal, desk_at)
        audit.append(
            conn,
            at=desk_at,
            actor=proposal.entered_by or "desk",
            action="proposal.add",
            subject=proposal.proposal_id,
            payload={"code": proposal.code, "content_hash": digest, "state": str(values["state"])},
        )
    found = by_id(conn, proposal.proposal_id)
    assert found is not None
    return found


def by_id(conn: sa.Connection, proposal_id: str) -> StoredProposal | None:
    """Return one proposal, or None."""
    row = conn.execute(
        sa.select(proposals).where(proposals.c.proposal_id == proposal_id)
    ).one_or_none()
    return None if row is None else _stored(row)


def by_code(conn: sa.Connection, code: str) -> StoredProposal | None:
    """Return the proposal people call `code`, or None."""
    row = conn.execute(sa.select(proposals).where(proposals.c.code == code.upper())).one_or_none()
    return None if row is None else _stored(row)


def in_states(conn: sa.Connection, states: Sequence[str]) -> list[StoredProposal]:
    """Return the proposals in these states, oldest first."""
    query = (
        sa.select(proposals)
        .where(proposals.c.state.in_(states))
        .order_by(proposals.c.created_at, proposals.c.proposal_id)
    )
    return [_stored(row) for row in conn.execute(query)]


def of_session(conn: sa.Connection, session: date) -> list[StoredProposal]:
    """Return the proposals decided after the close of `session`, oldest first."""
    query = (
        sa.select(proposals)
        .where(proposals.c.session == session)
        .order_by(proposals.c.created_at, proposals.c.proposal_id)
    )
    return [_stored(row) for row in conn.execute(query)]


def legs_of(conn: sa.Connection, proposal_id: str) -> list[StoredLeg]:
    """Return the legs of a proposal in order."""
    query = sa.select(legs).where(legs.c.proposal_id == proposal_id).order_by(legs.c.leg_no)
    return [stored_leg(row) for row in conn.execute(query)]


def as_signed(conn: sa.Connection, proposal_id: str) -> bytes:
    """Return the bytes of a proposal after checking them against their hash.

    Raises
    ------
    ContentMismatchError
        If there is no such proposal or its bytes were altered.
    """
    found = by_id(conn, proposal_id)
    if found is None:
        raise ContentMismatchError(f"There is no proposal {proposal_id}.")
    if not is_intact(found.content, found.content_hash):
        raise ContentMismatchError(
            f"The stored bytes of proposal {found.code} do not have the hash {found.content_hash}."
        )
    return found.content


def expire(conn: sa.Connection, *, market_at: datetime, desk_at: datetime) -> list[str]:
    """Close what was neither decided nor sent by the end of its validity.

    Parameters
    ----------
    market_at : datetime
        The market's clock.

    Returns
    -------
    list of str
        Codes of the proposals that expired.
    """
    rows = conn.execute(
        sa.update(proposals)
        .where(
            proposals.c.state.in_(("open", "signed")),
            proposals.c.sending_at.is_(None),
            proposals.c.valid_until <= market_at,
        )
        .values(state="expired", decided_at=desk_at, note="Nobody decided in time; nothing sent.")
        .returning(proposals.c.proposal_id, proposals.c.code)
    ).all()
    for row in rows:
        _told(conn, row.proposal_id, "proposal.expire", desk_at, {"code": row.code})
    return [row.code for row in rows]


def lapse(conn: sa.Connection, *, proposal_id: str, sentence: str, desk_at: datetime) -> bool:
    """End a signed proposal of which nothing was sent; True when it was this call."""
    changed = conn.execute(
        sa.update(proposals)
        .where(
            proposals.c.proposal_id == proposal_id,
            proposals.c.state.in_(("open", "signed")),
            proposals.c.sending_at.is_(None),
        )
        .values(state="lapsed", decided_at=desk_at, note=sentence)
    ).rowcount
    if changed:
        _told(conn, proposal_id, "proposal.lapse", desk_at, {"sentence": sentence})
    return bool(changed)


_COPIED = (
    "proposal_id",
    "code",
    "session",
    "environment",
    "account_id",
    "strategy",
    "model_version",
    "advisory",
    "valid_from",
    "valid_until",
    "drift_bound",
    "drift_direction",
    "signatures_needed",
    "four_eyes_notional",
    "notional",
    "entered_by",
    "supersedes",
    "snapshot_id",
    "created_market_at",
)


def _add_legs(conn: sa.Connection, proposal: Proposal) -> None:
    conn.execute(
        sa.insert(legs),
        [
            asdict(leg) | {"leg_id": new_id(), "proposal_id": proposal.proposal_id}
            for leg in proposal.legs
        ],
    )


def _supersede(conn: sa.Connection, proposal: Proposal, desk_at: datetime) -> None:
    """Close what `proposal` replaces; if that was decided meanwhile, close the new one."""
    closed = conn.execute(
        sa.update(proposals)
        .where(proposals.c.proposal_id == proposal.supersedes, proposals.c.state == "open")
        .values(
            state="superseded",
            superseded_by=proposal.proposal_id,
            decided_at=desk_at,
            note=f"Replaced by {proposal.code}.",
        )
    ).rowcount
    if not closed:
        conn.execute(
            sa.update(proposals)
            .where(proposals.c.proposal_id == proposal.proposal_id)
            .values(
                state="withdrawn",
                decided_at=desk_at,
                note="What it was to replace had been decided meanwhile.",
            )
        )


def _told(
    conn: sa.Connection, subject: str, action: str, at: datetime, payload: dict[str, Content]
) -> None:
    audit.append(conn, at=at, actor="desk", action=action, subject=subject, payload=payload)


def stored_leg(row: sa.Row[Any]) -> StoredLeg:
    """Return a row of `legs` as a record."""
    told = row._asdict()
    return StoredLeg(
        leg_id=told["leg_id"],
        proposal_id=told["proposal_id"],
        leg=Leg(**{name: told[name] for name in Leg.__dataclass_fields__}),
        closed_at=told["closed_at"],
        closed_code=told["closed_code"],
        closed_sentence=told["closed_sentence"],
    )


def _stored(row: sa.Row[Any]) -> StoredProposal:
    told = row._asdict()
    told["signers"] = tuple(told["signers"])
    return StoredProposal(**told)
