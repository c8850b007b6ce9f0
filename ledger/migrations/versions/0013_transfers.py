"""What was paid into the account or taken out of it, told apart from gains and losses."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The first look after this begins the count: earlier transfers are in the recorded equity.
    op.execute(
        """
        CREATE TABLE desk.transfers (
            only_row BOOLEAN DEFAULT true NOT NULL,
            account_id TEXT NOT NULL,
            rest NUMERIC NOT NULL,
            booked NUMERIC NOT NULL,
            last_equity NUMERIC,
            market_at TIMESTAMP WITH TIME ZONE NOT NULL,
            is_open BOOLEAN NOT NULL,
            corrections INTEGER NOT NULL,
            counted NUMERIC NOT NULL,
            adrift NUMERIC NOT NULL,
            due NUMERIC NOT NULL,
            presumed NUMERIC NOT NULL,
            day NUMERIC NOT NULL,
            after_close NUMERIC NOT NULL,
            rises BOOLEAN NOT NULL,
            CONSTRAINT pk_transfers PRIMARY KEY (only_row),
            CONSTRAINT ck_transfers_only_row CHECK (only_row)
        );
        ALTER TABLE desk.equity_points ADD COLUMN paid_in NUMERIC DEFAULT 0 NOT NULL;
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
