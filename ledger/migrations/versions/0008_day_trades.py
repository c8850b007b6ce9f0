"""How many day trades the broker counts of the account."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.accounts ADD COLUMN day_trades INTEGER")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
