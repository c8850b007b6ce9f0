"""Trailing stops, and a stop and a target of which one closes: null on everything before."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("legs", "orders"):
        op.execute(
            f"ALTER TABLE desk.{table} ADD COLUMN trail_percent NUMERIC, "
            "ADD COLUMN trail_price NUMERIC, ADD COLUMN order_class TEXT"
        )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
