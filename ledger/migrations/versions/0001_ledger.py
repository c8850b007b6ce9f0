"""All tables of the first ledger."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE desk.accounts (
    only_row BOOLEAN DEFAULT true NOT NULL,
    account_id TEXT NOT NULL,
    environment TEXT NOT NULL,
    equity NUMERIC NOT NULL,
    last_equity NUMERIC,
    cash NUMERIC NOT NULL,
    settled_cash NUMERIC,
    buying_power NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (only_row),
    CONSTRAINT ck_accounts_only_row CHECK (only_row)
)
""",
    """
CREATE TABLE desk.audit_head (
    only_row BOOLEAN DEFAULT true NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (only_row),
    CONSTRAINT ck_audit_head_only_row CHECK (only_row)
)
""",
    """
CREATE TABLE desk.audit_log (
    seq BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (seq)
)
""",
    """
CREATE TABLE desk.daily_runs (
    session DATE NOT NULL,
    state TEXT NOT NULL,
    proposals INTEGER DEFAULT '0' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    detail TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_daily_runs PRIMARY KEY (session),
    CONSTRAINT ck_daily_runs_state CHECK (state IN ('running', 'done', 'failed'))
)
""",
    """
CREATE TABLE desk.equity_points (
    environment TEXT NOT NULL,
    session DATE NOT NULL,
    equity NUMERIC NOT NULL,
    cash NUMERIC NOT NULL,
    gross NUMERIC NOT NULL,
    net NUMERIC NOT NULL,
    CONSTRAINT pk_equity_points PRIMARY KEY (environment, session)
)
""",
    """
CREATE TABLE desk.heartbeats (
    process TEXT NOT NULL,
    pid INTEGER NOT NULL,
    build TEXT NOT NULL,
    beat_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_heartbeats PRIMARY KEY (process)
)
""",
    """
CREATE TABLE desk.market_clock (
    only_row BOOLEAN DEFAULT true NOT NULL,
    now TIMESTAMP WITH TIME ZONE NOT NULL,
    session DATE NOT NULL,
    is_open BOOLEAN NOT NULL,
    next_open TIMESTAMP WITH TIME ZONE,
    next_close TIMESTAMP WITH TIME ZONE,
    early_close BOOLEAN NOT NULL,
    replay BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    hold_reason TEXT,
    pace NUMERIC,
    first_session DATE,
    last_session DATE,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_market_clock PRIMARY KEY (only_row),
    CONSTRAINT ck_market_clock_state CHECK (state IN ('running', 'paused', 'held', 'ended',
        'live')),
    CONSTRAINT ck_market_clock_only_row CHECK (only_row)
)
""",
    """
CREATE TABLE desk.people (
    person_id UUID NOT NULL,
    login TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles TEXT[] NOT NULL,
    password_hash TEXT,
    origin TEXT NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_people PRIMARY KEY (person_id),
    CONSTRAINT ck_people_origin CHECK (origin IN ('os', 'local', 'oidc')),
    CONSTRAINT uq_people_login UNIQUE (login)
)
""",
    """
CREATE TABLE desk.positions (
    symbol TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    average_price NUMERIC NOT NULL,
    market_price NUMERIC,
    market_value NUMERIC,
    unrealised NUMERIC,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_positions PRIMARY KEY (symbol)
)
""",
    """
CREATE TABLE desk.quotes (
    symbol TEXT NOT NULL,
    bid NUMERIC,
    ask NUMERIC,
    last NUMERIC,
    quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_quotes PRIMARY KEY (symbol)
)
""",
    """
CREATE TABLE desk.reconciliations (
    id UUID NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE,
    clean BOOLEAN NOT NULL,
    differences JSONB NOT NULL,
    CONSTRAINT pk_reconciliations PRIMARY KEY (id)
)
""",
    """
CREATE INDEX ix_reconciliations_finished_at ON desk.reconciliations (finished_at)
""",
    """
CREATE TABLE desk.runs (
    run_id TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    tags JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (run_id)
)
""",
    """
CREATE TABLE desk.steps (
    boot_id TEXT NOT NULL,
    step_no INTEGER NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT DEFAULT '' NOT NULL,
    progress DOUBLE PRECISION DEFAULT '0' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_steps PRIMARY KEY (boot_id, step_no),
    CONSTRAINT ck_steps_state CHECK (state IN ('waiting', 'running', 'done', 'failed'))
)
""",
    """
CREATE TABLE desk.trading_state (
    only_row BOOLEAN DEFAULT true NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_trading_state PRIMARY KEY (only_row),
    CONSTRAINT ck_trading_state_state CHECK (state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    CONSTRAINT ck_trading_state_only_row CHECK (only_row)
)
""",
    """
CREATE TABLE desk.trading_state_events (
    event_id UUID NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_trading_state_events PRIMARY KEY (event_id)
)
""",
    """
CREATE TABLE desk.alerts (
    alert_id UUID NOT NULL,
    severity TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    subject TEXT NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by UUID,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_alerts PRIMARY KEY (alert_id),
    CONSTRAINT ck_alerts_severity CHECK (severity IN ('note', 'warning', 'critical')),
    CONSTRAINT fk_alerts_acknowledged_by FOREIGN KEY(acknowledged_by) REFERENCES desk.people
        (person_id)
)
""",
    """
CREATE UNIQUE INDEX uq_alerts_open ON desk.alerts (kind, subject) WHERE acknowledged_at IS NULL
""",
    """
CREATE TABLE desk.limit_overrides (
    override_id UUID NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value NUMERIC NOT NULL,
    reason TEXT NOT NULL,
    person_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_limit_overrides PRIMARY KEY (override_id),
    CONSTRAINT fk_limit_overrides_person_id FOREIGN KEY(person_id) REFERENCES desk.people
        (person_id)
)
""",
    """
CREATE TABLE desk.proposals (
    proposal_id UUID NOT NULL,
    code TEXT NOT NULL,
    session DATE NOT NULL,
    environment TEXT NOT NULL,
    account_id TEXT NOT NULL,
    strategy TEXT NOT NULL,
    model_version TEXT,
    advisory BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    content BYTEA NOT NULL,
    content_hash TEXT NOT NULL,
    hash_version INTEGER NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    drift_bound NUMERIC NOT NULL,
    drift_direction TEXT NOT NULL,
    signatures_needed INTEGER NOT NULL,
    four_eyes_notional NUMERIC NOT NULL,
    signers TEXT[] DEFAULT '{}' NOT NULL,
    notional NUMERIC NOT NULL,
    entered_by UUID,
    supersedes UUID,
    superseded_by UUID,
    snapshot_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_market_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    sending_at TIMESTAMP WITH TIME ZONE,
    note TEXT,
    CONSTRAINT pk_proposals PRIMARY KEY (proposal_id),
    CONSTRAINT ck_proposals_state CHECK (state IN ('open', 'signed', 'vetoed', 'expired',
        'lapsed', 'superseded', 'withdrawn', 'denied')),
    CONSTRAINT ck_proposals_drift_direction CHECK (drift_direction IN ('adverse', 'both')),
    CONSTRAINT ck_proposals_environment CHECK (environment IN ('replay', 'paper', 'live')),
    CONSTRAINT uq_proposals_code UNIQUE (code),
    CONSTRAINT fk_proposals_entered_by FOREIGN KEY(entered_by) REFERENCES desk.people (person_id)
)
""",
    """
CREATE INDEX ix_proposals_session ON desk.proposals (session)
""",
    """
CREATE INDEX ix_proposals_state ON desk.proposals (state)
""",
    """
CREATE TABLE desk.requests (
    request_id UUID NOT NULL,
    kind TEXT NOT NULL,
    payload JSONB DEFAULT '{}' NOT NULL,
    person_id UUID,
    idempotency_key TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    taken_by TEXT,
    taken_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_requests PRIMARY KEY (request_id),
    CONSTRAINT ck_requests_state CHECK (state IN ('waiting', 'running', 'done', 'refused')),
    CONSTRAINT fk_requests_person_id FOREIGN KEY(person_id) REFERENCES desk.people (person_id),
    CONSTRAINT uq_requests_idempotency_key UNIQUE (idempotency_key)
)
""",
    """
CREATE INDEX ix_requests_state_created_at ON desk.requests (state, created_at)
""",
    """
CREATE TABLE desk.sign_ins (
    token_hash TEXT NOT NULL,
    person_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_ins PRIMARY KEY (token_hash),
    CONSTRAINT fk_sign_ins_person_id FOREIGN KEY(person_id) REFERENCES desk.people (person_id)
)
""",
    """
CREATE TABLE desk.legs (
    leg_id UUID NOT NULL,
    proposal_id UUID NOT NULL,
    leg_no INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    order_type TEXT NOT NULL,
    limit_price NUMERIC,
    stop_price NUMERIC,
    time_in_force TEXT NOT NULL,
    take_profit_price NUMERIC,
    stop_loss_price NUMERIC,
    reference_price NUMERIC NOT NULL,
    reduces BOOLEAN NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_code TEXT,
    closed_sentence TEXT,
    CONSTRAINT pk_legs PRIMARY KEY (leg_id),
    CONSTRAINT uq_legs_proposal_id_leg_no UNIQUE (proposal_id, leg_no),
    CONSTRAINT ck_legs_quantity CHECK (quantity > 0),
    CONSTRAINT ck_legs_side CHECK (side IN ('buy', 'sell')),
    CONSTRAINT fk_legs_proposal_id FOREIGN KEY(proposal_id) REFERENCES desk.proposals (proposal_id)
)
""",
    """
CREATE TABLE desk.signatures (
    signature_id UUID NOT NULL,
    proposal_id UUID NOT NULL,
    person_id UUID NOT NULL,
    kind TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    drift_bound NUMERIC NOT NULL,
    price_at_signing NUMERIC,
    reason_code TEXT,
    reason_text TEXT,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_signatures PRIMARY KEY (signature_id),
    CONSTRAINT ck_signatures_kind CHECK (kind IN ('sign', 'veto')),
    CONSTRAINT fk_signatures_proposal_id FOREIGN KEY(proposal_id) REFERENCES desk.proposals
        (proposal_id),
    CONSTRAINT fk_signatures_person_id FOREIGN KEY(person_id) REFERENCES desk.people (person_id)
)
""",
    """
CREATE UNIQUE INDEX uq_signatures_one_each ON desk.signatures (proposal_id, person_id) WHERE kind
    = 'sign' AND withdrawn_at IS NULL
""",
    """
CREATE TABLE desk.orders (
    client_order_id TEXT NOT NULL,
    leg_id UUID NOT NULL,
    proposal_id UUID NOT NULL,
    attempt INTEGER NOT NULL,
    broker_order_id TEXT,
    state TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    order_type TEXT NOT NULL,
    limit_price NUMERIC,
    stop_price NUMERIC,
    time_in_force TEXT NOT NULL,
    take_profit_price NUMERIC,
    stop_loss_price NUMERIC,
    filled_quantity NUMERIC DEFAULT '0' NOT NULL,
    average_price NUMERIC,
    intended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    intended_market_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    final_at TIMESTAMP WITH TIME ZONE,
    lease_owner TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    build TEXT NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (client_order_id),
    CONSTRAINT uq_orders_leg_id_attempt UNIQUE (leg_id, attempt),
    CONSTRAINT ck_orders_quantity CHECK (quantity > 0),
    CONSTRAINT ck_orders_filled_quantity CHECK (filled_quantity >= 0 AND filled_quantity <=
        quantity),
    CONSTRAINT ck_orders_state CHECK (state IN ('intended', 'sent', 'accepted',
        'partially_filled', 'filled', 'canceled', 'rejected', 'expired', 'unresolved')),
    CONSTRAINT ck_orders_side CHECK (side IN ('buy', 'sell')),
    CONSTRAINT fk_orders_leg_id FOREIGN KEY(leg_id) REFERENCES desk.legs (leg_id),
    CONSTRAINT fk_orders_proposal_id FOREIGN KEY(proposal_id) REFERENCES desk.proposals
        (proposal_id),
    CONSTRAINT uq_orders_broker_order_id UNIQUE (broker_order_id)
)
""",
    """
CREATE INDEX ix_orders_state ON desk.orders (state)
""",
    """
CREATE INDEX ix_orders_symbol ON desk.orders (symbol)
""",
    """
CREATE TABLE desk.fills (
    execution_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    broker_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    fee NUMERIC DEFAULT '0' NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    busted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_fills PRIMARY KEY (execution_id),
    CONSTRAINT ck_fills_side CHECK (side IN ('buy', 'sell')),
    CONSTRAINT fk_fills_client_order_id FOREIGN KEY(client_order_id) REFERENCES desk.orders
        (client_order_id)
)
""",
    """
CREATE INDEX ix_fills_client_order_id ON desk.fills (client_order_id)
""",
    """
CREATE TABLE desk.order_events (
    event_id UUID NOT NULL,
    client_order_id TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    market_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    detail JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_order_events PRIMARY KEY (event_id),
    CONSTRAINT ck_order_events_source CHECK (source IN ('dispatch', 'stream', 'reconcile',
        'person')),
    CONSTRAINT fk_order_events_client_order_id FOREIGN KEY(client_order_id) REFERENCES desk.orders
        (client_order_id)
)
""",
    """
CREATE INDEX ix_order_events_client_order_id ON desk.order_events (client_order_id)
""",
    # The audit log only ever grows.
    """
CREATE FUNCTION desk.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'desk.audit_log is append-only: % refused', TG_OP;
END $$
""",
    """
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON desk.audit_log
    FOR EACH ROW EXECUTE FUNCTION desk.refuse_change()
""",
    """
CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON desk.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_change()
""",
    """
INSERT INTO desk.audit_head (seq, hash) VALUES (0, repeat('0', 64))
""",
    """
INSERT INTO desk.trading_state (state, reason, set_by, set_at)
    VALUES ('ACTIVE', 'The desk was set up.', 'setup', now())
""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never downgraded: restore a backup instead.")
