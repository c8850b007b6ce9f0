"""Ends of the audit log as objects of the lake."""

import json
from collections.abc import Iterator
from datetime import date

from adapters.object_store import ObjectStore
from trading.ledger import Anchor

PREFIX = "audit/anchors/"


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
