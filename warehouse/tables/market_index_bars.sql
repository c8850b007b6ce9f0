-- Daily bars of price indices, the benchmark of a universe; append-only.
create table if not exists market.index_bars (
    symbol      varchar     not null,  -- index, SPX is the S&P 500 price index
    session     date        not null,  -- exchange session, exchange-local date
    open        double      not null,  -- index points
    high        double      not null,  -- index points
    low         double      not null,  -- index points
    close       double      not null,  -- index points, > 0
    volume      bigint      not null,  -- shares traded in the members, 0 where not delivered
    source      varchar     not null,  -- who delivered it
    feed        varchar,               -- the vendor's feed; null where there is one only
    simulated   boolean     not null,  -- true when made up and not observed
    object_key  varchar,               -- object of the lake this row was read from
    known_at    timestamptz not null,  -- UTC market time; when this value reached the desk
    assumed     boolean     not null,  -- true: known_at is the session's close plus the source's lag
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (symbol, session, known_at)
