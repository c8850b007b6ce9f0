-- Option quotes at the close of a session, never edited: a correction is a row known later. What
-- the rules held back lies in quality.quarantine alone.
create table if not exists market.options (
    symbol             varchar     not null,  -- the share, as listed on that session
    session            date        not null,  -- exchange session, exchange-local date
    expiry             date        not null,  -- last day of the right
    strike             double      not null,  -- USD per share, as quoted then, > 0
    put_or_call        varchar     not null,  -- put | call; `right` is a word of SQL
    bid                double      not null,  -- USD per share, >= 0
    ask                double      not null,  -- USD per share, >= bid where it is quoted
    last               double,                -- USD per share; null where nobody told
    volume             bigint,                -- contracts of the session
    open_interest      bigint,                -- contracts
    underlying_price   double,                -- USD per share, as the quotes' source had it
    implied_volatility double,                -- per year, fraction, as the source computed it
    source             varchar     not null,  -- who delivered it
    feed               varchar,               -- the vendor's feed
    simulated          boolean     not null,  -- true when the prices are made up
    object_key         varchar,               -- raw object it came from
    known_at           timestamptz not null,  -- UTC market time; when this value reached the desk
    assumed            boolean     not null,  -- known_at is the close and a delay, not observed
    recorded_at        timestamptz not null   -- UTC wall time of writing; for audit only
);                                            -- key: (symbol, session, expiry, strike, put_or_call, known_at)
