"""Read landed objects back as frames, with the time each value was known."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from adapters.market_data import calendar
from adapters.market_data.landing import COLUMNS, Kind, LandedObject, Landing, landings
from adapters.object_store.errors import ObjectDamagedError, ObjectMissingError
from adapters.object_store.protocol import ObjectStore

DEFAULT_LAG = timedelta(minutes=15)  # from the session's close to the delivery of its bar
_VALUES = ("open", "high", "low", "close", "volume")
_READERS = 8


@dataclass(frozen=True)
class Chosen:
    """Objects that hold what was asked for, each with its landing."""

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

    Of several deliveries the latest is returned. The first value of a bar counts as known at its
    session's close plus `lag` (`assumed`); a later, different one from its landing's market time.

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
    rows = _read(store, kind, first, last, symbols=symbols, verify=verify)
    rows = rows.sort("symbol", "session", "landing", maintain_order=True)
    rows = calendar.with_close(rows, lag=lag, name="known_at")
    key = ["symbol", "session"]
    differs = pl.struct(_VALUES) != pl.struct(_VALUES).first().over(key)
    rows = rows.with_columns(
        assumed=~differs,
        known_at=pl.when(differs)
        .then(pl.max_horizontal("known_at", "learned_at"))
        .otherwise("known_at"),
    )
    return rows.group_by(key, maintain_order=True).last().select(
        *key, *_VALUES, "source", "feed", "simulated", "object_key", "known_at", "assumed",
        "learned_at",
    )  # fmt: skip


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

    Known from the open of the ex-date. Columns: symbol, ex_date, kind, ratio, amount, source,
    implied, known_at, learned_at.
    """
    rows = _read(store, "actions", first, last).rename({"session": "ex_date"})
    key = ["symbol", "ex_date", "kind"]
    newest = rows.sort("landing", maintain_order=True).group_by(key, maintain_order=True).last()
    return (
        calendar.with_open(newest, day="ex_date", name="known_at")
        .sort(key)
        .select(*key, "ratio", "amount", "source", "implied", "known_at", "learned_at")
    )


def rates(store: ObjectStore, first: date, last: date) -> pl.DataFrame:
    """Landed risk-free rates that begin from `first` to `last`.

    Known from the close of their first session. Columns: session, annual_rate (fraction),
    source, known_at, learned_at.
    """
    rows = _read(store, "rates", first, last).sort("session", "landing", maintain_order=True)
    newest = rows.group_by("session", maintain_order=True).last()
    dated = calendar.with_close(newest, lag=timedelta(0), name="known_at")
    return dated.select("session", "annual_rate", "source", "known_at", "learned_at")


def objects(
    store: ObjectStore, kind: Kind, first: date, last: date, symbols: Sequence[str] | None = None
) -> Chosen:
    """Return the landed objects that overlap the sessions and symbols, in landing order."""
    wanted = None if symbols is None else set(symbols)
    return Chosen(
        tuple(
            (o, landing)
            for landing in landings(store, kind)
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
    unique = {o.key: o for o, _ in chosen.objects}
    if not unique:
        return empty(kind)
    if verify:
        _verify(store, tuple(unique.values()))
    filesystem, root = store.filesystem()
    try:
        data = pads.dataset(
            [f"{root}{key}" for key in unique], format="parquet", filesystem=filesystem
        )
        wanted = (pc.field("session") >= first) & (pc.field("session") <= last)
        if symbols is not None:
            wanted &= pc.field("symbol").isin(list(symbols))
        table = data.to_table([*COLUMNS[kind], "__filename"], filter=wanted)
    except (FileNotFoundError, pa.ArrowInvalid) as e:
        raise ObjectDamagedError(f"Landed objects in {store.name} cannot be read: {e}") from e
    rows = pl.DataFrame(table).with_columns(
        pl.col("__filename").cast(pl.String).str.strip_prefix(root).alias("object_key")
    )
    return rows.join(chosen.facts(), on="object_key", how="inner")


def empty(kind: Kind) -> pl.DataFrame:
    """Return no rows, with the columns that objects and their landings have."""
    return Chosen(()).facts().join(pl.DataFrame(schema=COLUMNS[kind]), how="cross")


def _verify(store: ObjectStore, wanted: Sequence[LandedObject]) -> None:
    def check(o: LandedObject) -> None:
        try:
            store.get(o.key, sha256=o.sha256)
        except ObjectMissingError as e:
            raise ObjectDamagedError(
                f"The object {o.key} was landed in {store.name} and is gone. Land it again."
            ) from e

    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(check, wanted))
