-- The end-of-day report of each session; the object in the lake is the same text as a page.
create table if not exists portfolio.day_reports (
    session     date        not null,  -- exchange session
    text        varchar     not null,  -- Markdown
    object_key  varchar     not null,  -- of the lake: a self-contained HTML page
    known_at    timestamptz not null,  -- UTC market time
    recorded_at timestamptz not null   -- UTC wall time of writing; latest wins at equal known_at
);                                     -- key: (session, known_at)
