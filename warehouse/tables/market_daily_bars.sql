-- Daily bars as the exchange's consolidated tape (or the feed named) had them, never edited: a
-- correction is a further row of the same symbol and session with a later known_at.
create table if not exists market.daily_bars (
    symbol      varchar     not null,  -- as listed on that session
    session     date        not null,  -- exchange session, exchange-local date
    open        double      not null,  -- USD per share, unadjusted, > 0
    high        double      not null,  -- USD per share, unadjusted, the largest of the four
    low         double      not null,  -- USD per share, unadjusted, the smallest of the four
    close       double      not null,  -- USD per share, unadjusted, > 0
    volume      bigint      not null,  -- shares, >= 0
    source      varchar     not null,  -- who delivered it: sample, alpaca, file, ...
    feed        varchar,               -- the vendor's feed: sip, iex, ...; null where there is one only
    simulated   boolean     not null,  -- true when the price was made up and not observed
    object_key  varchar,               -- object of the lake this row was read from
    known_at    timestamptz not null,  -- UTC market time; when this value reached the desk
    assumed     boolean     not null,  -- true: known_at is the session's close plus the source's lag
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (symbol, session, known_at)
