"""Conditions that last, alerts on their way to people, and rules that people make."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE desk.alerts
            ADD COLUMN condition TEXT NOT NULL DEFAULT '',
            ADD COLUMN noticed_by TEXT NOT NULL DEFAULT '',
            ADD COLUMN over_at TIMESTAMPTZ;
        UPDATE desk.alerts SET over_at = raised_at;
        CREATE TABLE desk.alert_deliveries (
            alert_id UUID NOT NULL,
            channel TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            first_at TIMESTAMPTZ NOT NULL,
            changed_at TIMESTAMPTZ NOT NULL,
            detail TEXT NOT NULL DEFAULT '',
            CONSTRAINT pk_alert_deliveries PRIMARY KEY (alert_id, channel),
            CONSTRAINT fk_alert_deliveries_alert_id
                FOREIGN KEY (alert_id) REFERENCES desk.alerts (alert_id),
            CONSTRAINT ck_alert_deliveries_state CHECK (state IN ('sending', 'sent', 'failed'))
        );
        CREATE TABLE desk.alert_rules (
            rule_id UUID NOT NULL,
            measure TEXT NOT NULL,
            subject TEXT NOT NULL DEFAULT '',
            comparison TEXT NOT NULL,
            threshold NUMERIC NOT NULL,
            severity TEXT NOT NULL,
            made_by UUID NOT NULL,
            made_at TIMESTAMPTZ NOT NULL,
            retired_by UUID,
            retired_at TIMESTAMPTZ,
            CONSTRAINT pk_alert_rules PRIMARY KEY (rule_id),
            CONSTRAINT fk_alert_rules_made_by
                FOREIGN KEY (made_by) REFERENCES desk.people (person_id),
            CONSTRAINT fk_alert_rules_retired_by
                FOREIGN KEY (retired_by) REFERENCES desk.people (person_id),
            CONSTRAINT ck_alert_rules_comparison CHECK (comparison IN ('above', 'below')),
            CONSTRAINT ck_alert_rules_severity
                CHECK (severity IN ('note', 'warning', 'critical'))
        )
        """
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
