"""When a person dismissed the first-run panel."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.people ADD COLUMN introduced_at TIMESTAMPTZ")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
