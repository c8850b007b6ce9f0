-- Target weights a strategy asks for after the close of a session.
create table if not exists portfolio.signals (
    session       date        not null,  -- decision session
    symbol        varchar     not null,  -- as listed on that session
    strategy      varchar     not null,  -- name of the policy
    model_version varchar,               -- models.versions; null for a strategy without model
    target_weight double      not null,  -- signed share of equity, fraction
    probability   double,                -- of the prediction behind it; null without model
    known_at      timestamptz not null,  -- UTC market time
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (session, symbol, strategy, known_at)
