"""Write delivered frames into the lake: Parquet objects, and one manifest per landing."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Literal

import polars as pl
import pyarrow.parquet as pq

from adapters.object_store.protocol import ObjectStore, digest

Kind = Literal["daily", "minute", "index", "rates", "actions"]
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
}  # fmt: skip
_FOLDERS: dict[Kind, str] = {
    "daily": "equities/daily",
    "minute": "equities/minute",
    "index": "indices/daily",
    "rates": "rates",
    "actions": "corporate_actions",
}
_SORTED_BY = ("symbol", "session", "bar_start", "kind")
_FEW_SESSIONS = 31  # a delivery of a month or less is kept by session, a history by symbol and year
_ROW_GROUP = 122_880
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
        symbol, session or ex_date, kind, ratio, amount, implied.
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
    parts = list(_parts(kind, _conformed(frame, kind)))
    newest = newest_objects(store, kind)
    objects, fresh = [], False
    for done, (base, part) in enumerate(parts, start=1):
        landed, is_new = _put(store, base, part, newest)
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
    data = _written(landing)
    key = f"{_manifests(kind)}{landing.landed_at:%Y%m%dT%H%M%S%fZ}-{digest(data)[:8]}.json"
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
    return {_base(o.key): o for landing in landings(store, kind) for o in landing.objects}


def _conformed(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
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
    order = [name for name in _SORTED_BY if name in columns]
    return frame.select(pl.col(name).cast(dtype) for name, dtype in columns.items()).sort(order)


def _parts(kind: Kind, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the place of each object, without suffix, and its rows."""
    folder = _FOLDERS[kind]
    year = pl.col("session").dt.year().alias("year")
    if kind == "minute":
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


def _put(
    store: ObjectStore, base: str, rows: pl.DataFrame, newest: dict[str, LandedObject]
) -> tuple[LandedObject, bool]:
    buffer = io.BytesIO()
    pq.write_table(rows.to_arrow(), buffer, compression="zstd", row_group_size=_ROW_GROUP)
    data = buffer.getvalue()
    sha256 = digest(data)
    known = newest.get(base)
    if known is not None and known.sha256 == sha256:
        return known, False
    key = f"{base}.parquet"
    if known is not None or (store.exists(key) and digest(store.get(key)) != sha256):
        key = f"{base}{_CORRECTION}{sha256[:12]}.parquet"
    store.put(key, data)
    symbols = tuple(sorted(rows["symbol"].unique())) if "symbol" in rows.columns else ()
    first, last = rows.select(pl.min("session"), pl.max("session").alias("last")).row(0)
    return LandedObject(key, sha256, len(data), rows.height, first, last, symbols), True


def _base(key: str) -> str:
    return key.removesuffix(".parquet").partition(_CORRECTION)[0]


def _name(symbol: object) -> str:
    """Return `symbol` as part of a key: characters of no key as = and two hexadecimal digits."""
    return re.sub(r"[^A-Za-z0-9.-]", lambda m: f"={ord(m[0]):02X}", str(symbol))


def _manifests(kind: Kind) -> str:
    return f"manifests/{_FOLDERS[kind]}/"


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
