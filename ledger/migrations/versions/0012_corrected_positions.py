"""Positions that a person booked after trades past the desk; null on everything before."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE desk.bookings
            ADD COLUMN price NUMERIC,
            ADD COLUMN market_at TIMESTAMPTZ,
            ADD COLUMN reason TEXT,
            ADD COLUMN person_id UUID
                CONSTRAINT fk_bookings_person_id REFERENCES desk.people (person_id)
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
