"""Minutes that a person landed, and for the other symbols those of the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from adapters.market_data import load
from adapters.market_data.chain import Chain
from adapters.market_data.errors import NothingAnywhereError, NotOfferedError
from adapters.object_store.protocol import ObjectStore


@dataclass(frozen=True)
class LandedMinutes:
    """A chain of sources behind the lake; fits `assets.sources.RankedMarketData`.

    A symbol's session is taken whole from the one or the other: two sources in one session would
    make a day that nobody traded.
    """

    store: ObjectStore
    chain: Chain

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars, of the sources: what was landed of them is loaded by itself."""
        return self.chain.daily(symbols, first, last)

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session; a landed row says in `learned_at` since when.

        Raises
        ------
        NoSourceError
            If a source is away that is asked for the rest, or none has any.
        ObjectDamagedError
            If a landed object is torn or changed.
        """
        held = load.minutes(self.store, session, symbols=symbols).drop("known_at")
        landed = set(held["symbol"])
        rest = [symbol for symbol in symbols if symbol not in landed]
        if held.is_empty():
            return self.chain.minutes(symbols, session)
        if not rest:
            return held
        try:
            others = self.chain.minutes(rest, session)
        except (NothingAnywhereError, NotOfferedError):
            return held
        return pl.concat([held, others], how="diagonal_relaxed").sort("symbol", "bar_start")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and dividends by ex-date, of the sources."""
        return self.chain.actions(symbols, first, last)

    def before(self, source: str) -> Chain:
        """Return those that are asked before `source`."""
        return self.chain.before(source)
