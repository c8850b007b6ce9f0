"""Which sessions wait to be asked of a better source again, and what was found when they were.

Both are read off the lake: its manifests say who served each session, and a comparison lies beside
them as an object of its own, so nothing is lost with a process.
"""

from __future__ import annotations

import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import polars as pl

from adapters.market_data import load
from adapters.market_data.differences import COLUMNS
from adapters.market_data.landing import landings
from adapters.object_store.protocol import ObjectStore, digest

_FOLDER: Final = "comparisons/equities/daily"


@dataclass(frozen=True)
class Comparison:
    """What a better source said of sessions that another one had served."""

    primary: str
    secondary: str
    sessions: tuple[date, ...]
    compared: int  # bars that both have
    differences: pl.DataFrame
    compared_at: datetime  # UTC wall time

    @property
    def sentence(self) -> str:
        """What a person wants to know first."""
        span = f"{self.sessions[0]} to {self.sessions[-1]}"
        found = self.differences
        if not self.primary:
            return f"No source before {self.secondary} has {span}; its bars stand."
        if found.is_empty():
            return (
                f"{self.primary} and {self.secondary} agree on all {self.compared} bars of {span}."
            )
        share = (pl.col("difference") / pl.col("primary")).abs()
        most = found.sort(share, descending=True, nulls_last=True).row(0, named=True)
        return (
            f"{self.primary} and {self.secondary} differ in {found.height} figures of "
            f"{self.compared} bars, {span}; most in the {most['field']} of {most['symbol']} on "
            f"{most['session']}: {_figure(most['primary'])} and {_figure(most['secondary'])}."
        )


def behind(
    store: ObjectStore, order: Sequence[str], sessions: Sequence[date]
) -> dict[str, list[date]]:
    """Return the sessions whose first server is not the best source, and was not compared since.

    A session that the best one had served already, before another one added the symbols it lacks,
    is none of them.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    order : sequence of str
        Names of the sources, the best first; what others delivered is left alone.
    sessions : sequence of date
        Those looked at, ascending.

    Returns
    -------
    dict
        Name of the source that served, and its sessions in order.
    """
    if len(order) < 2:
        return {}
    rank = {name: number for number, name in enumerate(order)}
    theirs = [one for one in landings(store, "daily") if one.source in rank]
    first: dict[date, str] = {}
    for landing in sorted(theirs, key=lambda one: (one.landed_at, rank[one.source])):
        for begin, end in {(o.first, o.last) for o in landing.objects}:
            for session in sessions[bisect_left(sessions, begin) : bisect_right(sessions, end)]:
                first.setdefault(session, landing.source)
    found: dict[str, list[date]] = {}
    for name in order[1:]:
        served = [session for session in sessions if first.get(session) == name]
        known = compared(store, name) if served else frozenset()
        if waiting := [session for session in served if session not in known]:
            found[name] = waiting
    return found


def compared(store: ObjectStore, secondary: str) -> frozenset[date]:
    """Return the sessions served by `secondary` that a better source was asked of since."""
    keys = [info.key for info in store.list(f"{_FOLDER}/{secondary}/")]
    return frozenset(session for key in keys for session in _sessions(store, key))


def delivered(store: ObjectStore, source: str, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the daily bars that `source` delivered of the sessions, the latest of each.

    Columns: symbol, session, open, high, low, close, volume, feed.
    """
    chosen = load.objects(store, "daily", sessions[0], sessions[-1]).objects
    frames = [
        pl.read_parquet(io.BytesIO(store.get(o.key, sha256=o.sha256))).with_columns(
            feed=pl.lit(landing.feed, pl.String)
        )
        for o, landing in chosen
        if landing.source == source
    ]
    return (
        pl.concat(frames)
        .filter(pl.col("session").is_in(sessions))
        .unique(["symbol", "session"], keep="last", maintain_order=True)
        .sort("symbol", "session")
    )


def record(store: ObjectStore, comparison: Comparison) -> str:
    """Keep a comparison in the lake; return its key."""
    data = json.dumps(
        {
            "version": 1,
            "primary": comparison.primary,
            "secondary": comparison.secondary,
            "sessions": [str(session) for session in comparison.sessions],
            "bars_compared": comparison.compared,
            "compared_at": comparison.compared_at.isoformat(),
            "columns": list(COLUMNS),
            "differences": [
                [str(row[0]), str(row[1]), *row[2:]] for row in comparison.differences.rows()
            ],
        },
        indent=1,
    ).encode()
    first, last = comparison.sessions[0], comparison.sessions[-1]
    key = f"{_FOLDER}/{comparison.secondary}/{first}_{last}-{digest(data)[:8]}.json"
    store.put(key, data)
    return key


@lru_cache(maxsize=10_000)
def _sessions(store: ObjectStore, key: str) -> tuple[date, ...]:
    """Read the sessions of a comparison; it never changes, so once is enough."""
    told = json.loads(store.get(key))
    return tuple(date.fromisoformat(session) for session in told["sessions"])


def _figure(value: float | None) -> str:
    return "no bar" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")
