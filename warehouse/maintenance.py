"""Keep the warehouse small while others read and write it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from warehouse import migrate
from warehouse.connection import Warehouse
from warehouse.frames import require_aware

# Time travel by hand reaches back this far; what models and proposals refer to stays for ever.
KEPT = timedelta(days=7)
# A writer's files lie in the folder before its transaction names them. No transaction lives for
# an hour; a day leaves room for clocks that disagree and for a machine that slept.
SAFE_AGE = timedelta(days=1)
_PINNED = """
select snapshot_id from models.versions
union
select snapshot_id from models.predictions
"""
_OLD = "select snapshot_id from ducklake_snapshots('lake') where snapshot_time < $before"
_MERGE = "call ducklake_merge_adjacent_files('lake', '{table}', schema => '{schema}')"
_EXPIRE = "call ducklake_expire_snapshots('lake', versions => [{versions}])"
_CLEAN = "call ducklake_cleanup_old_files('lake', older_than => $before::timestamptz)"
_ORPHANS = "call ducklake_delete_orphaned_files('lake', older_than => $before::timestamptz)"


@dataclass(frozen=True)
class Done:
    """What a round of maintenance did."""

    merged: int  # files written in place of smaller ones
    expired: int  # snapshots
    kept: int  # old snapshots that something refers to
    removed: int  # files

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        return (
            f"{self.merged} files made of smaller ones, {self.expired} snapshots expired "
            f"({self.kept} old ones kept), {self.removed} files removed."
        )


def maintain(
    warehouse: Warehouse,
    *,
    pinned: Collection[int],
    now: datetime,
    kept: timedelta = KEPT,
    safe_age: timedelta = SAFE_AGE,
) -> Done:
    """Compact, expire and remove; safe while others read and write, and one round at a time.

    Parameters
    ----------
    warehouse : Warehouse
        Open for writing.
    pinned : collection of int
        Snapshots that the ledger refers to; those of models and predictions are added here.
    now : datetime
        Aware wall time, as the snapshots are dated.
    kept : timedelta
        Younger snapshots stay.
    safe_age : timedelta
        Younger files stay even if no snapshot names them: their writer may not have committed.

    Raises
    ------
    WriteConflictError
        If another round holds the lock.
    """
    require_aware(now, name="now")
    with warehouse.alone("maintenance") as conn:
        merged = sum(_merged(warehouse, name) for name in migrate.tables())
        old = {int(row[0]) for row in conn.execute(_OLD, {"before": now - kept}).fetchall()}
        needed = {*pinned, *(int(row[0]) for row in conn.execute(_PINNED).fetchall())}
        newest = conn.execute("select id from lake.current_snapshot()").fetchone()
        assert newest is not None
        gone = sorted(old - needed - {int(newest[0])})
        if gone:
            conn.execute(_EXPIRE.format(versions=", ".join(str(one) for one in gone)))
        before = {"before": now - safe_age}
        removed = len(conn.execute(_CLEAN, before).fetchall())
        removed += len(conn.execute(_ORPHANS, before).fetchall())
    return Done(merged, len(gone), len(old & needed), removed)


def _merged(warehouse: Warehouse, name: str) -> int:
    """Merge the small files of a table while nobody else writes it; return files made."""
    schema, _, table = name.partition(".")

    def work(conn: duckdb.DuckDBPyConnection) -> int:
        made = conn.execute(_MERGE.format(table=table, schema=schema)).fetchall()
        return len(made)

    return warehouse.write(work, name)
