-- When the first waiver ends that made a version champion. Of earlier champions it was not kept: for
-- one that misses a gate it counts as ended, until somebody promotes it anew.
alter table models.versions add column if not exists waived_until timestamptz;
update models.versions
set waived_until = trained_at
where status = 'champion' and waived_until is null
  and model_version in (
      select model_version from models.gates
      group by model_version, gate having not arg_max(passed, recorded_at)
  );
