"""The embedded sample as the quality tests read it: real bars, real index, real splits."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

import arch.data.sp500
import bokeh_sampledata
import numpy as np
import polars as pl

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT", "FB")


@cache
def sample() -> pl.DataFrame:
    """Daily bars 2000-03-01 to 2013-03-01, unadjusted."""
    path = Path(bokeh_sampledata.__file__).parent / "_data" / "stocks.csv.gz"
    frame = pl.read_csv(path)
    return frame.select(
        pl.col("Ticker").alias("symbol"),
        pl.col("Date").str.to_date().alias("session"),
        *(pl.col(name).alias(name.lower()) for name in ("Open", "High", "Low", "Close")),
        pl.col("Volume").cast(pl.Int64).alias("volume"),
    )


@cache
def index() -> pl.DataFrame:
    """S&P 500, 1999 to 2018."""
    frame = arch.data.sp500.load()
    return pl.DataFrame(
        {
            "session": [stamp.date() for stamp in frame.index],
            **{name.lower(): frame[name].to_list() for name in ("High", "Low", "Close")},
        }
    )


@cache
def splits() -> pl.DataFrame:
    """The three splits of the sample, as the companies announced them."""
    return pl.DataFrame(
        {
            "symbol": ["AAPL", "AAPL", "MSFT"],
            "ex_date": [date(2000, 6, 21), date(2005, 2, 28), date(2003, 2, 18)],
            "kind": ["split"] * 3,
            "ratio": [2.0, 2.0, 2.0],
        }
    )


def rows(symbol: str, first: date, last: date) -> pl.DataFrame:
    """Return the real bars of one symbol."""
    wanted = (pl.col("symbol") == symbol) & pl.col("session").is_between(first, last)
    return sample().filter(wanted).sort("session")


def planted(frame: pl.DataFrame, session: date, **changes: pl.Expr) -> pl.DataFrame:
    """Return `frame` with columns of one session replaced."""
    there = pl.col("session") == session
    return frame.with_columns(
        pl.when(there).then(change).otherwise(pl.col(name)).alias(name)
        for name, change in changes.items()
    )


def quiet(symbol: str, days: Sequence[date], level: float, *, seed: int = 1) -> pl.DataFrame:
    """A quiet series near a level."""
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.01, len(days))))
    opened = close * np.exp(rng.normal(0.0, 0.004, len(days)))
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(days),
            "session": list(days),
            "open": opened,
            "high": np.maximum(opened, close) * 1.006,
            "low": np.minimum(opened, close) * 0.994,
            "close": close,
            "volume": np.round(1e6 * rng.lognormal(0.0, 0.25, len(days))),
        }
    )


PRICES = ("open", "high", "low", "close")


def scaled_from(frame: pl.DataFrame, day: date, factor: float) -> pl.DataFrame:
    """Return `frame` with all prices from a day on multiplied."""
    there = pl.col("session") >= day
    return frame.with_columns(
        pl.when(there).then(pl.col(n) * factor).otherwise(pl.col(n)).alias(n) for n in PRICES
    )
