"""Any byte of any row, any row taken out, any two swapped; and what the log tells otherwise."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.processes.postgres import Cluster
from ledger import audit, engine
from ledger.migrate import upgrade
from ledger.tables import audit_head, audit_log, orders, proposals, signatures, trading_state
from tests.integration.ledger.cases import NOON
from tests.integration.ledger.past import Past, lived
from tests.servers import fresh_database

COLUMNS = ("at", "actor", "action", "subject", "payload", "previous_hash", "hash", "seq")


@pytest.fixture(scope="module")
def past(postgres_server: Cluster) -> Iterator[Past]:
    """Every change to it is taken back."""
    with fresh_database(postgres_server) as dsn:
        upgrade(dsn)
        made = engine(dsn, pool_size=5)
        yield lived(made)
        made.dispose()


def other(text: str, place: int, letter: str) -> str:
    """The text with one character replaced by another."""
    at = place % len(text)
    new = letter if letter != text[at] else chr(ord(letter) + 1)
    return text[:at] + new + text[at + 1 :]


def altered_row(row: Any, column: str, place: int, letter: str) -> object:
    if column == "at":
        return row.at + timedelta(microseconds=1 + place % 1_000)
    if column == "seq":
        return row.seq + 1_000 + place
    return other(getattr(row, column), place, letter)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
)
@given(data=st.data())
def test_any_altered_byte_of_any_row_is_named(past: Past, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, past.rows))
    column = data.draw(st.sampled_from(COLUMNS))
    place, letter = data.draw(st.integers(0, 4_000)), data.draw(st.sampled_from('aZ0 \u00e9{"'))
    with past.case.ledger.connect() as conn:
        row = conn.execute(sa.select(audit_log).where(audit_log.c.seq == seq)).one()
    new = altered_row(row, column, place, letter)

    found = past.changed(sa.update(audit_log).where(audit_log.c.seq == seq).values({column: new}))

    assert found[0] == f"log row {seq}"


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
)
@given(data=st.data())
def test_any_rows_taken_out_or_swapped_are_named(past: Past, data: st.DataObject) -> None:
    first, second = sorted(
        data.draw(st.lists(st.integers(1, past.rows), min_size=2, max_size=2, unique=True))
    )
    gone = sa.delete(audit_log).where(audit_log.c.seq.in_((first, second)))
    assert past.changed(gone)[0] == f"log row {first}"
    to_the_end = sa.delete(audit_log).where(audit_log.c.seq >= second)
    assert past.changed(to_the_end)[0] == f"log row {second}"

    def numbered(old: int, new: int) -> sa.Executable:
        return sa.update(audit_log).where(audit_log.c.seq == old).values(seq=new)

    swapped = (numbered(first, -1), numbered(second, first), numbered(-1, second))
    assert past.changed(*swapped)[0] == f"log row {first}"


def test_a_row_added_at_the_end_is_named(past: Past) -> None:
    with past.case.ledger.connect() as conn:
        head = conn.execute(sa.select(audit_head)).one()
    forged = audit.Entry(head.seq + 1, NOON, "eve", "proposal.sign", "p", "{}", head.hash, "0" * 64)
    added = sa.insert(audit_log).values(**vars(forged))

    assert past.changed(added)[0].startswith("log row")


def test_a_log_that_says_nothing_of_its_rows_is_no_crash(past: Past) -> None:
    """Somebody chains rows of their own making, with payloads that lack everything."""

    def forged(conn: sa.Connection) -> None:
        for action in ("proposal.record", "proposal.sign", "order.intend", "trading_state.set"):
            audit.append(conn, at=NOON, actor="eve", action=action, subject="cs-forged", payload={})

    assert {"order cs-forged", "proposal cs-forged"} <= set(past.changed(forged))


def test_an_honest_past_holds(past: Past) -> None:
    assert past.changed() == []


def test_what_became_of_each_is_told_by_the_log(past: Past) -> None:
    """Every state of every proposal and order, and each signature's use, changed alone."""
    with past.case.ledger.connect() as conn:
        known = conn.execute(sa.select(proposals.c.proposal_id, proposals.c.code)).all()
    for row in known:
        this = proposals.c.proposal_id == row.proposal_id
        for state_ in ("open", "signed", "vetoed", "withdrawn", "denied", "lapsed"):
            with past.case.ledger.connect() as conn:
                if conn.scalar(sa.select(proposals.c.state).where(this)) == state_:
                    continue
            said = past.changed(sa.update(proposals).where(this).values(state=state_))
            assert f"proposal {row.code}" in said, (row.code, state_)
    this = proposals.c.sending_at.is_not(None)
    assert past.changed(sa.update(proposals).where(this).values(sending_at=None))
    assert past.changed(sa.update(proposals).values(sending_at=NOON))


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "filled"},
        {"state": "canceled"},
        {"quantity": Decimal(24)},
        {"quantity": Decimal("25.000001")},
        {"attempt": 2},
        {"build": "b2"},
    ],
    ids=str,
)
def test_an_altered_order_is_named(past: Past, changed: dict[str, object]) -> None:
    said = past.changed(sa.update(orders).values(**changed))

    assert said == [f"order {past.sent}"]


def test_an_order_nobody_intended_is_named(past: Past) -> None:
    with past.case.ledger.connect() as conn:
        row = conn.execute(sa.select(orders)).mappings().one()
    added = sa.insert(orders).values({**row, "client_order_id": "cs-forged", "attempt": 2})

    assert past.changed(added) == ["order cs-forged"]


def test_a_signature_used_twice_or_made_unused_is_named(past: Past) -> None:
    used = signatures.c.used_at.is_not(None)

    assert past.changed(sa.update(signatures).where(used).values(used_at=None))
    assert past.changed(
        sa.update(signatures).where(signatures.c.kind == "sign").values(used_at=NOON)
    )


def test_a_trading_state_set_past_the_desk_is_named(past: Past) -> None:
    assert past.changed(sa.update(trading_state).values(state="ACTIVE")) == ["trading state"]


def test_a_log_of_an_older_desk_that_did_not_tell_states_is_no_finding(past: Past) -> None:
    """Rows written before a mark said what it made of the proposal."""

    def written_anew(conn: sa.Connection) -> None:
        rows = conn.execute(sa.select(audit_log).order_by(audit_log.c.seq)).all()
        conn.execute(sa.delete(audit_log))
        conn.execute(sa.update(audit_head).values(seq=0, hash=audit.START))
        for row in rows:
            told: dict[str, Any] = json.loads(row.payload)
            if row.action in {"proposal.sign", "proposal.withdraw"}:
                del told["state"]
            audit.append(
                conn,
                at=row.at,
                actor=row.actor,
                action=row.action,
                subject=row.subject,
                payload=told,
            )

    assert past.changed(written_anew) == []
