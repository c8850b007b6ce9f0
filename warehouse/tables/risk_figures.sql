-- Risk figures per session and portfolio; losses are positive.
create table if not exists risk.figures (
    session     date        not null,  -- figures after the close of this session
    portfolio   varchar     not null,  -- total, a symbol, a strategy, a proposal
    measure     varchar     not null,  -- value_at_risk | expected_shortfall | volatility | beta | exposure | ...
    method      varchar     not null,  -- historical | normal | ewma | ...
    level       double,                -- confidence level, 0 to 1; null where there is none
    horizon     integer     not null,  -- sessions
    value       double      not null,  -- in `unit`
    unit        varchar     not null,  -- fraction | USD | ratio | ...
    n_obs       integer     not null,  -- observations behind it
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, portfolio, measure, method, level, horizon, known_at)
