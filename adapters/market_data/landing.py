"""Write delivered frames into the lake: Parquet objects, and one manifest per landing."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any, Literal

import polars as pl
import pyarrow.parquet as pq

from adapters.object_store.errors import ObjectDamagedError, ObjectMissingError, StoreError
from adapters.object_store.protocol import ObjectStore, digest

Kind = Literal["daily", "minute", "index", "rates", "actions", "options"]
INSTANT = pl.Datetime("us", "UTC")
_BAR: dict[str, Any] = {
    "symbol": pl.String, "session": pl.Date, "open": pl.Float64, "high": pl.Float64,
    "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64,
}  # fmt: skip
COLUMNS: dict[Kind, dict[str, Any]] = {
    "daily": _BAR,
    "minute": {"symbol": pl.String, "session": pl.Date, "bar_start": INSTANT}
    | {name: _BAR[name] for name in ("open", "high", "low", "close", "volume")},
    "index": _BAR,
    "rates": {"session": pl.Date, "annual_rate": pl.Float64},
    "actions": {
        "symbol": pl.String, "session": pl.Date, "kind": pl.String, "ratio": pl.Float64,
        "amount": pl.Float64, "implied": pl.Boolean,
    },
    "options": {
        "symbol": pl.String, "session": pl.Date, "expiry": pl.Date, "strike": pl.Float64,
        "right": pl.String, "bid": pl.Float64, "ask": pl.Float64, "last": pl.Float64,
        "volume": pl.Int64, "open_interest": pl.Int64, "underlying_price": pl.Float64,
        "implied_volatility": pl.Float64,
    },
}  # fmt: skip
# Columns an object has only where a delivery says something in them.
OPTIONAL: dict[Kind, dict[str, Any]] = {
    "actions": {"detail": pl.String, "announced_at": INSTANT},
}
FOLDERS: dict[Kind, str] = {
    "daily": "equities/daily",
    "minute": "equities/minute",
    "index": "indices/daily",
    "rates": "rates",
    "actions": "corporate_actions",
    "options": "options/chains",
}
# What a Parquet object says of itself: who wrote it, and whether its prices are made up.
LANDED_BY, SIMULATED = b"countersign.landed_by", b"countersign.simulated"
_SORTED_BY = ("symbol", "session", "bar_start", "kind", "expiry", "strike", "right")
_FEW_SESSIONS = 31  # a delivery of a month or less is kept by session, a history by symbol and year
_ROW_GROUP = 122_880
_WRITERS = 8  # each waits for the disk or the network most of the time
_CORRECTION = "__"  # between an object's place and the hash of a later delivery for it


@dataclass(frozen=True)
class LandedObject:
    """One Parquet object of a landing."""

    key: str
    sha256: str
    size: int  # bytes
    rows: int
    first: date  # earliest session
    last: date  # latest session
    symbols: tuple[str, ...]  # empty for data without symbols


@dataclass(frozen=True)
class Landing:
    """The manifest of a landing: what was delivered, by whom, when."""

    kind: Kind
    source: str
    feed: str | None
    simulated: bool
    landed_at: datetime  # UTC wall time
    market_at: datetime  # UTC market time; differing values count as known from then on
    objects: tuple[LandedObject, ...]
    key: str = ""  # of the manifest; empty when everything had been landed before

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the objects."""
        return tuple(o.key for o in self.objects)

    @property
    def rows(self) -> int:
        """Rows in all objects."""
        return sum(o.rows for o in self.objects)


def land(
    store: ObjectStore,
    frame: pl.DataFrame,
    *,
    kind: Kind,
    source: str,
    feed: str | None = None,
    simulated: bool = False,
    landed_at: datetime,
    market_at: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Landing:
    """Write a delivered frame into the lake; what was landed before is not written again.

    Objects come first and the manifest last, and readers go by manifests: a landing that is cut
    short is invisible, and repeating it completes it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    frame : polars.DataFrame
        daily and index: symbol, session, open, high, low, close (USD or points, unadjusted),
        volume. minute: also bar_start (UTC). rates: session, annual_rate (fraction). actions:
        symbol, session or ex_date, kind, ratio, amount, implied, and where known detail (the new
        symbol of a symbol_change) and announced_at (UTC). options: `COLUMNS["options"]`.
    kind : str
        What the rows are.
    source, feed : str
        Who delivered them, and the vendor's feed.
    simulated : bool
        Whether the prices are made up.
    landed_at, market_at : datetime
        Wall time and market time of the landing, aware.
    progress : callable, optional
        Called with objects done and objects in all.

    Returns
    -------
    Landing
        With `key` empty when nothing was new.

    Raises
    ------
    ValueError
        If a column is missing or there is no row.
    StoreError
        If the lake cannot be written.
    """
    parts = list(_parts(kind, conformed(frame, kind)))
    newest = newest_objects(store, kind)
    about = {LANDED_BY: b"desk"} | ({SIMULATED: b"true"} if simulated else {})

    def put(part: tuple[str, pl.DataFrame]) -> tuple[LandedObject, bool]:
        return _put(store, *part, newest, about)

    objects, fresh = [], False
    with ThreadPoolExecutor(_WRITERS) as pool:
        for done, (landed, is_new) in enumerate(_in_order(pool, put, parts), start=1):
            objects.append(landed)
            fresh = fresh or is_new
            if progress is not None:
                progress(done, len(parts))
    landing = Landing(
        kind, source, feed, simulated, landed_at.astimezone(UTC), market_at.astimezone(UTC),
        tuple(objects),
    )  # fmt: skip
    if not fresh:
        return landing
    return record(store, landing)


def record(store: ObjectStore, landing: Landing) -> Landing:
    """Write the manifest that makes a landing's objects visible; return it with its key."""
    data = _written(landing)
    key = f"{_manifests(landing.kind)}{landing.landed_at:%Y%m%dT%H%M%S%fZ}-{digest(data)[:8]}.json"
    store.put(key, data)
    return replace(landing, key=key)


def landings(store: ObjectStore, kind: Kind, *, after: str = "") -> tuple[Landing, ...]:
    """Return the landings of a kind in the order they were made.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    kind : str
        What the rows are.
    after : str
        Key of the last manifest that is known already.
    """
    found = store.list(_manifests(kind), after=after)
    return tuple(_manifest(store, info.key) for info in found)


def newest_objects(store: ObjectStore, kind: Kind) -> dict[str, LandedObject]:
    """Return the object landed last for each place (key without its correction's suffix)."""
    return {place_of(o.key): o for landing in landings(store, kind) for o in landing.objects}


def conformed(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Return a delivered frame with the columns, types and order of a landed object.

    Raises
    ------
    ValueError
        If a column is missing or cannot have its type, or there is no row.
    """
    columns = COLUMNS[kind]
    if kind == "actions" and "session" not in frame.columns and "ex_date" in frame.columns:
        frame = frame.rename({"ex_date": "session"})
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(
            f"Rows of kind {kind} must have the columns {', '.join(missing)}; "
            f"the frame has {', '.join(frame.columns) or 'none'}."
        )
    if frame.is_empty():
        raise ValueError(f"A landing of kind {kind} must have rows, was empty.")
    said = {
        name: dtype
        for name, dtype in OPTIONAL.get(kind, {}).items()
        if name in frame.columns and frame[name].null_count() < frame.height
    }
    order = [name for name in _SORTED_BY if name in columns]
    try:
        typed = frame.select(pl.col(name).cast(dtype) for name, dtype in (columns | said).items())
    except pl.exceptions.PolarsError as e:
        raise ValueError(f"Rows of kind {kind} do not fit their columns: {e}") from e
    if typed["session"].null_count():
        raise ValueError(
            f"Rows of kind {kind} must name their session; {typed['session'].null_count()} of "
            f"{typed.height} do not."
        )
    return typed.sort(order)


def _parts(kind: Kind, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the place of each object, without suffix, and its rows."""
    folder = FOLDERS[kind]
    year = pl.col("session").dt.year().alias("year")
    if kind in {"minute", "options"}:
        for (session, symbol), part in frame.partition_by(
            "session", "symbol", as_dict=True, maintain_order=True
        ).items():
            yield f"{folder}/session={session}/{_name(symbol)}", part
    elif kind in {"rates", "actions"}:
        for (at,), part in _split(frame, [year]):
            yield f"{folder}/{at}", part
    elif frame["session"].n_unique() <= _FEW_SESSIONS:
        for (session,), part in _split(frame, [pl.col("session")]):
            yield f"{folder}/session={session}/bars", part
    else:
        for (symbol, at), part in _split(frame, [pl.col("symbol"), year]):
            yield f"{folder}/symbol={_name(symbol)}/{at}", part


def _split(
    frame: pl.DataFrame, by: Sequence[pl.Expr]
) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    yield from frame.group_by(*by, maintain_order=True)


def _in_order(
    pool: ThreadPoolExecutor,
    put: Callable[[tuple[str, pl.DataFrame]], tuple[LandedObject, bool]],
    parts: Sequence[tuple[str, pl.DataFrame]],
) -> Iterator[tuple[LandedObject, bool]]:
    """Yield what `put` returns for each part; after an error no further part is begun."""
    waiting = [pool.submit(put, part) for part in parts]
    try:
        for one in waiting:
            yield one.result()
    except StoreError:
        for one in waiting:
            one.cancel()
        raise


def _put(
    store: ObjectStore,
    place: str,
    rows: pl.DataFrame,
    newest: dict[str, LandedObject],
    about: Mapping[bytes, bytes],
) -> tuple[LandedObject, bool]:
    data = _parquet(rows, about)
    known = newest.get(place)
    if known is not None and _is_said(store, known, rows, data, about):
        return known, False
    key = _free_key(store, place, data)
    store.put(key, data)
    return described(key, data, rows), True


def _free_key(store: ObjectStore, place: str, data: bytes) -> str:
    """Return the first key of a place that is free, or that holds these bytes."""
    later = f"{place}{_CORRECTION}{digest(data)[:12]}"
    names = chain([place, later], (f"{later}-{n}" for n in count(2)))
    return next(
        key
        for key in (f"{name}.parquet" for name in names)
        if not store.exists(key) or store.get(key) == data
    )


def described(key: str, data: bytes, rows: pl.DataFrame) -> LandedObject:
    """Return what a manifest says of an object."""
    symbols = tuple(sorted(rows["symbol"].unique())) if "symbol" in rows.columns else ()
    first, last = rows.select(pl.min("session"), pl.max("session").alias("last")).row(0)
    return LandedObject(key, digest(data), len(data), rows.height, first, last, symbols)


def _parquet(rows: pl.DataFrame, about: Mapping[bytes, bytes]) -> bytes:
    table = rows.to_arrow()
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **about}),
        buffer, compression="zstd", row_group_size=_ROW_GROUP,
    )  # fmt: skip
    return buffer.getvalue()


def _is_said(
    store: ObjectStore,
    known: LandedObject,
    rows: pl.DataFrame,
    data: bytes,
    about: Mapping[bytes, bytes],
) -> bool:
    """Whether a landed object is whole and says the same, be it in other bytes."""
    try:
        landed = store.get(known.key, sha256=known.sha256)
    except (ObjectDamagedError, ObjectMissingError):
        return False  # landed again under a new key, it is read instead
    if landed == data:
        return True
    if known.rows != rows.height:
        return False
    told = pq.read_table(io.BytesIO(landed))  # another version of Parquet may have written it
    is_simulated = SIMULATED in (told.schema.metadata or {})
    return is_simulated == (SIMULATED in about) and pl.DataFrame(told).equals(rows)


def place_of(key: str) -> str:
    """Return an object's place: its key without the suffix of a later delivery."""
    return key.removesuffix(".parquet").partition(_CORRECTION)[0]


def _name(symbol: object) -> str:
    """Return `symbol` as part of a key: characters of no key as = and two hexadecimal digits."""
    return re.sub(r"[^A-Za-z0-9.-]", lambda m: f"={ord(m[0]):02X}", str(symbol))


def _manifests(kind: Kind) -> str:
    return f"manifests/{FOLDERS[kind]}/"


def _written(landing: Landing) -> bytes:
    told = {name: value for name, value in asdict(landing).items() if name != "key"}
    told["version"] = 1
    return json.dumps(told, default=_plain, indent=1, sort_keys=True).encode()


def _plain(value: object) -> str:
    if isinstance(value, date):  # and so a datetime
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a manifest")


@lru_cache(maxsize=20_000)
def _manifest(store: ObjectStore, key: str) -> Landing:
    """Read a manifest; it never changes, so once is enough."""
    told = json.loads(store.get(key))
    days = ("first", "last")
    objects = tuple(
        LandedObject(
            **{name: date.fromisoformat(o[name]) if name in days else o[name] for name in o}
            | {"symbols": tuple(o["symbols"])}
        )
        for o in told["objects"]
    )
    return Landing(
        told["kind"], told["source"], told["feed"], told["simulated"],
        datetime.fromisoformat(told["landed_at"]), datetime.fromisoformat(told["market_at"]),
        objects, key,
    )  # fmt: skip
