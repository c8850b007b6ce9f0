-- Risk-free rate; a row holds from its session until the next row's.
create table if not exists market.rates (
    session     date        not null,  -- first exchange session the rate applies to
    annual_rate double      not null,  -- compounded rate per year, fraction (0.01 is 1 %)
    source      varchar     not null,  -- who delivered it
    known_at    timestamptz not null,  -- UTC market time; when this value reached the desk
    recorded_at timestamptz not null   -- UTC wall time of writing; for audit only
);                                     -- key: (session, known_at)
