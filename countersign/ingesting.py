"""A person's file, landed in the lake: what goes in, what it touches, and what is said of it."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from adapters.market_data import calendar
from adapters.market_data.files import Delivery, FileKind
from adapters.market_data.landing import COLUMNS, Kind, Landing, land, landings
from adapters.object_store.protocol import ObjectStore
from config.settings import Settings
from config.universe import Universe
from countersign.errors import CommandError
from quality.calendar import exchange

_KEY: dict[Kind, tuple[str, ...]] = {
    "minute": ("symbol", "session", "bar_start"),
    "actions": ("symbol", "session", "kind"),
    "options": ("symbol", "session", "expiry", "strike", "right"),
}
_BAR_KEY = ("symbol", "session")
# The job whose run loads the rows of a kind.
JOBS: Mapping[FileKind, str] = {
    "daily": "backfill", "index": "backfill", "actions": "backfill", "minute": "load_minutes",
    "options": "load_options",
}  # fmt: skip

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Landed:
    """What became of a delivery in the lake."""

    landings: tuple[Landing, ...]  # without a key: nothing in it was new
    rows: int
    symbols: tuple[str, ...]
    first: dt.date
    last: dt.date
    unreadable: int  # rows that say no symbol, session or kind, and so have no place
    strangers: tuple[str, ...]  # symbols outside the universe

    @property
    def is_new(self) -> bool:
        """Whether anything was not in the lake before."""
        return any(landing.key for landing in self.landings)


def landed(
    store: ObjectStore,
    delivery: Delivery,
    universe: Universe,
    *,
    source: str,
    landed_at: dt.datetime,
    market_at: dt.datetime,
    progress: Progress,
) -> Landed:
    """Land what a file delivered, and the splits and dividends that stand beside its bars.

    Raises
    ------
    CommandError
        If its prices are adjusted, or no row has a place.
    StoreError
        If the lake cannot be written.
    """
    _require_raw(delivery)
    made, frame = [], _placed(delivery.frame, delivery.kind)
    if frame.is_empty():
        raise CommandError(
            f"None of the {delivery.frame.height:,} rows says its "
            f"{', '.join(_KEY.get(delivery.kind, _BAR_KEY))}. See why with ./desk check."
        )
    for kind, rows in ((delivery.kind, frame), ("actions", _beside(delivery))):
        if rows.is_empty():
            continue
        made.append(
            land(
                store, rows, kind=kind, source=source, landed_at=landed_at, market_at=market_at,
                progress=partial(progress, kind),
            )
        )  # fmt: skip
    symbols = tuple(sorted(frame["symbol"].unique()))
    known = {*universe.names, universe.index}
    first, last = frame.select(pl.min("session"), pl.max("session").alias("last")).row(0)
    return Landed(
        landings=tuple(made),
        rows=frame.height,
        symbols=symbols,
        first=first,
        last=last,
        unreadable=delivery.frame.height - frame.height,
        strangers=tuple(symbol for symbol in symbols if symbol not in known),
    )


def touched(
    told: Landed, settings: Settings, *, newest: dt.date | None
) -> list[tuple[dt.date, dt.date]]:
    """Return the sessions to load as ranges: those the desk may hold and that have closed.

    Bars of a day and what belongs to them are one range from the first to the last. Minutes and
    options are loaded where a file has some: minutes between would be asked of the sources in vain.
    """
    if len(told.strangers) == len(told.symbols):
        return []
    first = max(told.first, settings.history.first_session)
    last = told.last if newest is None else min(told.last, newest)
    sessions = exchange().sessions(first, last) if first <= last else ()
    if told.landings[0].kind not in {"minute", "options"}:
        return [(sessions[0], sessions[-1])] if sessions else []
    brought = {o.first for landing in told.landings for o in landing.objects}
    return list(_unbroken([session for session in sessions if session in brought]))


def _unbroken(sessions: Sequence[dt.date]) -> Iterator[tuple[dt.date, dt.date]]:
    begin = 0
    for n, session in enumerate(sessions):
        following = sessions[n + 1] if n + 1 < len(sessions) else None
        if following is None or exchange().previous(following) != session:
            yield sessions[begin], session
            begin = n + 1


def market_time(store: ObjectStore, settings: Settings, heard: dt.datetime | None) -> dt.datetime:
    """Return market time: as the broker's clock tells it, else as far as the lake has come.

    A value that differs from one landed before counts as known from then on.
    """
    if heard is not None:
        return heard
    if settings.mode != "embedded":
        return dt.datetime.now(dt.UTC)
    begun = calendar.close_of(settings.venue.start)
    return max((made.market_at for made in landings(store, "daily")), default=begun)


def _require_raw(delivery: Delivery) -> None:
    if delivery.adjusted and delivery.kind in {"daily", "minute"}:
        raise CommandError(
            "The prices are adjusted for splits, and the desk keeps prices as they were quoted: "
            "what is adjusted today would be wrong after the next split. Nothing was landed. Give "
            "a file with raw prices (name its columns with --map close=…), or say --raw if these "
            "are raw."
        )


def _placed(frame: pl.DataFrame, kind: FileKind) -> pl.DataFrame:
    """Return the rows that say where they belong, in the lake's columns.

    A row with a hole in its figures has a place: the rules hold it, and a person can see it.
    """
    key = _KEY.get(kind, _BAR_KEY)
    placed = frame.filter(pl.all_horizontal(pl.col(key).is_not_null()))
    if kind == "actions" and "known_at" in frame.columns:
        placed = placed.rename({"known_at": "announced_at"})
    further = [name for name in ("detail", "announced_at") if name in placed.columns]
    columns: Sequence[str] = [*COLUMNS[kind], *(further if kind == "actions" else ())]
    return placed.select(columns)


def _beside(delivery: Delivery) -> pl.DataFrame:
    """Return the splits and dividends that a file of bars has in columns of its own."""
    frame = delivery.frame
    parts = []
    none = pl.lit(None, dtype=pl.Float64)
    if delivery.kind == "daily" and "split_ratio" in frame.columns:
        splits = frame.filter((pl.col("split_ratio") > 0) & (pl.col("split_ratio") != 1))
        parts.append(splits.select(
            "symbol", "session", kind=pl.lit("split"), ratio=pl.col("split_ratio"), amount=none,
        ))  # fmt: skip
    if delivery.kind == "daily" and "dividend" in frame.columns:
        paid = frame.filter(pl.col("dividend") > 0)
        parts.append(paid.select(
            "symbol", "session", kind=pl.lit("cash_dividend"), ratio=none,
            amount=pl.col("dividend"),
        ))  # fmt: skip
    if not parts:
        return pl.DataFrame(schema=COLUMNS["actions"])
    return (
        pl.concat(parts)
        .drop_nulls(["symbol", "session"])
        .unique(["symbol", "session", "kind"], keep="last", maintain_order=True)
        .with_columns(implied=pl.lit(value=False))
    )
