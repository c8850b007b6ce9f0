-- Every configuration ever scored in a programme, hand-made, failed and pruned ones too; append-only.
create table if not exists models.trials (
    trial_id           varchar     not null,  -- UUIDv7
    programme          varchar     not null,  -- universe and asset class the search serves
    study              varchar     not null,  -- name of the search
    number             integer     not null,  -- number within the study
    configuration      varchar     not null,  -- JSON object: features, label, horizon, parameters, policy, costs
    configuration_hash varchar     not null,  -- SHA-256 of the canonical configuration
    state              varchar     not null,  -- complete | fail | pruned | walked (chosen among in windows)
    score              double,                -- objective of the study, larger is better; null unless complete
    first_session      date,                  -- session of returns[1]; null without returns
    returns            float[],               -- net returns per session, fractions; null without returns
    hand_made          boolean     not null,  -- true when a person chose the configuration
    recorded_at        timestamptz not null   -- UTC wall time of writing
);                                            -- key: (trial_id)
