"""Why a signed leg waits; an index for reading one subject's log."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.legs ADD COLUMN waiting_sentence TEXT")
    op.execute("CREATE INDEX audit_log_subject_seq ON desk.audit_log (subject, seq)")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
