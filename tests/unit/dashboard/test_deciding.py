"""What a click says when the ledger refuses it."""

import sqlalchemy as sa

from config.settings import Settings
from dashboard import data
from dashboard.cards import deciding
from ledger import new_id, pages, people, proposals
from ledger.tables import legs, signatures
from tests.unit.dashboard import proposed, rows


def test_an_altered_proposal_is_refused_with_the_reason(desk_settings: Settings) -> None:
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        made = proposed.proposal(proposal_id=new_id(), code="7F3A-9C21")
        proposals.record(conn, made, desk_at=data.now())
        maria = people.add(
            conn,
            login="maria",
            display_name="Maria",
            roles=("signatory",),
            desk_at=data.now(),
            origin="os",
        )
    with data.asked() as conn:
        [shown] = pages.proposals_by_code(conn, ["7F3A-9C21"])
        person = people.by_id(conn, maria.person_id)
    assert person is not None
    with data.engine().begin() as conn:
        conn.execute(sa.update(legs).values(quantity=99))

    outcome = deciding.sign(shown, person)

    assert (outcome.recorded, outcome.code) == (False, "content_altered")
    assert outcome.sentence.startswith("Not signed: Proposal 7F3A-9C21 is not stored as it was")
    assert "legs" in outcome.sentence
    with data.asked() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(signatures)) == 0
