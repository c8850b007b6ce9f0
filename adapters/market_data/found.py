"""Objects that others put into the lake: looked through, and given a manifest of their own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.market_data.landing import (
    FOLDERS,
    LANDED_BY,
    SIMULATED,
    Kind,
    LandedObject,
    Landing,
    conformed,
    described,
    landings,
    record,
)
from adapters.object_store.errors import ObjectDamagedError, ObjectMissingError
from adapters.object_store.protocol import ObjectInfo, ObjectStore, require_digest

SOURCE = "bucket"
LOADED: tuple[Kind, ...] = ("daily", "index", "actions", "minute", "options")
_SIDECAR = ".sha256"  # an object of this name beside another holds its digest


@dataclass(frozen=True)
class Refused:
    """An object that cannot be used, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Found:
    """What became of objects without a manifest."""

    landings: tuple[Landing, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class Strangers:
    """The objects that no manifest names, of those that were looked at."""

    objects: tuple[ObjectInfo, ...]  # in key order
    upto: str  # the last key that was looked at; empty when none is left behind it


def strangers(
    store: ObjectStore, kind: Kind, *, after: str = "", before: datetime, most: int | None = None
) -> Strangers:
    """Return the Parquet objects of a kind that no manifest names.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    kind : str
        Whose folder is listed.
    after : str
        Key to go on after.
    before : datetime
        Wall time (UTC); what was modified since may still be on its way and is left for later.
    most : int, optional
        How many objects are looked at; all when None.
    """
    known = {o.key for landing in landings(store, kind) for o in landing.objects}
    seen = list(islice(store.list(f"{FOLDERS[kind]}/", after=after), most))
    return Strangers(
        tuple(
            info
            for info in seen
            if info.key.endswith(".parquet") and info.key not in known and info.modified_at < before
        ),
        upto=seen[-1].key if len(seen) == most else "",
    )


def adopt(
    store: ObjectStore,
    kind: Kind,
    keys: Sequence[str],
    *,
    landed_at: datetime,
    market_at: datetime,
) -> Found:
    """Look objects through and write manifests for those that are whole; the others are told.

    An object must be Parquet with the columns of its kind, and agree with the digest in
    `KEY.sha256` where that lies beside it. One that a landing of the desk wrote before it was cut
    short is left alone: that landing is repeated by whoever made it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    kind : str
        What the rows are.
    keys : sequence of str
        Objects, from `strangers`.
    landed_at, market_at : datetime
        Wall time and market time, aware.

    Raises
    ------
    StoreError
        If the lake cannot be read or written.
    """
    whole: dict[bool, list[LandedObject]] = {}
    refused: list[Refused] = []
    for key in keys:
        try:
            seen = _seen(store, kind, key)
        except (ObjectDamagedError, ObjectMissingError, ValueError) as e:
            refused.append(Refused(key, str(e)))
            continue
        if seen is not None:
            simulated, landed = seen
            whole.setdefault(simulated, []).append(landed)
    made = [
        record(
            store,
            Landing(
                kind, SOURCE, None, simulated, landed_at.astimezone(UTC),
                market_at.astimezone(UTC), tuple(objects),
            ),
        )
        for simulated, objects in whole.items()
    ]  # fmt: skip
    return Found(tuple(made), tuple(refused))


def _seen(store: ObjectStore, kind: Kind, key: str) -> tuple[bool, LandedObject] | None:
    """Return whether an object is simulated, and its description; None for one of the desk's."""
    data = store.get(key)
    if store.exists(key + _SIDECAR):
        told = store.get(key + _SIDECAR).decode(errors="replace").split()
        require_digest(data, told[0].lower() if told else "", key=key, name=store.name)
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as e:
        raise ObjectDamagedError(
            f"The object {key} in {store.name} is no whole Parquet file: {e}. Put it there again, "
            "or remove it."
        ) from e
    about = table.schema.metadata or {}
    if LANDED_BY in about:
        return None
    try:
        rows = conformed(pl.DataFrame(table), kind)
    except ValueError as e:
        raise ValueError(
            f"The object {key} in {store.name} cannot be used: {e} Land it with "
            "./desk ingest, which maps columns."
        ) from e
    return SIMULATED in about, described(key, data, rows)
