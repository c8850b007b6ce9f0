"""The log told again: what it says became of proposals, signatures, orders and the desk.

The tables hold the present, the log every step to it. What was changed past the desk stands in
the tables and not in the log.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ledger.tables import audit_log, orders, proposals, signatures, trading_state
from trading.canonical import decimal_text

_INTENT = "order.intend"
_STATE_SET = "trading_state.set"
# What ends a proposal, whatever it was before.
_ENDS = {
    "proposal.veto": "vetoed",
    "proposal.expire": "expired",
    "proposal.lapse": "lapsed",
    "proposal.withdraw_all": "withdrawn",
}
_NO_STATE = frozenset({"intend", "replace"})  # orders' actions that name no state


@dataclass(frozen=True)
class Place:
    """One place where the past does not hold."""

    where: str  # "log row 17", "proposal 7F3A-9C21", "anchor of 2012-07-03"
    sentence: str


@dataclass
class Story:
    """What the log says, by subject; None where rows of an older desk do not say it."""

    proposals: dict[str, str | None] = field(default_factory=dict)  # the state of each
    intents: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # payload, by order
    orders: dict[str, str] = field(default_factory=dict)  # the last state of each
    sending: set[str] = field(default_factory=set)  # proposals with an intent
    desk: str | None = None  # the trading state


def story(conn: sa.Connection) -> Story:
    """Return what the whole log says."""
    told = Story()
    with conn.execute(
        sa.select(audit_log.c.action, audit_log.c.subject, audit_log.c.payload)
        .where(
            sa.or_(
                audit_log.c.action.startswith("proposal."),
                audit_log.c.action.startswith("order."),
                audit_log.c.action == _STATE_SET,
            )
        )
        .order_by(audit_log.c.seq)
        .execution_options(yield_per=1_000)
    ) as rows:
        for row in rows:
            _tell(told, row.action, row.subject, json.loads(row.payload))
    return told


def differences(conn: sa.Connection) -> Iterator[Place]:
    """Yield every proposal, signature, order and state that the log tells otherwise."""
    told = story(conn)
    yield from _proposals(conn, told)
    yield from _used(conn, told)
    yield from _orders(conn, told)
    stands = conn.scalar(sa.select(trading_state.c.state))
    if told.desk is not None and stands != told.desk:
        yield Place("trading state", f"The desk is {stands}; the log says {told.desk}.")


def _tell(told: Story, action: str, subject: str, payload: Mapping[str, Any]) -> None:
    if action == _STATE_SET:
        told.desk = payload.get("to")
    elif action == _INTENT:
        told.intents[subject] = payload
        told.orders[subject] = "intended"
        told.sending.add(str(payload.get("proposal")))
    elif action.startswith("order."):
        state = action.removeprefix("order.")
        if state not in _NO_STATE:
            told.orders[subject] = state
    elif action == "proposal.supersede":
        if told.proposals.get(subject) == "open":
            told.proposals[subject] = "superseded"
    else:
        told.proposals[subject] = _ENDS.get(action, payload.get("state"))


def _proposals(conn: sa.Connection, told: Story) -> Iterator[Place]:
    columns = (
        proposals.c.proposal_id,
        proposals.c.code,
        proposals.c.state,
        proposals.c.sending_at,
    )
    for row in conn.execute(sa.select(*columns).order_by(proposals.c.proposal_id)):
        where, state = f"proposal {row.code}", told.proposals.get(row.proposal_id)
        if state is not None and row.state != state:
            yield Place(where, f"Proposal {row.code} is {row.state}; the log says {state}.")
        if (row.sending_at is not None) != (row.proposal_id in told.sending):
            now = "not sent" if row.sending_at is None else "being sent"
            yield Place(where, f"Proposal {row.code} is {now}; the log says otherwise.")


def _used(conn: sa.Connection, told: Story) -> Iterator[Place]:
    """A signature is used once, with the first intent of its proposal."""
    query = (
        sa.select(signatures, proposals.c.code)
        .join(proposals, proposals.c.proposal_id == signatures.c.proposal_id)
        .where(signatures.c.kind == "sign")
        .order_by(signatures.c.signed_at, signatures.c.signature_id)
    )
    for row in conn.execute(query):
        used = row.proposal_id in told.sending and row.withdrawn_at is None
        if (row.used_at is not None) != used:
            now, said = ("unused", "used") if used else ("used", "unused")
            yield Place(
                f"proposal {row.code}",
                f"The signature by {row.person_id} of {row.code} is {now}; the log says {said}.",
            )


def _orders(conn: sa.Connection, told: Story) -> Iterator[Place]:
    seen = set()
    for row in conn.execute(sa.select(orders).order_by(orders.c.client_order_id)):
        name = row.client_order_id
        seen.add(name)
        where, intent = f"order {name}", told.intents.get(name)
        # A stop or target is the broker's: it has no intent, and its first state no row.
        if intent is None and row.parent_client_order_id is None:
            yield Place(where, f"Order {name} is not in the log: it was added past the desk.")
        state = told.orders.get(name)
        if state is not None and row.state != state:
            yield Place(where, f"Order {name} is {row.state}; the log says {state}.")
        if intent is not None:
            yield from _altered(where, row, intent)
    for name in sorted(told.intents.keys() - seen):
        yield Place(f"order {name}", f"Order {name} is in the log and gone.")


def _altered(where: str, row: sa.Row[Any], intent: Mapping[str, Any]) -> Iterator[Place]:
    acted = {
        "proposal": row.proposal_id,
        "attempt": row.attempt,
        "quantity": decimal_text(row.quantity) if row.quantity.is_finite() else None,
        "build": row.build,
    }
    if any(intent.get(name) != value for name, value in acted.items()):
        yield Place(where, f"Order {row.client_order_id} is not as it was intended.")
