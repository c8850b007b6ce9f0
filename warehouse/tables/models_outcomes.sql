-- What became of a prediction when its horizon had passed.
create table if not exists models.outcomes (
    symbol          varchar     not null,  -- as listed on the decision session
    session         date        not null,  -- decision session
    model_version   varchar     not null,  -- models.versions
    kind            varchar     not null,  -- live | walk_forward | selection
    excess_return   double      not null,  -- realised, in excess of the benchmark, fraction
    outperformed    boolean     not null,  -- excess_return > 0
    matured_session date        not null,  -- session whose open ended the horizon, or of the last close
    known_at        timestamptz not null,  -- UTC market time of maturity
    recorded_at     timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                         -- key: (symbol, session, model_version, kind, known_at)
