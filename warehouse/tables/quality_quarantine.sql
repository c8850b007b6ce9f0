-- Rows held back by a finding, as delivered, and what a steward decided; append-only.
create table if not exists quality.quarantine (
    quarantine_id varchar     not null,  -- UUIDv7 of the held row; the same in every later state
    finding_id    varchar     not null,  -- why it was held
    dataset       varchar     not null,  -- table it was meant for
    symbol        varchar     not null,  -- as listed on that session
    session       date        not null,  -- exchange session
    bar_start     timestamptz,           -- UTC; minute data only
    row           varchar     not null,  -- JSON object: the row as delivered
    status        varchar     not null,  -- held | released | confirmed
    person        varchar,               -- who decided; null while held
    reason        varchar,               -- why; null while held
    known_at      timestamptz not null,  -- UTC market time of this state
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (quarantine_id, status)
