-- Lots that were open at a session's close, first in first out; the sum of a symbol is its position.
create table if not exists portfolio.lots (
    session       date        not null,  -- at its close
    lot_id        varchar     not null,  -- execution that opened it
    symbol        varchar     not null,  -- as listed on that session
    strategy      varchar     not null,  -- that opened it
    model_version varchar     not null,  -- empty when entered by hand
    opened        date        not null,  -- session
    quantity      double      not null,  -- shares of that session, negative when short
    price         double      not null,  -- USD per share of that session, as paid
    fee           double      not null,  -- USD, of the opening trade, for what is still open
    value         double      not null,  -- USD at the close
    unrealised    double      not null,  -- USD, value less cost and fee
    known_at      timestamptz not null,  -- UTC market time
    recorded_at   timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                       -- key: (session, lot_id, known_at)
