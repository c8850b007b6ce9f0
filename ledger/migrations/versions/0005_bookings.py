"""Shares and cash that the broker booked without a trade: splits, dividends, interest, fees."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE desk.bookings (
            booking_id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            symbol TEXT,
            day DATE NOT NULL,
            quantity NUMERIC NOT NULL,
            cash NUMERIC NOT NULL,
            recorded_at TIMESTAMPTZ NOT NULL,
            source TEXT NOT NULL
        )
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
