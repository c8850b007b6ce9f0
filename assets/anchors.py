"""The audit log's end, kept in the lake after each decision."""

import json
from collections.abc import Iterator
from datetime import date

import dagster as dg
from sqlalchemy import Engine

from adapters.object_store import ObjectStore
from assets.partitions import SESSIONS, as_session
from assets.proposals import proposals_asset
from ledger import verification
from ledger.verification import Anchor

PREFIX = "audit/anchors/"


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
    key = keep(store, Anchor(session=session, seq=head.seq, hash=head.hash))
    return dg.MaterializeResult(metadata={"rows": head.seq, "hash": head.hash, "object": key})


def keep(store: ObjectStore, anchor: Anchor) -> str:
    """Write an anchor, never over another; return its key."""
    key = f"{PREFIX}{anchor.session}-{anchor.seq:012}.json"
    told = {"session": anchor.session.isoformat(), "seq": anchor.seq, "hash": anchor.hash}
    store.put(key, json.dumps(told, sort_keys=True).encode())
    return key


def kept(store: ObjectStore) -> Iterator[Anchor]:
    """Yield all anchors, oldest first."""
    for found in store.list(PREFIX):
        told = json.loads(store.get(found.key))
        yield Anchor(date.fromisoformat(told["session"]), int(told["seq"]), str(told["hash"]))
