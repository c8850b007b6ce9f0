"""How a leg is worked in parts, and proposals that are commands."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.legs ADD COLUMN tactic JSONB")
    op.execute("ALTER TABLE desk.proposals ADD COLUMN command TEXT")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
