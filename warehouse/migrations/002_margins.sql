-- What a model said before calibration: it ranks symbols that share one probability.
alter table models.predictions add column if not exists margin double;
