-- Profit by session, symbol, strategy and model; a session's profits add up to the account's.
create table if not exists portfolio.results (
    session       date        not null,  -- exchange session
    symbol        varchar     not null,  -- as listed on that session; empty for the account's own
    strategy      varchar     not null,  -- that opened the lots; empty for the account's own
    model_version varchar     not null,  -- empty when entered by hand
    sector        varchar     not null,  -- empty when not known
    profit        double      not null,  -- USD: change of value plus cash, dividends in, net of fees
    value         double      not null,  -- USD at the close
    fees          double      not null,  -- USD
    income        double      not null,  -- USD: dividends, interest, cash for fractions
    known_at      timestamptz not null,  -- UTC market time
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (session, symbol, strategy, model_version, known_at)
