-- What the calls of a record would have hit had they known nothing: what luck alone gives.
alter table models.records add column if not exists luck double;
