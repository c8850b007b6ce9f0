-- Who may be bought after a session, and why not the others: one row per symbol and session.
create table if not exists market.eligibility (
    universe          varchar     not null,  -- name of the list
    symbol            varchar     not null,  -- as listed on that session
    session           date        not null,  -- decision session
    eligible          boolean     not null,  -- whether a position may be opened
    tier              varchar     not null,  -- core | extended | none
    reasons           varchar     not null,  -- sentences against it, JSON array; empty if eligible
    sessions          bigint      not null,  -- usable sessions of history
    close             double,                -- USD per share, unadjusted; null without a usable bar
    dollar_volume     double,                -- mean USD traded a session, 21 sessions
    spread            double,                -- estimate of Corwin & Schultz, fraction of price
    volatility        double,                -- of 63 sessions, per year, fraction
    volatility_bucket varchar     not null,  -- low | normal | high | extreme | unknown
    shortable         boolean,               -- as the broker said; null where it was not asked
    market_cap        double,                -- USD, shares known then times close; null: no source
    next_earnings     date,                  -- report that bars an entry; null for none
    known_at          timestamptz not null,  -- UTC market time
    recorded_at       timestamptz not null   -- UTC wall time of writing; latest wins
);                                           -- key: (universe, symbol, session, known_at)
