-- Feature sets by the hash of names, parameters and kernel source.
create table if not exists features.versions (
    version       varchar     not null,  -- hash of the set
    names         varchar[]   not null,  -- features in the order of features.daily.values
    registered_at timestamptz not null   -- UTC wall time of first use
);                                       -- key: (version)
