-- Parts of lots that a trade closed, and what they realised.
create table if not exists portfolio.closings (
    lot_id        varchar     not null,  -- execution that opened it
    closed_by     varchar     not null,  -- execution that closed it
    session       date        not null,  -- of the closing
    symbol        varchar     not null,  -- as listed on that session
    strategy      varchar     not null,  -- that opened it
    model_version varchar     not null,  -- empty when entered by hand
    opened        date        not null,  -- session
    quantity      double      not null,  -- shares of the closing session, negative for a short
    open_price    double      not null,  -- USD per share of the closing session, as paid
    close_price   double      not null,  -- USD per share
    fees          double      not null,  -- USD, of both trades
    realised      double      not null,  -- USD, net of fees
    known_at      timestamptz not null,  -- UTC market time
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (lot_id, closed_by, session, known_at)
