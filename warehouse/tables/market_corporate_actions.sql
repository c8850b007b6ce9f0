-- Events that change what one share is or pays; append-only. A later known_at of the same key
-- corrects the record: ratio 1 or amount 0 cancels it.
create table if not exists market.corporate_actions (
    symbol      varchar     not null,  -- as listed on the ex-date
    ex_date     date        not null,  -- first session that trades without the entitlement
    kind        varchar     not null,  -- split | cash_dividend | symbol_change | delisting
    ratio       double,                -- split: new shares per old share (2.0 doubles the count), > 0
    amount      double,                -- cash_dividend: USD per share held before the ex-date, > 0
    detail      varchar,               -- symbol_change: the new symbol
    source      varchar     not null,  -- who delivered it
    implied     boolean     not null,  -- true when derived from an adjusted price and not announced
    known_at    timestamptz not null,  -- UTC market time; announcement, else open of the ex-date
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (symbol, ex_date, kind, known_at)
