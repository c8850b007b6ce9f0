-- What each decided leg would have earned by one fill model, whatever people decided about it.
create table if not exists portfolio.shadow_cases (
    proposal_id varchar     not null,  -- desk.proposals
    leg_no      integer     not null,  -- from 1
    code        varchar     not null,  -- as people know the proposal
    session     date        not null,  -- decision session
    strategy    varchar     not null,  -- that proposed it
    verdict     varchar     not null,  -- signed | vetoed | expired | lapsed
    person      varchar     not null,  -- who vetoed; empty otherwise
    reason      varchar     not null,  -- the veto's reason; empty otherwise
    symbol      varchar     not null,  -- as listed on the decision session
    side        varchar     not null,  -- buy | sell
    status      varchar     not null,  -- waiting | unfilled | held | closed
    quantity    double      not null,  -- shares entered, of the decision session
    entry       double,                -- USD per share of the decision session, costs included
    exit        double,                -- the same; null until it has left
    entered     date,                  -- session
    left_at     date,                  -- session
    notional    double      not null,  -- USD at the entry
    profit      double      not null,  -- USD, net of costs; to the last close while it is held
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (proposal_id, leg_no, session, known_at)
