-- A gate whose threshold nobody knows (no track record is long enough for a loss) has none.
alter table models.gates alter column threshold drop not null;
