-- What stands beside a version's gates: capacity, shortfall, ideas among its trials, members.
create table if not exists models.evidence (
    model_version varchar     not null,  -- models.versions, or the name of a classical strategy
    kind          varchar     not null,  -- capacity | shortfall | trials | features | members
    content       varchar     not null,  -- JSON
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins
);                                       -- key: (model_version, kind, recorded_at)
