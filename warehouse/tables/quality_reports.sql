-- Runs of a suite whose results were rendered as Data Docs.
create table if not exists quality.reports (
    report_id     varchar     not null,  -- UUIDv7
    suite         varchar     not null,  -- name of the suite
    first_session date        not null,  -- earliest session checked
    last_session  date        not null,  -- latest session checked
    expectations  integer     not null,  -- expectations evaluated
    passed        integer     not null,  -- expectations met
    path          varchar     not null,  -- page below the Data Docs' folder
    run_id        varchar,               -- Dagster run
    recorded_at   timestamptz not null   -- UTC wall time of writing
);                                       -- key: (report_id)
