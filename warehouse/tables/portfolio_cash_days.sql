-- The cash ledger by session, beside what the broker said.
create table if not exists portfolio.cash_days (
    session     date        not null,  -- exchange session
    opening     double      not null,  -- USD, the closing before it
    trades      double      not null,  -- USD, purchases negative
    fees        double      not null,  -- USD, negative
    dividends   double      not null,  -- USD
    interest    double      not null,  -- USD
    transfers   double      not null,  -- USD, paid out negative
    other       double      not null,  -- USD: cash for fractions and the like
    closing     double      not null,  -- USD, opening and all that moved
    told        double,                -- USD, what the broker said; null when it was not heard
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, known_at)
