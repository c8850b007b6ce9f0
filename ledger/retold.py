"""The log told again: what it says became of proposals, signatures, orders and the desk.

The tables hold the present, the log every step to it. What was changed past the desk stands in
the tables and not in the log.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger.tables import audit_log, legs, orders, proposals, signatures, trading_state
from trading.canonical import decimal_text
from trading.orders import RENEWED_FROM

_INTENT = "order.intend"
_RENEWAL = "order.renew"  # the intent of a stop that takes another's place
_STATE_SET = "trading_state.set"
# What ends a proposal, whatever it was before.
_ENDS = {
    "proposal.veto": "vetoed",
    "proposal.expire": "expired",
    "proposal.lapse": "lapsed",
    "proposal.withdraw_all": "withdrawn",
}
_NO_STATE = frozenset({"replace"})  # orders' actions that name no state
# What an order takes from its leg as it is; a leg that is worked in parts has limits of its own.
_OF_THE_LEG = (
    "order_type", "stop_price", "take_profit_price", "stop_loss_price",
    "trail_percent", "trail_price", "order_class",
)  # fmt: skip


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
    renewals: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # payload, by order
    orders: dict[str, str] = field(default_factory=dict)  # the last state of each
    sending: set[str] = field(default_factory=set)  # proposals with an intent
    desk: tuple[str, str, str] | None = None  # the trading state, who set it, why


@dataclass(frozen=True)
class Row:
    """One row of the log, its payload read."""

    at: datetime
    actor: str
    action: str
    subject: str
    payload: Mapping[str, Any]


def rows(conn: sa.Connection, *beginnings: str) -> Iterator[Row]:
    """Yield the rows whose action begins with one of these, oldest first."""
    log = audit_log.c
    query = (
        sa.select(log.at, log.actor, log.action, log.subject, log.payload)
        .where(sa.or_(*(log.action.startswith(each) for each in beginnings)))
        .order_by(log.seq)
        .execution_options(yield_per=1_000)
    )
    with conn.execute(query) as found:
        for row in found:
            yield Row(row.at, row.actor, row.action, row.subject, json.loads(row.payload))


def story(conn: sa.Connection) -> Story:
    """Return what the whole log says."""
    told = Story()
    for row in rows(conn, "proposal.", "order.", _STATE_SET):
        if row.action == _STATE_SET:
            told.desk = (str(row.payload.get("to")), row.actor, str(row.payload.get("reason")))
        else:
            _tell(told, row.action, row.subject, row.payload)
    return told


def differences(conn: sa.Connection) -> Iterator[Place]:
    """Yield every proposal, signature, order and state that the log tells otherwise."""
    told = story(conn)
    yield from _proposals(conn, told)
    yield from _used(conn, told)
    yield from _orders(conn, told)
    stands = conn.execute(sa.select(trading_state)).one()
    now = (stands.state, stands.set_by, stands.reason)
    if told.desk is not None and now != told.desk:
        yield Place(
            "trading state", f"The desk is {_in_force(now)}; the log says {_in_force(told.desk)}."
        )


def _in_force(state: tuple[str, str, str]) -> str:
    return "{}, set by {} ({})".format(*state)


def _tell(told: Story, action: str, subject: str, payload: Mapping[str, Any]) -> None:
    if action == _RENEWAL:
        told.renewals[subject] = payload
        told.orders[subject] = "intended"
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
    signed = {name: legs.c[name].label(f"leg_{name}") for name in ("symbol", "side", *_OF_THE_LEG)}
    query = sa.select(
        orders, legs.c.tactic, legs.c.limit_price.label("leg_limit_price"), *signed.values()
    )
    query = query.join(legs, legs.c.leg_id == orders.c.leg_id)
    for row in conn.execute(query.order_by(orders.c.client_order_id)):
        name = row.client_order_id
        seen.add(name)
        where, intent = f"order {name}", told.intents.get(name) or told.renewals.get(name)
        # A stop or target is the broker's: it has no intent, and its first state no row.
        if intent is None and (row.parent_client_order_id is None or row.attempt > RENEWED_FROM):
            yield Place(where, f"Order {name} is not in the log: it was added past the desk.")
        state = told.orders.get(name)
        if state is not None and row.state != state:
            yield Place(where, f"Order {name} is {row.state}; the log says {state}.")
        if (intent is not None and _is_altered(row, intent)) or _is_not_of_its_leg(row):
            yield Place(where, f"Order {name} is not as it was intended.")
    for name in sorted((told.intents.keys() | told.renewals.keys()) - seen):
        yield Place(f"order {name}", f"Order {name} is in the log and gone.")


def _is_altered(row: sa.Row[Any], intent: Mapping[str, Any]) -> bool:
    acted = {
        "proposal": row.proposal_id,
        "quantity": figure_text(row.quantity),
        "build": row.build,
    }
    # An order of a leg is told with its number, one that takes a stop's place with its price.
    own = {"attempt": row.attempt, "stop_price": figure_text(row.stop_price)}
    acted |= {name: value for name, value in own.items() if name in intent}
    return any(intent.get(name) != value for name, value in acted.items())


def _is_not_of_its_leg(row: sa.Row[Any]) -> bool:
    """Whether an order is not the trade whose bytes people signed."""
    told = row._asdict()
    if told["symbol"] != told["leg_symbol"]:
        return True
    if told["parent_client_order_id"] is not None:
        return False  # a stop or target: its side and prices are the broker's answer
    names = ("side", *_OF_THE_LEG, *(() if told["tactic"] else ("limit_price",)))
    return any(told[name] != told[f"leg_{name}"] for name in names)


def figure_text(value: Decimal | None) -> str | None:
    """Return a figure as the log writes it; infinity and no number as Python does."""
    if value is None:
        return None
    return decimal_text(value) if value.is_finite() else str(value)
