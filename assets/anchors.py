"""The audit log's end, kept in the lake after each decision."""

import dagster as dg
from sqlalchemy import Engine

from adapters import audit_anchors
from adapters.object_store import ObjectStore
from assets.partitions import SESSIONS, as_session
from assets.proposals import proposals_asset
from ledger import verification
from trading.ledger import Anchor


@dg.asset(
    deps=[proposals_asset],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="orders",
    kinds={"postgres", "s3"},
    owners=["team:desk"],
)
def audit_anchor(
    context: dg.AssetExecutionContext,
    ledger: dg.ResourceParam[Engine],
    store: dg.ResourceParam[ObjectStore],
) -> dg.MaterializeResult[None]:
    """The head of the audit log as an object of the lake, where the ledger cannot rewrite it."""
    session = as_session(context.partition_keys[-1])
    with ledger.connect() as conn:
        head = verification.head(conn)
    if head is None:
        return dg.MaterializeResult(metadata={"rows": 0})
    key = audit_anchors.keep(store, Anchor(session=session, seq=head.seq, hash=head.hash))
    return dg.MaterializeResult(metadata={"rows": head.seq, "hash": head.hash, "object": key})
