-- Predictions made after the close of a session with what was known then.
create table if not exists models.predictions (
    symbol          varchar     not null,  -- as listed on that session
    session         date        not null,  -- decision session; entry at the next open
    model_version   varchar     not null,  -- models.versions
    kind            varchar     not null,  -- live | walk_forward | selection
    probability     double      not null,  -- of outperforming the benchmark over the horizon, 0 to 1
    margin          double,                -- log-odds before calibration; null in rows of older code
    expected_return double      not null,  -- in excess of the benchmark over the horizon, fraction
    low             double      not null,  -- lower end of the interval of that return, fraction
    high            double      not null,  -- upper end of the interval of that return, fraction
    horizon         integer     not null,  -- sessions
    volatility      double      not null,  -- per year, fraction, known at the session
    contributions   varchar     not null,  -- JSON: [{feature, meaning, value, points}], largest first
    feature_version varchar     not null,  -- features.versions
    snapshot_id     bigint      not null,  -- warehouse snapshot the features were read at
    simulated       boolean     not null,  -- true when simulated data went in
    known_at        timestamptz not null,  -- UTC market time
    recorded_at     timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                         -- key: (symbol, session, model_version, kind, known_at)
