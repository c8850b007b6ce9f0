"""Altering, deleting or adding anything of the past is found, and its place is named."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters import audit_anchors
from adapters.object_store import FolderStore
from ledger import audit, new_id, snapshot, verification
from ledger.tables import audit_head, audit_log, legs, proposals, signatures
from ledger.verification import Verification
from tests.integration.ledger.cases import Case, proposed
from trading.ledger import Anchor

SESSION = date(2012, 7, 3)


@pytest.fixture
def past(case: Case) -> Case:
    """A signed, a vetoed and an open proposal, in a database whose owner took its guards away."""
    signed, vetoed, left_open = proposed(), proposed("MSFT"), proposed("AAPL")
    for made in (signed, vetoed, left_open):
        case.record(made)
    case.sign(signed, "Maria")
    case.veto(vetoed, "Maria")
    with case.ledger.begin() as conn:
        conn.execute(sa.text("ALTER TABLE desk.audit_log DISABLE TRIGGER USER"))
    return case


def verified(case: Case, *kept: Anchor) -> Verification:
    with snapshot(case.ledger) as conn:
        return verification.verify(conn, kept)


def anchor(case: Case) -> Anchor:
    with case.ledger.connect() as conn:
        head = verification.head(conn)
    assert head is not None
    return Anchor(SESSION, head.seq, head.hash)


def altered(case: Case, statement: sa.Executable) -> Verification:
    """What is found after somebody with the database's password did this."""
    with case.ledger.begin() as conn:
        assert conn.execute(statement).rowcount >= 1
    return verified(case)


def test_a_desk_that_goes_on_looks_unaltered(case: Case) -> None:
    def live() -> None:
        for _ in range(40):
            made = proposed(strategy=new_id())
            case.record(made)
            case.sign(made, "Maria")

    looks = []
    with ThreadPoolExecutor(1) as pool:
        living = pool.submit(live)
        while not living.done():
            looks.append(verified(case))
        living.result()

    assert [look.places for look in looks if not look.holds] == []
    assert len({look.rows for look in looks}) > 3  # it was looked at while it went on


def test_an_honest_past_holds(past: Case) -> None:
    found = verified(past, anchor(past))

    assert found.holds, found.places
    assert (found.proposals, found.marks, found.anchors) == (3, 2, 1)
    with past.ledger.connect() as conn:
        assert found.rows == conn.scalar(sa.select(sa.func.count()).select_from(audit_log))


_COLUMNS = ("at", "actor", "action", "subject", "payload", "previous_hash", "hash")


@pytest.mark.parametrize("column", _COLUMNS)
def test_any_altered_column_of_a_log_row_is_named(past: Case, column: str) -> None:
    other = sa.func.now() if column == "at" else audit_log.c[column] + "x"
    found = altered(past, sa.update(audit_log).where(audit_log.c.seq == 5).values({column: other}))

    assert found.places[0].where in {"log row 5", "log row 6"}


def test_a_deleted_row_and_two_swapped_ones_are_named(past: Case) -> None:
    with past.ledger.begin() as conn:
        rows = (
            conn.execute(
                sa.select(audit_log).where(audit_log.c.seq.in_((4, 5))).order_by(audit_log.c.seq)
            )
            .mappings()
            .all()
        )
        conn.execute(sa.delete(audit_log).where(audit_log.c.seq.in_((4, 5))))
    assert verified(past).places[0].where == "log row 4"

    with past.ledger.begin() as conn:
        for row, seq in zip(rows, (5, 4), strict=True):
            conn.execute(sa.insert(audit_log).values({**row, "seq": seq}))
    assert verified(past).places[0].where == "log row 4"


def test_rows_cut_off_the_end_are_noticed_without_an_anchor(past: Case) -> None:
    last = sa.select(sa.func.max(audit_log.c.seq)).scalar_subquery()
    found = altered(past, sa.delete(audit_log).where(audit_log.c.seq == last))

    assert "rows at the end are missing" in found.places[0].sentence


def test_a_log_rewritten_with_a_chain_that_holds_differs_from_its_anchor(past: Case) -> None:
    kept = anchor(past)
    with past.ledger.begin() as conn:
        conn.execute(sa.delete(audit_log))
        conn.execute(sa.update(audit_head).values(seq=0, hash=audit.START))
        for number in range(kept.seq):
            audit.append(
                conn,
                at=past.desk_at(),
                actor="desk",
                action="note",
                subject=str(number),
                payload={},
            )

    with past.ledger.connect() as conn:
        assert audit.verify(conn) is None
    assert f"anchor of {SESSION}" in {place.where for place in verified(past, kept).places}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (lambda: sa.update(proposals).values(content=b"{}"), "do not have the hash"),
        (lambda: sa.update(proposals).values(content_hash="0" * 64), "than the log says"),
        (lambda: sa.update(proposals).values(code=proposals.c.code + "X"), ""),
        (lambda: sa.update(legs).values(quantity=legs.c.quantity + 1), ""),
        (lambda: sa.update(signatures).values(content_hash="0" * 64), "covers other bytes"),
        (lambda: sa.delete(signatures), "is in the log and gone"),
    ],
)
def test_what_was_decided_cannot_be_altered_unnoticed(
    past: Case, statement: Callable[[], sa.Executable], said: str
) -> None:
    found = altered(past, statement())

    assert not found.holds
    assert any(said in place.sentence for place in found.places)


def test_a_signature_nobody_gave_is_found(past: Case) -> None:
    with past.ledger.begin() as conn:
        given = conn.execute(sa.select(signatures)).mappings().first()
        assert given is not None
        other = conn.scalar(sa.select(proposals.c.proposal_id).where(proposals.c.state == "open"))
        conn.execute(
            sa.insert(signatures).values(
                {**given, "signature_id": new_id(), "proposal_id": other, "kind": "sign"}
            )
        )

    assert "added past the desk" in verified(past).places[0].sentence


def test_a_withdrawn_signature_cannot_be_brought_back_unnoticed(case: Case) -> None:
    made = proposed()
    case.record(made)
    case.sign(made, "Maria")
    case.withdraw(made, "Maria")
    assert verified(case).holds
    case.sign(made, "Maria")
    assert verified(case).holds
    case.withdraw(made, "Maria")

    found = altered(case, sa.update(signatures).values(withdrawn_at=None))

    assert [place.sentence.partition(" is ")[2] for place in found.places] == [
        "standing; the log says withdrawn."
    ]


def test_a_signature_cannot_be_taken_away_unnoticed(past: Case) -> None:
    found = altered(past, sa.update(signatures).values(withdrawn_at=sa.func.now()))

    assert "is withdrawn; the log says given." in found.places[0].sentence


def test_anchors_are_kept_once_and_read_back(past: Case, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    first = anchor(past)
    assert audit_anchors.keep(store, first) == audit_anchors.keep(store, first)
    past.record(proposed("GOOG"))
    second = anchor(past)
    audit_anchors.keep(store, second)

    assert list(audit_anchors.kept(store)) == [first, second]
    assert verified(past, *audit_anchors.kept(store)).holds
