"""Proposals as the ledger holds them, and their bytes, checked against their hash."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from ledger.tables import legs, proposals
from trading.canonical import Content, canonical_bytes
from trading.errors import ContentMismatchError
from trading.proposals import Leg, is_intact
from trading.tactics.tactic import Tactic

_TACTIC = TypeAdapter(Tactic)

# Columns that are copied from a drafted proposal as they are.
COPIED = (
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
    "command",
)
# What may only be what was hashed; the number of signatures may rise above it.
_SIGNED_TERMS = tuple(
    name for name in COPIED if name not in {"signatures_needed", "created_market_at"}
)


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
    command: str | None  # flatten


@dataclass(frozen=True)
class StoredLeg:
    """A leg with its id and what became of it."""

    leg_id: str
    proposal_id: str
    leg: Leg
    closed_at: datetime | None
    closed_code: str | None
    closed_sentence: str | None


def by_id(conn: sa.Connection, proposal_id: str) -> StoredProposal | None:
    """Return one proposal, or None."""
    row = conn.execute(
        sa.select(proposals).where(proposals.c.proposal_id == proposal_id)
    ).one_or_none()
    return None if row is None else stored(row)


def by_code(conn: sa.Connection, code: str) -> StoredProposal | None:
    """Return the proposal people call `code`, or None."""
    row = conn.execute(sa.select(proposals).where(proposals.c.code == code.upper())).one_or_none()
    return None if row is None else stored(row)


def in_states(conn: sa.Connection, states: Sequence[str]) -> list[StoredProposal]:
    """Return the proposals in these states, oldest first."""
    query = (
        sa.select(proposals)
        .where(proposals.c.state.in_(states))
        .order_by(proposals.c.created_at, proposals.c.proposal_id)
    )
    return [stored(row) for row in conn.execute(query)]


def of_session(conn: sa.Connection, session: date) -> list[StoredProposal]:
    """Return the proposals decided after the close of `session`, oldest first."""
    query = (
        sa.select(proposals)
        .where(proposals.c.session == session)
        .order_by(proposals.c.created_at, proposals.c.proposal_id)
    )
    return [stored(row) for row in conn.execute(query)]


def legs_of(conn: sa.Connection, proposal_id: str) -> list[StoredLeg]:
    """Return the legs of a proposal in order."""
    query = sa.select(legs).where(legs.c.proposal_id == proposal_id).order_by(legs.c.leg_no)
    return [stored_leg(row) for row in conn.execute(query)]


def open_ones(conn: sa.Connection) -> list[StoredProposal]:
    """Return the proposals that wait for a decision, oldest first."""
    return in_states(conn, ("open",))


def undecided(conn: sa.Connection) -> int:
    """Return how many proposals wait for a decision."""
    query = sa.select(sa.func.count()).select_from(proposals).where(proposals.c.state == "open")
    return int(conn.scalar(query) or 0)


def content(conn: sa.Connection, proposal_id: str) -> bytes:
    """Return the bytes of a proposal after checking them against their hash.

    Raises
    ------
    ContentMismatchError
        If there is no such proposal, its bytes were altered, or its terms or legs are not
        those of the bytes.
    """
    found = by_id(conn, proposal_id)
    if found is None:
        raise ContentMismatchError(f"There is no proposal {proposal_id}.")
    if not is_intact(found.content, found.content_hash):
        raise ContentMismatchError(
            f"The stored bytes of proposal {found.code} do not have the hash {found.content_hash}. "
            "Nothing of it may be signed or sent: verify the audit log and restore a backup."
        )
    _require_terms(found, legs_of(conn, proposal_id))
    return found.content


def stored_leg(row: sa.Row[Any]) -> StoredLeg:
    """Return a row of `legs` as a record."""
    told = row._asdict()
    return StoredLeg(
        leg_id=told["leg_id"],
        proposal_id=told["proposal_id"],
        leg=leg_of(told),
        closed_at=told["closed_at"],
        closed_code=told["closed_code"],
        closed_sentence=told["closed_sentence"],
    )


def leg_of(told: Mapping[str, Any]) -> Leg:
    """Return the leg that columns of `legs` tell of, by their names."""
    plain = {name: told[name] for name in Leg.__dataclass_fields__}
    if plain["tactic"] is not None:
        plain["tactic"] = _TACTIC.validate_python(plain["tactic"])
    return Leg(**plain)


def _require_terms(found: StoredProposal, stored_legs: Sequence[StoredLeg]) -> None:
    """Compare what the desk acts by with what was hashed."""
    terms: dict[str, Content] = {name: getattr(found, name) for name in _SIGNED_TERMS}
    terms["legs"] = [stored.leg.content() for stored in stored_legs]
    signed = json.loads(found.content)
    acted = json.loads(canonical_bytes(terms))
    altered = [name for name, value in acted.items() if signed.get(name) != value]
    if found.signatures_needed < signed["signatures_needed"]:
        altered.append("signatures_needed")
    if altered:
        names = ", ".join(sorted(altered))
        raise ContentMismatchError(
            f"Proposal {found.code} is not stored as it was hashed: {names} differ. "
            "Nothing of it may be signed or sent: verify the audit log and restore a backup."
        )


def stored(row: sa.Row[Any]) -> StoredProposal:
    """Return a row of `proposals` as a record."""
    told = row._asdict()
    told["signers"] = tuple(told["signers"])
    return StoredProposal(**told)
