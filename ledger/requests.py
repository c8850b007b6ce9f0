"""What people ask the desk to do; a worker carries it out and writes the outcome back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import audit
from ledger.connection import new_id
from ledger.tables import requests
from trading.canonical import Content

KINDS = (
    "venue_run",
    "venue_pause",
    "venue_step",
    "venue_jump",
    "venue_pace",
    "halt",
    "reduce",
    "resume",
    "cancel_order",
    "flatten",
    "reprice",
    "propose_fitting",
    "propose_by_hand",
    "release_row",
    "confirm_row",
    "correct_positions",
)

# One who took a request and fell silent for so long is taken for dead.
_ABANDONED = timedelta(minutes=2)


@dataclass(frozen=True)
class Request:
    """One thing asked for, and what became of it."""

    request_id: str
    kind: str
    payload: Mapping[str, Content]
    person_id: str | None
    idempotency_key: str
    state: str  # waiting | running | done | refused
    outcome: Mapping[str, Content] | None
    created_at: datetime
    finished_at: datetime | None


def add(
    conn: sa.Connection,
    *,
    kind: str,
    payload: Mapping[str, Content],
    person_id: str | None,
    idempotency_key: str,
    desk_at: datetime,
) -> Request:
    """Ask for something once: the same key again returns the first request.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    payload : mapping
        Plain JSON values.
    person_id : str or None
        Who asks; None for the command line of the operator.
    idempotency_key : str
        Made when the form is shown, so that a double click is one request.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"A request must be one of {', '.join(KINDS)}, was {kind!r}.")
    row = conn.execute(
        insert(requests)
        .values(
            request_id=new_id(),
            kind=kind,
            payload=payload,
            person_id=person_id,
            idempotency_key=idempotency_key,
            state="waiting",
            created_at=desk_at,
        )
        .on_conflict_do_nothing(index_elements=[requests.c.idempotency_key])
        .returning(requests)
    ).one_or_none()
    if row is None:
        return _request(
            conn.execute(
                sa.select(requests).where(requests.c.idempotency_key == idempotency_key)
            ).one()
        )
    audit.append(
        conn,
        at=desk_at,
        actor=person_id or "operator",
        action=f"request.{kind}",
        subject=row.request_id,
        payload=payload,
    )
    return _request(row)


def take(
    conn: sa.Connection, *, kinds: Sequence[str], owner: str, desk_at: datetime
) -> Request | None:
    """Take the oldest waiting request of these kinds, or one its taker abandoned; halts first.

    Any number of takers may ask at once; each request goes to one. Commit before acting.
    """
    free = sa.or_(
        requests.c.state == "waiting",
        sa.and_(requests.c.state == "running", requests.c.taken_at < desk_at - _ABANDONED),
    )
    oldest = (
        sa.select(requests.c.request_id)
        .where(free, requests.c.kind.in_(kinds))
        .order_by(requests.c.kind != "halt", requests.c.created_at, requests.c.request_id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = conn.execute(
        sa.update(requests)
        .where(requests.c.request_id == oldest)
        .values(state="running", taken_by=owner, taken_at=desk_at)
        .returning(requests)
    ).one_or_none()
    return None if row is None else _request(row)


def finish(
    conn: sa.Connection,
    *,
    request_id: str,
    state: str,
    outcome: Mapping[str, Content],
    desk_at: datetime,
) -> None:
    """Write the outcome back, once: ``done`` or ``refused``, with a `sentence` for people.

    What must never be done twice is finished in the transaction that does it.

    Raises
    ------
    ValueError
        If `state` is neither.
    """
    if state not in {"done", "refused"}:
        raise ValueError(f"A request ends done or refused, not {state!r}.")
    finished = conn.execute(
        sa.update(requests)
        .where(requests.c.request_id == request_id, requests.c.state == "running")
        .values(state=state, outcome=outcome, finished_at=desk_at)
    )
    if not finished.rowcount:
        return
    audit.append(
        conn,
        at=desk_at,
        actor="desk",
        action=f"request.{state}",
        subject=request_id,
        payload=outcome,
    )


def by_id(conn: sa.Connection, request_id: str) -> Request | None:
    """Return one request, or None."""
    row = conn.execute(sa.select(requests).where(requests.c.request_id == request_id)).one_or_none()
    return None if row is None else _request(row)


def latest(conn: sa.Connection, *, kinds: Sequence[str] = KINDS, last: int = 50) -> list[Request]:
    """Return the newest requests of these kinds, newest first."""
    query = (
        sa.select(requests)
        .where(requests.c.kind.in_(kinds))
        .order_by(requests.c.created_at.desc())
        .limit(last)
    )
    return [_request(row) for row in conn.execute(query)]


def _request(row: sa.Row[tuple[object, ...]]) -> Request:
    return Request(
        request_id=row.request_id,
        kind=row.kind,
        payload=row.payload,
        person_id=row.person_id,
        idempotency_key=row.idempotency_key,
        state=row.state,
        outcome=row.outcome,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
