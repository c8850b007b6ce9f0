"""When the last trade beside a quote was made; null where nobody told."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.quotes ADD COLUMN traded_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
