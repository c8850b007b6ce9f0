-- What an intraday strategy wanted after a minute bar; nothing is sent because of it.
create table if not exists portfolio.intraday_signals (
    session     date        not null,  -- exchange session
    symbol      varchar     not null,  -- as listed on that session
    strategy    varchar     not null,  -- name of the rules
    bar_start   timestamptz not null,  -- UTC; start of the newest bar the rules had
    side        integer     not null,  -- position wanted: 1 long, 0 none, -1 short
    close       double      not null,  -- USD per share, of that bar
    stop        double,                -- USD per share, of a position begun next; null where none is
    simulated   boolean     not null,  -- whether any bar it looked at was
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, symbol, strategy, bar_start, known_at)
