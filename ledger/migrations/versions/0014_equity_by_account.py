"""Whose equity a point is: the highs of one account are no marks of another."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE desk.equity_points ADD COLUMN account_id TEXT;
        UPDATE desk.equity_points AS point
            SET account_id = account.account_id
            FROM desk.accounts AS account
            WHERE account.environment = point.environment;
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
