"""What a source delivers of a stretch of sessions, and how it gets into the lake."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from adapters.market_data import asked, comparisons, landing, load
from adapters.market_data.comparisons import Comparison
from adapters.market_data.differences import Tolerance, differences
from adapters.market_data.errors import NothingAnywhereError, NotOfferedError
from adapters.object_store.protocol import ObjectStore
from assets.sources import MarketData
from config.sources import SourcesSettings
from config.universe import Universe
from quality.calendar import exchange

Delivered = Mapping[landing.Kind, pl.DataFrame]
Waiting = Mapping[date, Set[str]]  # symbols to be asked for, by session


@dataclass(frozen=True)
class Dock:
    """Where deliveries arrive, and when this one did."""

    store: ObjectStore
    landed_at: datetime  # wall time
    market_at: datetime  # market time; differing values count as known from then on


def missing(
    store: ObjectStore, sessions: Sequence[date], symbols: Sequence[str]
) -> dict[date, frozenset[str]]:
    """Return the symbols of which nothing lies in the lake yet, by session; none where all does.

    What a person landed of some symbols is no reason not to ask for the others.
    """
    settled = asked.answered(store, sessions, symbols)
    names = np.array(symbols)
    waiting = [(session, names[~row]) for session, row in zip(sessions, settled, strict=True)]
    return {session: frozenset(left.tolist()) for session, left in waiting if left.size}


def note_silence(dock: Dock, waiting: Waiting, came: pl.DataFrame) -> None:
    """Keep who was asked for and has no row, so that nobody is asked for it again."""
    present = set(came.select("session", "symbol").iter_rows())
    silent = {
        day: {symbol for symbol in symbols if (day, symbol) not in present}
        for day, symbols in waiting.items()
    }
    if left := {day: symbols for day, symbols in silent.items() if symbols}:
        asked.record(dock.store, left, asked_at=dock.landed_at)


def stretches(sessions: Sequence[date]) -> Iterator[list[date]]:
    """Split sessions into unbroken stretches within a year.

    Each is landed before the next is asked for, so a run that is cut short has them.
    """
    stretch: list[date] = []
    for session in sessions:
        if stretch and (
            exchange().previous(session) != stretch[-1] or session.year != stretch[-1].year
        ):
            yield stretch
            stretch = []
        stretch.append(session)
    if stretch:
        yield stretch


def delivery(
    store: ObjectStore, source: MarketData, universe: Universe, waiting: Waiting
) -> Delivered:
    """Return what the lake wants to know of a stretch of sessions and does not hold.

    Everybody is asked for, since the answer about those who have come tells a source that has no
    bar of the others from one that is away; what was landed before stands. There are no daily
    bars when somebody has come already and every source answers that it has none.

    Raises
    ------
    NoSourceError
        If a source is away, or a session has no bar at all.
    """
    first, last = min(waiting), max(waiting)
    told: dict[landing.Kind, pl.DataFrame] = {}
    index = load.objects(store, "index", first, last, [universe.index]).objects
    held = [pl.col("session").is_between(o.first, o.last) for o, _ in index]
    without = pl.DataFrame({"session": list(waiting)}).filter(~pl.any_horizontal(held or False))
    if without.height:
        bars = source.daily([universe.index], first, last)
        told["index"] = bars.join(without, on="session", how="semi", maintain_order="left")
    told["actions"] = source.actions(universe.names, first, last)
    try:
        bars = source.daily(universe.names, first, last)
    except (NothingAnywhereError, NotOfferedError):
        if any(len(symbols) == len(universe.names) for symbols in waiting.values()):
            raise
        return told
    told["daily"] = _of(bars, waiting)  # last: its presence ends the delivery
    return told


def _of(bars: pl.DataFrame, waiting: Waiting) -> pl.DataFrame:
    pairs = [(day, symbol) for day, symbols in waiting.items() for symbol in sorted(symbols)]
    schema = {"session": pl.Date, "symbol": pl.String}
    wanted = pl.DataFrame(pairs, schema=schema, orient="row")
    return bars.join(wanted, on=["session", "symbol"], how="semi", maintain_order="left")


def land(dock: Dock, delivered: Delivered) -> int:
    """Land a delivery under the names of those that served it; return its rows."""
    rows = 0
    for kind, frame in delivered.items():
        # A session without corporate actions is no fault.
        for (source, feed, simulated), part in frame.group_by(
            "source", "feed", "simulated", maintain_order=True
        ):
            rows += landing.land(
                dock.store,
                part,
                kind=kind,
                source=str(source),
                feed=None if feed is None else str(feed),
                simulated=bool(simulated),
                landed_at=dock.landed_at,
                market_at=dock.market_at,
            ).rows
    return rows


def servers(delivered: Delivered) -> Counter[str]:
    """Return how many daily and index bars each source served."""
    served: Counter[str] = Counter()
    for kind in ("daily", "index"):
        if kind in delivered:
            served.update(delivered[kind]["source"].to_list())
    return served


def back_fill(
    dock: Dock,
    better: MarketData,
    universe: Universe,
    *,
    secondary: str,
    sessions: Sequence[date],
    settings: SourcesSettings,
) -> tuple[Comparison, str]:
    """Ask a better source for what `secondary` served, compare, and land what it says.

    Parameters
    ----------
    dock : Dock
        Where it arrives.
    better : MarketData
        The sources before `secondary`.
    universe : Universe
        Symbols.
    secondary : str
        Who served the sessions.
    sessions : sequence of date
        An unbroken stretch.
    settings : SourcesSettings
        What may differ.

    Returns
    -------
    Comparison, str
        What was found, and its key in the lake.

    Raises
    ------
    NoSourceError
        If no better source answers; the sessions go on waiting.
    """
    first, last = sessions[0], sessions[-1]
    before = comparisons.delivered(dock.store, secondary, sessions)
    delivered: Delivered = {}
    now = before.clear()
    with suppress(NotOfferedError):  # then there is nothing to compare, now or ever
        now = better.daily(universe.names, first, last)
        delivered = {"actions": better.actions(universe.names, first, last), "daily": now}
    # A symbol that the better source never has was not served in its place.
    before = before.filter(pl.col("symbol").is_in(now["symbol"].unique().to_list()))
    land(dock, delivered)
    comparison = Comparison(
        primary=", ".join(now["source"].unique(maintain_order=True)) if delivered else "",
        secondary=secondary,
        sessions=tuple(sessions),
        compared=now.join(before, on=["symbol", "session"]).height,
        differences=differences(now, before, _tolerance(settings)),
        compared_at=dock.landed_at,
    )
    return comparison, comparisons.record(dock.store, comparison)


def _tolerance(settings: SourcesSettings) -> Tolerance:
    return Tolerance(
        price=settings.price_tolerance,
        thin_price=settings.thin_price_tolerance,
        volume=settings.volume_tolerance,
        thin_feeds=frozenset(settings.thin_feeds),
    )
