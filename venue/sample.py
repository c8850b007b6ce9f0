"""The market that is replayed: real daily prices that come with two Python packages.

Five stocks from `bokeh_sampledata` (unadjusted, public-domain WIKI prices) and the
S&P 500 index from `arch`. Splits are recorded here; dividends are those implied by
the sample's adjusted column.
"""

import csv
import gzip
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

INDEX_SYMBOL = "SPX"
STOCKS: Mapping[str, tuple[str, str]] = {
    "AAPL": ("Apple Inc.", "NASDAQ"),
    "FB": ("Facebook, Inc. Class A", "NASDAQ"),
    "GOOG": ("Google Inc. Class A", "NASDAQ"),
    "IBM": ("International Business Machines Corporation", "NYSE"),
    "MSFT": ("Microsoft Corporation", "NASDAQ"),
}
_SPLITS = (
    ("AAPL", date(2000, 6, 21), Decimal(2)),
    ("AAPL", date(2005, 2, 28), Decimal(2)),
    ("MSFT", date(2003, 2, 18), Decimal(2)),
)
# The adjusted column repeats the close to about 12 digits; the smallest true
# dividend of the sample is a few thousandths of the price.
_LEAST_YIELD = 1e-5


@dataclass(frozen=True)
class DailyBar:
    """One session of one symbol, prices in dollars per share as quoted that day."""

    session: date
    open: float
    high: float
    low: float
    close: float
    volume: int


@dataclass(frozen=True)
class CorporateAction:
    """A split (`value` new shares for one old) or a cash dividend (`value` dollars a share)."""

    kind: Literal["split", "dividend"]
    symbol: str
    ex_date: date
    value: Decimal
    origin: Literal["recorded", "implied", "planted"]


@dataclass(frozen=True)
class Sample:
    """All daily bars by symbol and date, and the corporate actions in order of their ex-dates.

    `stocks` are the symbols that can be traded, each with its company and exchange.
    """

    bars: Mapping[str, Mapping[date, DailyBar]]
    actions: tuple[CorporateAction, ...]
    stocks: Mapping[str, tuple[str, str]]
    index_symbol: str
    name: str

    @property
    def first_session(self) -> date:
        """The first date on which any stock has a bar."""
        return min(min(bars) for bars in self._of_stocks)

    @property
    def last_session(self) -> date:
        """The last date on which any stock has a bar."""
        return max(max(bars) for bars in self._of_stocks)

    @property
    def _of_stocks(self) -> list[Mapping[date, DailyBar]]:
        return [self.bars[symbol] for symbol in self.stocks if self.bars[symbol]]


@lru_cache(maxsize=1)
def sample() -> Sample:
    """The replayed market, read once per process."""
    bars: dict[str, dict[date, DailyBar]] = {symbol: {} for symbol in (*STOCKS, INDEX_SYMBOL)}
    adjusted: dict[str, dict[date, float]] = {symbol: {} for symbol in STOCKS}
    for row in _rows("bokeh_sampledata", "_data/stocks.csv.gz"):
        day = date.fromisoformat(row["Date"])
        bars[row["Ticker"]][day] = _bar(day, row)
        adjusted[row["Ticker"]][day] = float(row["Adj Close"])
    for row in _rows("arch", "data/sp500/sp500.csv.gz"):
        day = datetime.strptime(row["Date"], "%m/%d/%Y").date()  # noqa: DTZ007  a date has no zone
        bars[INDEX_SYMBOL][day] = _bar(day, row)
    actions = [CorporateAction("split", s, day, ratio, "recorded") for s, day, ratio in _SPLITS]
    for symbol in STOCKS:
        actions.extend(_implied_dividends(symbol, bars[symbol], adjusted[symbol]))
    in_order = tuple(sorted(actions, key=lambda a: (a.ex_date, a.symbol, a.kind)))
    return Sample(bars, in_order, STOCKS, INDEX_SYMBOL, "sample")


def _rows(package: str, inside: str) -> Iterator[dict[str, str]]:
    # Found without importing: the packages' own loaders import pandas.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            f"The replayed market needs the package `{package}`, which is not installed. "
            "Install requirements.lock."
        )
    with gzip.open(Path(spec.origin).parent / inside, "rt", newline="") as lines:
        yield from csv.DictReader(lines)


def _bar(day: date, row: Mapping[str, str]) -> DailyBar:
    o, h, low, c = (round(float(row[name]), 4) for name in ("Open", "High", "Low", "Close"))
    return DailyBar(day, o, h, low, c, int(float(row["Volume"])))


def _implied_dividends(
    symbol: str, bars: Mapping[date, DailyBar], adjusted: Mapping[date, float]
) -> Iterator[CorporateAction]:
    """Dividends by which the adjusted column departs from the raw close.

    The source multiplies earlier prices by close / (close + dividend), both of
    the ex-date, so that the dividend is close * (growth of the factor - 1).
    """
    ratios = {day: float(ratio) for s, day, ratio in _SPLITS if s == symbol}
    days = list(bars)
    for before, day in pairwise(days):
        growth = (adjusted[day] / bars[day].close) / (adjusted[before] / bars[before].close)
        paid = growth / ratios.get(day, 1.0) - 1.0
        if paid > _LEAST_YIELD:
            amount = Decimal(str(round(paid * bars[day].close, 4)))
            yield CorporateAction("dividend", symbol, day, amount, "implied")
