-- Feature values per symbol and session, computed from what was known at that session's close.
create table if not exists features.daily (
    symbol      varchar     not null,  -- as listed on that session
    session     date        not null,  -- exchange session
    version     varchar     not null,  -- feature set, features.versions
    simulated   boolean     not null,  -- true when a simulated bar went in
    values      float[]     not null,  -- in the order of features.versions.names; NaN where undefined
    known_at    timestamptz not null,  -- UTC market time from which the values could be computed
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (symbol, session, version, known_at)
