"""The audit log: append-only rows, each carrying the hash of the one before."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledger.tables import audit_head, audit_log
from trading.canonical import Content, canonical_bytes

START = "0" * 64
_HASHED = ("seq", "at", "actor", "action", "subject", "payload", "previous_hash")


@dataclass(frozen=True)
class Entry:
    """One row of the log."""

    seq: int
    at: datetime
    actor: str  # person id, or the process that acted
    action: str
    subject: str
    payload: str  # canonical JSON
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Break:
    """The first place at which the chain does not hold."""

    seq: int
    sentence: str


def append(
    conn: sa.Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    payload: Mapping[str, Content],
) -> Entry:
    """Append a row in the caller's transaction, so that it tells only what was committed.

    The chain's head stays locked until that transaction ends: append last.

    Parameters
    ----------
    at : datetime
        Desk time.
    actor : str
        Person id, or the name of the process.
    payload : mapping
        Text, whole numbers, booleans, null, decimals (kept as text), instants, lists, objects.

    Returns
    -------
    Entry
        The row as written.
    """
    head = conn.execute(sa.select(audit_head).with_for_update()).one()
    row = {
        "seq": head.seq + 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "payload": canonical_bytes(payload).decode(),
        "previous_hash": head.hash,
    }
    entry = Entry(**row, hash=_digest(row))
    conn.execute(sa.insert(audit_log).values(**vars(entry)))
    conn.execute(sa.update(audit_head).values(seq=entry.seq, hash=entry.hash))
    return entry


def verify(conn: sa.Connection) -> Break | None:
    """Re-compute the chain and return the first place where it is broken, or None."""
    previous, expected = START, 1
    with conn.execute(
        sa.select(audit_log).order_by(audit_log.c.seq).execution_options(yield_per=1_000)
    ) as rows:
        for row in rows:
            broken = _broken(row, expected, previous)
            if broken is not None:
                return broken
            previous, expected = row.hash, expected + 1
    head = conn.execute(sa.select(audit_head)).one_or_none()
    if head is None or head.seq != expected - 1 or head.hash != previous:
        said = "missing" if head is None else f"at {head.seq}"
        return Break(
            seq=expected,
            sentence=f"The log ends at row {expected - 1}, its recorded head is {said}: "
            "rows at the end are missing or were added past the desk.",
        )
    return None


def entries(conn: sa.Connection, *, subject: str | None = None, last: int = 200) -> list[Entry]:
    """Return the newest rows, newest first, of one subject or of all."""
    query = sa.select(audit_log).order_by(audit_log.c.seq.desc()).limit(last)
    if subject is not None:
        query = query.where(audit_log.c.subject == subject)
    return [Entry(**row._asdict()) for row in conn.execute(query)]


def is_followed(conn: sa.Connection, subject: str, *, by: Collection[str]) -> bool:
    """Whether one of some actions was written after the first row about a subject.

    The log's order is that of the commits, whatever the clocks said. A subject without a row is
    taken for older than everything.
    """
    first = (
        sa.select(sa.func.coalesce(sa.func.min(audit_log.c.seq), 0))
        .where(audit_log.c.subject == subject)
        .scalar_subquery()
    )
    return bool(
        conn.scalar(
            sa.select(sa.exists().where(audit_log.c.seq > first, audit_log.c.action.in_(by)))
        )
    )


def _broken(row: sa.Row[Any], expected: int, previous: str) -> Break | None:
    if row.seq != expected:
        return Break(
            seq=expected,
            sentence=f"Row {expected} is missing: row {row.seq} follows {expected - 1}.",
        )
    if row.previous_hash != previous:
        return Break(
            seq=row.seq, sentence=f"Row {row.seq} does not follow row {row.seq - 1}: hash differs."
        )
    if _digest(row._asdict()) != row.hash:
        return Break(seq=row.seq, sentence=f"Row {row.seq} was altered: its hash does not match.")
    return None


def _digest(row: Mapping[str, Any]) -> str:
    told: dict[str, Content] = {name: row[name] for name in _HASHED}
    return hashlib.sha256(canonical_bytes(told)).hexdigest()
