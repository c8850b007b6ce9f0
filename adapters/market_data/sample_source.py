"""The embedded sample as a source: real daily bars to 2013, without any network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from adapters.market_data import sample
from adapters.market_data.errors import EmptyAnswerError, NotOfferedError

_BAR = ("symbol", "session", "open", "high", "low", "close", "volume")


class SampleMarketData:
    """Bars and corporate actions of the sample; fits `assets.sources.MarketData`."""

    name = sample.SOURCE
    feed = None
    lacks: frozenset[str] = frozenset()

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars; an EmptyAnswerError when the sample has none."""
        bars = pl.concat(
            [
                frame.select(_BAR).cast({"volume": pl.Int64})
                for frame in (sample.stocks(), sample.index_bars())
            ]
        ).filter(pl.col("symbol").is_in(symbols) & pl.col("session").is_between(first, last))
        if bars.is_empty():
            raise EmptyAnswerError(
                f"The sample has no bars of {', '.join(symbols)} from {first} to {last}."
            )
        return self._marked(bars.sort("symbol", "session"))

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Refuse: the sample has daily bars only."""
        raise NotOfferedError(f"The sample has no minutes, of {session} or any other session.")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits on record and dividends implied, by ex-date; there may be none."""
        found = sample.actions(sample.stocks()).rename({"session": "ex_date"})
        asked = pl.col("symbol").is_in(symbols) & pl.col("ex_date").is_between(first, last)
        return self._marked(
            found.filter(asked).select("symbol", "ex_date", "kind", "ratio", "amount", "implied")
        )

    def _marked(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(
            source=pl.lit(self.name), feed=pl.lit(None, pl.String), simulated=pl.lit(value=False)
        )
