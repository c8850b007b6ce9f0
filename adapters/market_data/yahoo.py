"""Market data of Yahoo, through yfinance: daily bars, recent minutes, splits and dividends.

Yahoo has no unadjusted prices. What yfinance calls `Close` with `auto_adjust=False` is not
adjusted for dividends, but *is* adjusted for every split up to today, and so are volumes and
dividends. The desk keeps what was paid on the day, so splits are taken out again: with the ratios
(new shares per old share) of all splits after a session multiplied to f,

    price paid = Yahoo's price * f,  shares traded = Yahoo's volume / f,
    dividend paid per share = Yahoo's dividend * f.

The split takes effect at the open of its ex-date: a session on the ex-date is after it. All splits
up to today are needed, whatever sessions are asked for; so every question runs up to today.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from adapters.market_data.batches import Shelf, in_batches
from adapters.market_data.calendar import INSTANT, NEW_YORK
from adapters.market_data.errors import EmptyAnswerError, NotOfferedError, SourceError
from config.settings import Settings

FEED: Final = "consolidated"
_MINUTES_KEPT = timedelta(days=29)  # Yahoo answers for 30 days; the day it counts from is its own
_KEPT_SECONDS = 600.0  # a stretch of a year of hundreds of symbols takes minutes
_DECIMALS = 4  # Yahoo sends single precision: some seven digits
_UNREADABLE = (
    AttributeError, IndexError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError,
)  # fmt: skip
_PRICES = ("open", "high", "low", "close")
_CHART: Final[dict[str, Any]] = {
    "bar_start": INSTANT, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64,
    "close": pl.Float64, "volume": pl.Float64, "dividend": pl.Float64, "ratio": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class _Known:
    """A daily chart, from when it is, and when it was asked for."""

    first: date
    at: float  # of the monotonic clock
    chart: pl.DataFrame


class YahooMarketData:
    """Bars and corporate actions of Yahoo; fits `assets.sources.MarketData`."""

    name = "yahoo"
    feed = FEED
    lacks: frozenset[str] = frozenset()

    def __init__(
        self,
        settings: Settings,
        *,
        today: Callable[[], date] = lambda: datetime.now(NEW_YORK).date(),
    ) -> None:
        told = settings.sources
        self._url = told.yahoo_url
        self._timeout = (told.connect_seconds, told.answer_seconds)
        self._symbols = told.yahoo_symbols
        self._shelf = Shelf(settings.home / "fetched")
        self._today = today
        self._known: dict[str, _Known] = {}

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars (USD or index points, shares) of the sessions asked for.

        Columns: symbol, session, open, high, low, close, volume, source, feed, simulated; sorted
        by symbol and session. A symbol without bars is left out.

        Raises
        ------
        SourceError
            If there is no answer, or no bar at all; it holds what was answered before.
        """

        def asked(batch: Sequence[str]) -> pl.DataFrame:
            (symbol,) = batch
            chart = self._daily_chart(symbol, first)
            return self._bars(symbol, chart, chart, first, last).drop("bar_start")

        question = f"{self.name} {self._url} daily {first} {last}"
        bars = in_batches(symbols, 1, asked, shelf=self._shelf, question=question)
        return bars.sort("symbol", "session")

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session of the last 29 days, extended hours included.

        Columns: symbol, session, bar_start (UTC), open, high, low, close, volume, source, feed,
        simulated; sorted by symbol and bar_start.

        Raises
        ------
        NotOfferedError
            If the session is older.
        SourceError
            If there is no answer, or no bar at all; it holds what was answered before.
        """
        oldest = self._today() - _MINUTES_KEPT
        if session < oldest:
            raise NotOfferedError(
                f"Yahoo keeps minutes of 30 days; {session} lies before {oldest}."
            )

        def asked(batch: Sequence[str]) -> pl.DataFrame:
            (symbol,) = batch
            chart = self._chart(symbol, session, session + timedelta(days=1), "1m")
            return self._bars(symbol, chart, self._daily_chart(symbol, session), session, session)

        return in_batches(symbols, 1, asked).sort("symbol", "bar_start")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and cash dividends by ex-date; there may be none.

        Columns: symbol, ex_date, kind, ratio (new shares per old share), amount (USD per share as
        paid), implied, source, feed, simulated; sorted by symbol and ex-date.

        Raises
        ------
        SourceError
            If there is no answer; it holds what was answered before.
        """

        def asked(batch: Sequence[str]) -> pl.DataFrame:
            (symbol,) = batch
            return self._marked(_actions(symbol, self._daily_chart(symbol, first), first, last))

        return in_batches(symbols, 1, asked).sort("symbol", "ex_date", "kind")

    @cached_property
    def _charts(self) -> Any:
        import yfinance  # noqa: PLC0415 - imports pandas, and only a chain that needs it asks

        from adapters.market_data.yahoo_charts import YahooCharts  # noqa: PLC0415

        yfinance.config.debug.hide_exceptions = False  # it logs them and returns nothing
        return YahooCharts(self._url, self._timeout)

    def _daily_chart(self, symbol: str, first: date) -> pl.DataFrame:
        """Return the chart from `first` or earlier up to today; asked once for a while.

        Bars and actions are in one chart, and one that begins earlier holds the later ones.
        """
        known = self._known.get(symbol)
        if known is None or known.first > first or time.monotonic() - known.at > _KEPT_SECONDS:
            chart = self._chart(symbol, first, None, "1d")
            known = self._known[symbol] = _Known(first, time.monotonic(), chart)
        return known.chart

    def _chart(self, symbol: str, first: date, end: date | None, interval: str) -> pl.DataFrame:
        """Return Yahoo's figures as they are: instants, prices, dividends and split ratios."""
        charts = self._charts
        from yfinance.exceptions import YFException  # noqa: PLC0415 - see `_charts`
        from yfinance.scrapers.history import PriceHistory  # noqa: PLC0415

        known_as = self._symbols.get(symbol, symbol.replace(".", "-").replace("/", "-"))
        asked = PriceHistory(charts, known_as, NEW_YORK.key, session=charts.session)
        what = f"{interval} bars of {symbol} from {first}"
        try:
            return _read(
                asked.history(
                    start=first, end=end, interval=interval, auto_adjust=False, prepost=True
                )
            )
        except YFException as e:
            raise EmptyAnswerError(f"Yahoo has no {what}: {e}") from e
        except _UNREADABLE as e:
            raise SourceError(f"Yahoo answered {what} with something unreadable: {e!r}") from e

    def _bars(
        self, symbol: str, chart: pl.DataFrame, events: pl.DataFrame, first: date, last: date
    ) -> pl.DataFrame:
        whole = unsplit(
            chart.drop_nulls(_PRICES).filter(pl.col("session").is_between(first, last)),
            splits(events),
        )
        if whole.is_empty():
            raise EmptyAnswerError(
                f"Yahoo has no bars of {symbol} from {first} to {last}. An empty answer counts as "
                "none: is the session over, and is the symbol listed there?"
            )
        return self._marked(
            whole.select(
                pl.lit(symbol).alias("symbol"), "session", "bar_start", *_PRICES,
                pl.col("volume").round().cast(pl.Int64),
            )
        )  # fmt: skip

    def _marked(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(
            source=pl.lit(self.name), feed=pl.lit(self.feed), simulated=pl.lit(value=False)
        )


def splits(chart: pl.DataFrame) -> list[tuple[date, float]]:
    """Return ex-date and ratio of the splits in a chart."""
    return chart.filter(pl.col("ratio") > 0).select("session", "ratio").rows()


def unsplit(bars: pl.DataFrame, splits: Sequence[tuple[date, float]]) -> pl.DataFrame:
    """Return split-adjusted bars as they were traded.

    Parameters
    ----------
    bars : polars.DataFrame
        session, open, high, low, close (USD), volume (shares), dividend (USD per share), all
        adjusted for `splits`; other columns are kept.
    splits : sequence of (date, float)
        Ex-date, and new shares per old share, of every split up to the day of the adjustment.
    """
    factor = pl.lit(1.0)
    for ex_date, ratio in splits:
        factor = factor * pl.when(pl.col("session") < ex_date).then(ratio).otherwise(1.0)
    return bars.with_columns(
        *((pl.col(name) * factor).round(_DECIMALS) for name in (*_PRICES, "dividend")),
        pl.col("volume") / factor,
    )


def _actions(symbol: str, chart: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    asked = unsplit(chart, splits(chart)).filter(pl.col("session").is_between(first, last))
    none = pl.lit(None, pl.Float64)
    split = asked.filter(pl.col("ratio") > 0).select(
        pl.col("session").alias("ex_date"), "ratio", kind=pl.lit("split"), amount=none
    )
    paid = asked.filter(pl.col("dividend") > 0).select(
        pl.col("session").alias("ex_date"), ratio=none, kind=pl.lit("cash_dividend"),
        amount="dividend",
    )  # fmt: skip
    return pl.concat([split, paid], how="diagonal").select(
        pl.lit(symbol).alias("symbol"), "ex_date", "kind", "ratio", "amount",
        implied=pl.lit(value=False),
    )  # fmt: skip


def _read(table: Any) -> pl.DataFrame:
    """Return a pandas frame of yfinance as polars; the vendor's frame ends here."""
    named = {
        "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume",
        "dividend": "Dividends", "ratio": "Stock Splits",
    }  # fmt: skip
    starts = [stamp.to_pydatetime().astimezone(UTC) for stamp in table.index]
    columns = {name: table[theirs].to_numpy(dtype=float) for name, theirs in named.items()}
    return (
        pl.DataFrame({"bar_start": starts, **columns}, schema=_CHART)
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .with_columns(session=pl.col("bar_start").dt.convert_time_zone(NEW_YORK.key).dt.date())
    )
