-- What the desk decided for each symbol after a session, and why; one row per symbol and session.
create table if not exists portfolio.decisions (
    session     date        not null,  -- decision session
    symbol      varchar     not null,  -- as listed on that session
    outcome     varchar     not null,  -- proposed | denied | none
    reason_code varchar     not null,  -- stable name of the reason
    sentence    varchar     not null,  -- the reason in words
    figures     varchar     not null,  -- JSON object: the figures of the sentence
    proposal_id varchar,               -- desk.proposals; null when none was made
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, symbol, known_at)
