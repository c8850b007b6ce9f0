"""Comparisons in the order in which they were written, whatever the clock said then."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows were only ever added: those of before are numbered as they lie, which is that order.
    op.execute(
        """
        ALTER TABLE desk.reconciliations ADD COLUMN seq BIGINT GENERATED ALWAYS AS IDENTITY;
        CREATE UNIQUE INDEX uq_reconciliations_seq ON desk.reconciliations (seq);
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
