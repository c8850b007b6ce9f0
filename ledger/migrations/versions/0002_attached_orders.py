"""Stops and targets as orders of their own; the highest equity of a session."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE desk.orders ADD COLUMN parent_client_order_id TEXT",
    """
ALTER TABLE desk.orders ADD CONSTRAINT fk_orders_parent_client_order_id
    FOREIGN KEY (parent_client_order_id) REFERENCES desk.orders (client_order_id)
""",
    "ALTER TABLE desk.orders DROP CONSTRAINT uq_orders_leg_id_attempt",
    """
CREATE UNIQUE INDEX uq_orders_one_attempt ON desk.orders (leg_id, attempt)
    WHERE parent_client_order_id IS NULL
""",
    "ALTER TABLE desk.equity_points ADD COLUMN high NUMERIC",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
