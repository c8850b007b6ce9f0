-- What decisions earned or cost, by how they are cut, over all closed cases up to a session.
create table if not exists portfolio.shadow_figures (
    session     date        not null,  -- up to its close
    verdict     varchar     not null,  -- signed | vetoed | expired | lapsed
    cut         varchar     not null,  -- all | person | reason | strategy
    label       varchar     not null,  -- of the cut; empty for all
    cases       integer     not null,  -- closed
    profit      double      not null,  -- USD, net: what the cases earned; a veto earned its negative
    mean_bps    double,                -- profit per case over its notional, basis points
    low_bps     double,                -- 95 % block bootstrap; null: too few to say
    high_bps    double,                -- the interval's other end
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, verdict, cut, label, known_at)
