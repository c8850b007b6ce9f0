"""Whether the past is as it was written: the log's chain, its anchors, what was signed."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from ledger import accounted, audit, entitled, filed, retold
from ledger.retold import Place
from ledger.tables import audit_log, proposals, signatures
from trading.errors import ContentMismatchError
from trading.ledger import Anchor

_RECORDED = "proposal.record"
_WITHDRAWN = "proposal.withdraw"
_Logged: TypeAlias = "dict[tuple[str, str, str], str | None]"
_MARKED = {"sign": "proposal.sign", "veto": "proposal.veto"}


@dataclass(frozen=True)
class Verification:
    """What was compared, and every place that does not hold."""

    rows: int
    proposals: int
    marks: int
    anchors: int
    places: tuple[Place, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was altered, removed or added past the desk."""
        return not self.places


def head(conn: sa.Connection) -> audit.Entry | None:
    """Return the newest row of the log, None while it is empty."""
    newest = audit.entries(conn, last=1)
    return newest[0] if newest else None


def verify(conn: sa.Connection, anchors: Iterable[Anchor] = ()) -> Verification:
    """Compare the whole past with its hashes.

    Parameters
    ----------
    conn : sqlalchemy.Connection
        From `ledger.snapshot`: a desk that goes on must not look altered between two queries.
    anchors : iterable of Anchor
        Ends of the log that were kept elsewhere: a log rewritten from its start has a chain
        that holds, and other hashes than these.

    Returns
    -------
    Verification
        All places that do not hold; the chain's first break only, as all after it follow. A
        log that is broken says nothing any more about the tables: they are not compared.
    """
    kept = list(anchors)
    broken = audit.verify(conn)
    places = [] if broken is None else [Place(f"log row {broken.seq}", broken.sentence)]
    places += _moved_anchors(conn, kept)
    if broken is None:
        logged = _logged(conn)
        places += _proposals(conn, logged)
        places += _marks(conn, logged)
        places += _withdrawals(conn)
        places += retold.differences(conn)
        places += entitled.differences(conn)
        places += accounted.differences(conn)
    return Verification(
        rows=_count(conn, audit_log),
        proposals=_count(conn, proposals),
        marks=_count(conn, signatures),
        anchors=len(kept),
        places=tuple(places),
    )


def _count(conn: sa.Connection, table: sa.Table) -> int:
    return int(conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _moved_anchors(conn: sa.Connection, anchors: list[Anchor]) -> Iterator[Place]:
    for anchor in anchors:
        found = conn.scalar(sa.select(audit_log.c.hash).where(audit_log.c.seq == anchor.seq))
        if found != anchor.hash:
            said = "is gone" if found is None else "has another hash now"
            yield Place(
                f"anchor of {anchor.session}",
                f"Log row {anchor.seq} {said}: the log was rewritten after {anchor.session}.",
            )


def _logged(conn: sa.Connection) -> _Logged:
    """What the log says was recorded and marked: (action, proposal, who) to content hash."""
    rows = conn.execute(
        sa.select(audit_log.c.action, audit_log.c.subject, audit_log.c.actor, audit_log.c.payload)
        .where(audit_log.c.action.in_((_RECORDED, *_MARKED.values())))
        .order_by(audit_log.c.seq)
    )
    return {
        (row.action, row.subject, "" if row.action == _RECORDED else row.actor): json.loads(
            row.payload
        ).get("content_hash")
        for row in rows
    }


def _proposals(conn: sa.Connection, logged: _Logged) -> Iterator[Place]:
    seen = set()
    for row in conn.execute(sa.select(proposals).order_by(proposals.c.proposal_id)):
        seen.add(row.proposal_id)
        where = f"proposal {row.code}"
        said = logged.get((_RECORDED, row.proposal_id, ""))
        if said != row.content_hash:
            what = "is not in the log" if said is None else "has another hash than the log says"
            yield Place(where, f"Proposal {row.code} {what}.")
        try:
            filed.content(conn, row.proposal_id)
        except ContentMismatchError as e:
            yield Place(where, str(e))
    for action, subject, _ in logged:
        if action == _RECORDED and subject not in seen:
            yield Place(f"proposal {subject}", f"Proposal {subject} is in the log and gone.")


def _marks(conn: sa.Connection, logged: _Logged) -> Iterator[Place]:
    marked = {}
    for row in conn.execute(sa.select(signatures).order_by(signatures.c.signed_at)):
        marked[_MARKED[row.kind], row.proposal_id, row.person_id] = row.content_hash
    told = {key: value for key, value in logged.items() if key[0] != _RECORDED}
    for key in sorted(marked.keys() | told.keys()):
        action, proposal_id, person = key
        if marked.get(key) == told.get(key):
            continue
        what = action.removeprefix("proposal.")
        if key not in told:
            said = "is not in the log: it was added past the desk"
        elif key not in marked:
            said = "is in the log and gone"
        else:
            said = "covers other bytes than the log says"
        yield Place(f"proposal {proposal_id}", f"The {what} by {person} of {proposal_id} {said}.")


def _withdrawals(conn: sa.Connection) -> Iterator[Place]:
    """Signatures that stand where the log says withdrawn, and the other way round."""
    last = {
        (row.subject, row.actor): row.action == _MARKED["sign"]
        for row in conn.execute(
            sa.select(audit_log.c.action, audit_log.c.subject, audit_log.c.actor)
            .where(audit_log.c.action.in_((_MARKED["sign"], _WITHDRAWN)))
            .order_by(audit_log.c.seq)
        )
    }
    stands: dict[tuple[str, str], bool] = {}
    for row in conn.execute(sa.select(signatures).where(signatures.c.kind == "sign")):
        key = (row.proposal_id, row.person_id)
        stands[key] = stands.get(key, False) or row.withdrawn_at is None
    for proposal_id, person in sorted(last.keys() & stands.keys()):
        logged = last[proposal_id, person]
        if logged != stands[proposal_id, person]:
            said, now = ("given", "withdrawn") if logged else ("withdrawn", "standing")
            yield Place(
                f"proposal {proposal_id}",
                f"The signature by {person} of {proposal_id} is {now}; the log says {said}.",
            )
