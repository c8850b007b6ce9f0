-- Registered model versions, one row per state of a version; append-only.
create table if not exists models.versions (
    model_version   varchar     not null,  -- name/number in the registry
    run_id          varchar,               -- MLflow run; null while the registry was not reached
    feature_version varchar     not null,  -- features.versions
    snapshot_id     bigint      not null,  -- warehouse snapshot it was trained on
    programme       varchar     not null,  -- universe and asset class
    first_session   date        not null,  -- first training session
    last_session    date        not null,  -- last training session
    rows            bigint      not null,  -- training rows
    horizon         integer     not null,  -- sessions from entry to exit of the label
    hyperparameters varchar     not null,  -- JSON object
    base_rate       double      not null,  -- share of outperforming rows in training, 0 to 1
    calibration     varchar     not null,  -- JSON: [{predicted, observed, count}], shares 0 to 1
    importance      varchar     not null,  -- JSON: [{feature, meaning, value}], mean absolute points
    simulated       boolean     not null,  -- true when trained on simulated data
    status          varchar     not null,  -- challenger | champion | retired | demoted (no entries)
    trained_at      timestamptz not null,  -- UTC market time of training
    waived_until    timestamptz,           -- UTC market time; null unless a waiver made it champion
    promoted_at     timestamptz,           -- UTC market time it last became champion; null if never
    recorded_at     timestamptz not null   -- UTC wall time of writing; the latest row is the state
);                                         -- key: (model_version, recorded_at)
