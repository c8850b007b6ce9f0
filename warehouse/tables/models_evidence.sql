-- What stands beside a version's gates: figures over cash, capacity, shortfall, ideas, members.
create table if not exists models.evidence (
    model_version varchar     not null,  -- models.versions, or the name of a classical strategy
    kind          varchar     not null,  -- absolute | capacity | shortfall | trials | ...
    content       varchar     not null,  -- JSON
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins
);                                       -- key: (model_version, kind, recorded_at)
