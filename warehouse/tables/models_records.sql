-- How matured forecasts of a model version did, in whole and in parts.
create table if not exists models.records (
    model_version varchar     not null,  -- models.versions
    kind          varchar     not null,  -- live | walk_forward
    part          varchar     not null,  -- all | symbol | regime | rolling
    name          varchar     not null,  -- symbol, regime, or last session of the window; "" for all
    last_session  date        not null,  -- newest decision session among them
    cases         integer     not null,  -- matured forecasts
    sessions      integer     not null,  -- decision sessions they were made in
    hit_rate      double      not null,  -- share of directions called rightly
    hit_low       double,                -- ends of the 95 % range over blocks of 21 sessions; null
    hit_high      double,                -- where there are fewer than 84 sessions
    brier         double      not null,  -- mean squared distance of probability and outcome
    brier_low     double,                -- its range, as of hit_rate
    brier_high    double,                -- the same
    coverage      double      not null,  -- share within the stated range, 0.8 by intent
    coverage_low  double,                -- its range, as of hit_rate
    coverage_high double,                -- the same
    ic            double,                -- mean rank correlation; null without 20 names a session
    ic_low        double,                -- its range, as of hit_rate
    ic_high       double,                -- the same
    icir          double,                -- ic over its deviation between sessions
    luck          double,                -- hit rate of the same calls, had they known nothing of
                                         -- outcomes; null in rows of older code
    lucky         boolean     not null,  -- nothing tells the hit rate from luck's (rows without
                                         -- luck: from a coin's)
    calibration   varchar     not null,  -- JSON: bins of probability and what became of them
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins
);                                       -- key: (model_version, kind, part, name, recorded_at)
