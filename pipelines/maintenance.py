"""The warehouse kept small: files merged, snapshots that nobody needs expired, leavings removed."""

import dagster as dg
import sqlalchemy as sa
from sqlalchemy import Engine

from ledger.tables import proposals
from trading.clock import DeskClock
from warehouse import Warehouse
from warehouse import maintenance as upkeep


@dg.op
def keep_the_warehouse_small(
    context: dg.OpExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    desk_clock: dg.ResourceParam[DeskClock],
) -> None:
    """Merge small files; expire and remove what no model, proposal or signature refers to."""
    with ledger.connect() as conn:
        # A signature is bound to its proposal's content, and so to that snapshot.
        signed = conn.scalars(
            sa.select(proposals.c.snapshot_id).where(proposals.c.snapshot_id.is_not(None))
        )
        pinned = frozenset(int(snapshot) for snapshot in signed)
    done = upkeep.maintain(warehouse, pinned=pinned, now=desk_clock.now())
    context.log.info(done.sentence)
    context.add_output_metadata(
        {
            "files_merged": done.merged,
            "snapshots_expired": done.expired,
            "snapshots_kept": done.kept,
            "files_removed": done.removed,
        }
    )


@dg.job(description="Compact the warehouse, expire old snapshots, remove leavings.")
def maintenance() -> None:
    """Compact the warehouse, expire old snapshots, remove leavings."""
    keep_the_warehouse_small()


nightly_maintenance = dg.ScheduleDefinition(
    name="nightly_maintenance",
    job=maintenance,
    cron_schedule="30 3 * * *",  # wall time, when nobody waits for a page
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
