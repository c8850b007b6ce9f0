-- What a rule found, in a sentence and in figures; append-only.
create table if not exists quality.findings (
    finding_id  varchar     not null,  -- UUIDv7
    dataset     varchar     not null,  -- daily_bars | minute_bars | corporate_actions | ...
    symbol      varchar     not null,  -- as listed on that session
    session     date        not null,  -- exchange session
    bar_start   timestamptz,           -- UTC; minute data only
    rule        varchar     not null,  -- name of the rule
    severity    varchar     not null,  -- error | warning | note
    message     varchar     not null,  -- plain sentence
    figures     varchar     not null,  -- JSON object: what was measured and the limit
    known_at    timestamptz not null,  -- UTC market time of the check
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (finding_id)
