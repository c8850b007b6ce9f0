-- When a version became champion: what it said before is judged no more. Of earlier champions it was
-- not kept, and all they said counts.
alter table models.versions add column if not exists promoted_at timestamptz;
