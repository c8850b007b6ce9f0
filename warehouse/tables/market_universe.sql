-- Membership of a named list of symbols by session.
create table if not exists market.universe (
    universe      varchar     not null,  -- name of the list
    symbol        varchar     not null,  -- as listed while a member
    from_session  date        not null,  -- first session of membership
    to_session    date,                  -- last session of membership; null while it lasts
    sector        varchar,               -- sector label of the configuration
    point_in_time boolean     not null,  -- false: chosen with hindsight
    known_at      timestamptz not null,  -- UTC market time; when the desk learned of the membership
    recorded_at   timestamptz not null   -- UTC wall time of writing; for audit only
);                                       -- key: (universe, symbol, from_session, known_at)
