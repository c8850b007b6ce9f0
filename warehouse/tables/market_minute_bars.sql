-- Bars of one minute, regular and extended hours, in the order of the tape; append-only.
create table if not exists market.minute_bars (
    symbol      varchar     not null,  -- as listed on that session
    session     date        not null,  -- exchange session, exchange-local date
    bar_start   timestamptz not null,  -- UTC; first instant of the minute
    open        double      not null,  -- USD per share, unadjusted, > 0
    high        double      not null,  -- USD per share, unadjusted
    low         double      not null,  -- USD per share, unadjusted
    close       double      not null,  -- USD per share, unadjusted, > 0
    volume      bigint      not null,  -- shares, >= 0
    source      varchar     not null,  -- who delivered it
    feed        varchar,               -- the vendor's feed; null where there is one only
    simulated   boolean     not null,  -- true when the minute was made up from the daily bar
    healed      boolean     not null,  -- true when fetched later to fill a gap of the live feed
    known_at    timestamptz not null,  -- UTC market time; end of the minute plus the source's lag
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (symbol, bar_start, known_at)
