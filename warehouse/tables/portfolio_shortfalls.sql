-- Implementation shortfall of each leg that was sent, against proposal and arrival.
create table if not exists portfolio.shortfalls (
    code           varchar     not null,  -- proposal, as people know it
    leg_no         integer     not null,  -- from 1
    session        date        not null,  -- of its first order
    strategy       varchar     not null,  -- that proposed it
    symbol         varchar     not null,  -- as listed on that session
    side           varchar     not null,  -- buy | sell
    quantity       double      not null,  -- shares decided on
    filled         double      not null,  -- shares
    decision_price double      not null,  -- USD per share, of the proposal
    arrival_price  double      not null,  -- USD per share, when its first order was made
    delay          double      not null,  -- USD, from proposal to arrival; costs are positive
    execution      double      not null,  -- USD, from arrival to fills
    opportunity    double      not null,  -- USD, of what was not filled, to the session's close
    fees           double      not null,  -- USD
    total_bps      double      not null,  -- sum of the four over the value decided on
    known_at       timestamptz not null,  -- UTC market time
    recorded_at    timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                        -- key: (code, leg_no, session, known_at)
