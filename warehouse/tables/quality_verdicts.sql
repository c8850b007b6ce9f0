-- Whether the data of a symbol and session may be used. No verdict means it may not.
create table if not exists quality.verdicts (
    dataset       varchar     not null,  -- daily_bars | minute_bars | corporate_actions | ...
    symbol        varchar     not null,  -- as listed on that session
    session       date        not null,  -- exchange session
    status        varchar     not null,  -- passed | held | released | confirmed (held for good)
    checks        integer     not null,  -- rules applied
    checks_passed integer     not null,  -- rules without an error
    finding_id    varchar,               -- the worst finding, null when passed
    report        varchar,               -- path of the report's page below the Data Docs
    known_at      timestamptz not null,  -- UTC market time of the verdict
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (dataset, symbol, session, known_at, recorded_at)
