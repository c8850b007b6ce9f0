-- What each strategy, model, symbol and sector contributed to the account's compounded return.
create table if not exists portfolio.attributions (
    session      date        not null,  -- from the first session to this one's close
    way          varchar     not null,  -- strategy | model | symbol | sector
    label        varchar     not null,  -- of the way; empty for the account's own or not known
    contribution double      not null,  -- fraction; those of a way add up to the total return
    known_at     timestamptz not null,  -- UTC market time
    recorded_at  timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                      -- key: (session, way, label, known_at)
