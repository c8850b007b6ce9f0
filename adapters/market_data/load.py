"""Read landed objects back as frames, with the time each value was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from adapters.market_data import calendar
from adapters.market_data.landing import (
    COLUMNS,
    OPTIONAL,
    Kind,
    LandedObject,
    Landing,
    landings,
    place_of,
)
from adapters.object_store.errors import ObjectDamagedError, ObjectMissingError
from adapters.object_store.protocol import ObjectStore

DEFAULT_LAG = timedelta(minutes=15)  # from the session's close to the delivery of its bar
_VALUES = ("open", "high", "low", "close", "volume")
_BAR_ORDER = ("symbol", "session", "landing")
_READERS = 8
_HANDFUL = 16  # objects


@dataclass(frozen=True)
class Chosen:
    """Objects that hold what was asked for, each with its landing, in landing order."""

    objects: tuple[tuple[LandedObject, Landing], ...]

    def facts(self) -> pl.DataFrame:
        """Return one row per object: what its landing says of all its rows."""
        return pl.DataFrame(
            [
                (o.key, number, landing.source, landing.feed, landing.simulated, landing.market_at)
                for number, (o, landing) in enumerate(self.objects)
            ],
            schema={
                "object_key": pl.String, "landing": pl.Int64, "source": pl.String,
                "feed": pl.String, "simulated": pl.Boolean, "learned_at": calendar.INSTANT,
            },
            orient="row",
        )  # fmt: skip

    def landed(self) -> pl.DataFrame:
        """Return one row per object, in the columns of `market.landings`."""
        return pl.DataFrame(
            [
                (
                    o.key, o.sha256, landing.kind, landing.source, landing.feed, o.rows, o.first,
                    o.last, landing.landed_at,
                )
                for o, landing in self.objects
            ],
            schema={
                "object_key": pl.String, "sha256": pl.String, "kind": pl.String,
                "source": pl.String, "feed": pl.String, "rows": pl.Int64,
                "first_session": pl.Date, "last_session": pl.Date, "landed_at": calendar.INSTANT,
            },
            orient="row",
        ).unique("object_key", keep="first", maintain_order=True)  # fmt: skip


def daily(
    store: ObjectStore,
    first: date,
    last: date,
    *,
    symbols: Sequence[str] | None = None,
    lag: timedelta = DEFAULT_LAG,
    kind: Kind = "daily",
    verify: bool = True,
) -> pl.DataFrame:
    """Landed daily bars of the sessions from `first` to `last`, one row per symbol and session.

    Of several deliveries the latest is returned, as `versions` dates it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    first, last : date
        Sessions, both included.
    symbols : sequence of str, optional
        Symbols wanted; all when None.
    lag : timedelta
        The source's delay after the close.
    kind : str
        `daily`, or `index` for index bars.
    verify : bool
        Whether each object's bytes are compared with its manifest before they are used.

    Returns
    -------
    polars.DataFrame
        The columns of `market.daily_bars` without recorded_at, and learned_at (market time of
        the landing); sorted by symbol and session, empty when nothing was landed.

    Raises
    ------
    ObjectDamagedError
        If an object is torn or changed.
    StoreError
        If the lake cannot be read.
    """
    rows = versions(
        store, first, last, symbols=symbols, lag=lag, kind=kind, verify=verify
    )  # fmt: skip
    return rows.unique(["symbol", "session"], keep="last", maintain_order=True)


def versions(
    store: ObjectStore,
    first: date,
    last: date,
    *,
    symbols: Sequence[str] | None = None,
    lag: timedelta = DEFAULT_LAG,
    kind: Kind = "daily",
    verify: bool = True,
) -> pl.DataFrame:
    """Every value that was landed for the bars from `first` to `last`, in the order of landing.

    The first value of a bar counts as known at its session's close plus `lag` (`assumed`); a
    later, different one from its landing's market time. A value delivered again is one row.
    Two different rows of a bar in one landing are both returned: which is right is for the data
    checks to say. Parameters and columns as for `daily`.
    """
    rows = _read(store, kind, first, last, symbols=symbols, verify=verify)
    rows = calendar.with_close(_in_order(rows, _BAR_ORDER), lag=lag, name="known_at")
    return _dated(rows, ("symbol", "session"), _VALUES).select(
        "symbol", "session", *_VALUES, "source", "feed", "simulated", "object_key", "known_at",
        "assumed", "learned_at",
    )  # fmt: skip


def _in_order(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `rows` sorted; a single landing of a history lies in order already."""
    above, equal = pl.lit(value=False), pl.lit(value=True)
    for name in by:
        here, before = pl.col(name), pl.col(name).shift(1)
        above = above | (equal & (here < before))
        equal = equal & (here == before)
    if rows.select(above.any()).item():
        return rows.sort(by, maintain_order=True)
    return rows


def _dated(rows: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Return the changes of each key's value, dated: rows sorted by key and landing come in."""
    again = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    repeated = rows.select(again.fill_null(value=False)).to_series()
    if not repeated.any():
        return rows.with_columns(assumed=pl.lit(value=True))
    same_value = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift(1)) for name in values
    )
    kept = rows.with_columns(
        repeated=repeated,
        first_landing=pl.col("landing").first().over(key),
    ).filter(~(pl.col("repeated") & same_value & (pl.col("landing") != pl.col("landing").shift(1))))
    later = pl.col("landing") > pl.col("first_landing")
    return kept.with_columns(
        assumed=~later,
        known_at=pl.when(later)
        .then(pl.max_horizontal("known_at", "learned_at"))
        .otherwise("known_at"),
    ).drop("repeated", "first_landing")


def index(
    store: ObjectStore, first: date, last: date, *, lag: timedelta = DEFAULT_LAG
) -> pl.DataFrame:
    """Landed index bars, as `daily` returns bars."""
    return daily(store, first, last, lag=lag, kind="index")


def minutes(
    store: ObjectStore,
    session: date,
    *,
    symbols: Sequence[str] | None = None,
    lag: timedelta = timedelta(0),
    verify: bool = True,
) -> pl.DataFrame:
    """Landed minute bars of a session, one row per symbol and minute, the latest delivery.

    A minute counts as known when it ends, plus `lag`. Columns as `market.minute_bars` without
    healed and recorded_at, and learned_at; sorted by symbol and bar_start.
    """
    rows = _read(store, "minute", session, session, symbols=symbols, verify=verify)
    key = ["symbol", "session", "bar_start"]
    return (
        rows.sort("symbol", "bar_start", "landing", maintain_order=True)
        .group_by(key, maintain_order=True)
        .last()
        .with_columns(known_at=pl.col("bar_start") + timedelta(minutes=1) + lag)
        .select(*key, *_VALUES, "source", "feed", "simulated", "known_at", "learned_at")
    )


def actions(store: ObjectStore, first: date, last: date) -> pl.DataFrame:
    """Landed corporate actions with ex-dates from `first` to `last`, the latest delivery.

    Columns: symbol, ex_date, kind, ratio, amount, detail, source, implied, known_at, learned_at.
    """
    rows = action_versions(store, first, last)
    return rows.unique(["symbol", "ex_date", "kind"], keep="last", maintain_order=True)


def action_versions(store: ObjectStore, first: date, last: date) -> pl.DataFrame:
    """Every value that was landed for the corporate actions from `first` to `last`.

    The first value counts as known from its announcement, else from the open of the ex-date; a
    later, different one from its landing's market time. Columns as for `actions`.
    """
    key = ("symbol", "ex_date", "kind")
    rows = _read(store, "actions", first, last).rename({"session": "ex_date"})
    rows = calendar.with_open(rows, day="ex_date", name="known_at").with_columns(
        known_at=pl.coalesce("announced_at", "known_at")
    )
    rows = rows.sort(*key, "landing", maintain_order=True)
    return _dated(rows, key, ("ratio", "amount", "detail")).select(
        *key, "ratio", "amount", "detail", "source", "implied", "known_at", "learned_at"
    )


def option_versions(
    store: ObjectStore, session: date, *, symbols: Sequence[str], lag: timedelta = DEFAULT_LAG
) -> pl.DataFrame:
    """Every value that was landed for the option quotes of a session, in the order of landing.

    Dated as `versions` dates bars. Columns: those of a landed object, source, feed, simulated,
    object_key, known_at, assumed, learned_at.
    """
    key = ("symbol", "session", "expiry", "strike", "right")
    rows = _read(store, "options", session, session, symbols=symbols)
    rows = calendar.with_close(
        rows.sort(*key, "landing", maintain_order=True), lag=lag, name="known_at"
    )
    values = [name for name in COLUMNS["options"] if name not in key]
    return _dated(rows, key, values).select(
        *COLUMNS["options"], "source", "feed", "simulated", "object_key", "known_at", "assumed",
        "learned_at",
    )  # fmt: skip


def rates(store: ObjectStore, first: date, last: date) -> pl.DataFrame:
    """Landed risk-free rates that begin from `first` to `last`.

    Known from the close of their first session. Columns: session, annual_rate (fraction),
    source, known_at, learned_at.
    """
    rows = _read(store, "rates", first, last).sort("session", "landing", maintain_order=True)
    newest = rows.group_by("session", maintain_order=True).last()
    dated = calendar.with_close(newest, lag=timedelta(0), name="known_at")
    return dated.select("session", "annual_rate", "source", "known_at", "learned_at")


def first_sessions(
    store: ObjectStore, kind: Kind, symbols: Sequence[str] | None = None
) -> dict[str, date]:
    """Return the first landed session of each symbol, as the manifests tell it."""
    wanted = None if symbols is None else set(symbols)
    found: dict[str, date] = {}
    for landing in landings(store, kind):
        for o in landing.objects:
            for symbol in o.symbols:
                if wanted is None or symbol in wanted:
                    found[symbol] = min(o.first, found.get(symbol, o.first))
    return found


def objects(
    store: ObjectStore, kind: Kind, first: date, last: date, symbols: Sequence[str] | None = None
) -> Chosen:
    """Return the landed objects that overlap the sessions and symbols, in landing order.

    An object that was landed again with the same bytes is read at its newest key: the older one
    may have been damaged.
    """
    wanted = None if symbols is None else set(symbols)
    known = landings(store, kind)
    newest = {(place_of(o.key), o.sha256): o for landing in known for o in landing.objects}
    return Chosen(
        tuple(
            (newest[place_of(o.key), o.sha256], landing)
            for landing in known
            for o in landing.objects
            if o.first <= last
            and o.last >= first
            and (wanted is None or not o.symbols or not wanted.isdisjoint(o.symbols))
        )
    )


def _read(
    store: ObjectStore,
    kind: Kind,
    first: date,
    last: date,
    *,
    symbols: Sequence[str] | None = None,
    verify: bool = True,
) -> pl.DataFrame:
    chosen = objects(store, kind, first, last, symbols)
    unique = list({o.key: o for o, _ in chosen.objects}.values())
    if not unique:
        return empty(kind)
    wanted = pl.col("session").is_between(first, last)
    if symbols is not None:
        wanted &= pl.col("symbol").is_in(list(symbols))
    number = {o.key: at for at, o in enumerate(unique)}
    facts = chosen.facts().with_columns(
        pl.col("object_key").replace_strict(number, return_dtype=pl.Int32).alias("object")
    )
    rows = _parsed(store, kind, unique, _bytes(store, unique, verify=verify)).filter(wanted)
    return rows.join(facts, on="object", how="inner").drop("object")


def _parsed(
    store: ObjectStore, kind: Kind, wanted: Sequence[LandedObject], data: Sequence[bytes]
) -> pl.DataFrame:
    """Return the rows of all objects, and in `object` the number of each row's."""
    columns = COLUMNS[kind] | OPTIONAL.get(kind, {})
    try:
        rows = pl.scan_parquet(
            list(data),
            schema=pl.Schema(columns),
            missing_columns="insert",
            extra_columns="ignore",
        ).collect()
    except pl.exceptions.PolarsError:
        parts = [_cast(store, o, one, columns) for o, one in zip(wanted, data, strict=True)]
        rows = pl.concat(parts)
    if rows.height != sum(o.rows for o in wanted):
        raise ObjectDamagedError(
            f"Landed objects in {store.name} hold {rows.height} rows, their manifests say "
            f"{sum(o.rows for o in wanted)}: {wanted[0].key} and {len(wanted) - 1} more."
        )
    numbers = np.repeat(np.arange(len(wanted), dtype=np.int32), [o.rows for o in wanted])
    return rows.with_columns(pl.Series("object", numbers))


def _cast(
    store: ObjectStore, o: LandedObject, data: bytes, columns: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the rows of an object that others wrote, in the types of its kind."""
    try:
        rows = pl.read_parquet(data)
        return rows.select(
            (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in columns.items()
        )
    except pl.exceptions.PolarsError as e:
        raise ObjectDamagedError(
            f"The object {o.key} in {store.name} cannot be read: {e}. Land it again."
        ) from e


def empty(kind: Kind) -> pl.DataFrame:
    """Return no rows, with the columns that objects and their landings have."""
    columns = COLUMNS[kind] | OPTIONAL.get(kind, {})
    return Chosen(()).facts().join(pl.DataFrame(schema=columns), how="cross")


def _bytes(store: ObjectStore, wanted: Sequence[LandedObject], *, verify: bool) -> list[bytes]:
    """Return the bytes of each object, compared with its manifest when asked."""

    def fetched(o: LandedObject) -> bytes:
        try:
            return store.get(o.key, sha256=o.sha256 if verify else None)
        except ObjectMissingError as e:
            raise ObjectDamagedError(
                f"The object {o.key} was landed in {store.name} and is gone. Land it again."
            ) from e

    # By the handful: an object is small, and handing over each costs more than reading it.
    handfuls = [wanted[at : at + _HANDFUL] for at in range(0, len(wanted), _HANDFUL)]
    with ThreadPoolExecutor(_READERS) as pool:
        return [
            data
            for read in pool.map(lambda objects: [fetched(o) for o in objects], handfuls)
            for data in read
        ]
