-- What each gate said of a model version, with its figure and threshold.
create table if not exists models.gates (
    model_version varchar     not null,  -- models.versions
    gate          varchar     not null,  -- name in gates.toml
    value         double,                -- measured; null when it could not be measured
    threshold     double      not null,  -- from gates.toml; infinite when no figure can meet it
    comparison    varchar     not null,  -- > | >= | < | <= | =
    passed        boolean     not null,  -- false also when it could not be measured
    reason        varchar     not null,  -- why the threshold is what it is
    sentence      varchar     not null,  -- the verdict in words
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins
);                                       -- key: (model_version, gate, recorded_at)
