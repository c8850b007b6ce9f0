"""Real look-alikes: what looks like a defect and happened. None of it may be called an error."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from benchmarks.defects import market
from benchmarks.defects.daily import PRICES, at, changed, scaled
from quality.calendar import exchange

REAL: Final = (
    ("AAPL", date(2000, 9, 29), "a profit warning halves the price"),
    ("AAPL", date(2000, 6, 21), "a split, on record"),
    ("AAPL", date(2005, 2, 28), "a split, on record"),
    ("MSFT", date(2003, 2, 18), "a split, on record"),
    ("MSFT", date(2004, 11, 15), "a dividend of 3 USD, a tenth of the price"),
    ("AAPL", date(2001, 9, 17), "the first session after the closure of 2001-09-11 to 14"),
    ("IBM", date(2001, 9, 17), "the first session after the closure"),
    ("AAPL", date(2003, 4, 11), "a rumour of a take-over, eight times the volume"),
    ("GOOG", date(2004, 8, 19), "its first day"),
    ("GOOG", date(2004, 10, 22), "its first earnings, 15 % up"),
    ("IBM", date(2005, 4, 15), "earnings, ten deviations down"),
    ("MSFT", date(2006, 4, 28), "earnings, fifteen deviations down"),
    ("AAPL", date(2008, 1, 23), "earnings, 11 % down"),
    ("GOOG", date(2008, 4, 18), "earnings, 20 % up"),
    ("AAPL", date(2008, 9, 29), "the House refuses the rescue, 18 % down"),
    ("GOOG", date(2008, 9, 30), "the bounce after it"),
    ("IBM", date(2008, 10, 10), "the week of October 2008"),
    ("MSFT", date(2008, 10, 13), "the largest rise of the index since 1933"),
    ("AAPL", date(2008, 10, 17), "a range of 17 %"),
    ("AAPL", date(2010, 5, 6), "the flash crash: low 20 % below the close"),
    ("IBM", date(2010, 5, 6), "the flash crash"),
    ("GOOG", date(2010, 10, 15), "earnings, nine deviations up"),
    ("AAPL", date(2011, 8, 8), "the downgrade of the United States"),
    ("FB", date(2012, 5, 18), "its first day"),
    ("FB", date(2012, 7, 27), "its first earnings, 12 % down"),
    ("FB", date(2012, 10, 24), "earnings, 19 % up"),
    ("IBM", date(2012, 10, 31), "the first session after the hurricane"),
    ("AAPL", date(2013, 1, 24), "earnings, 12 % down"),
    ("AAPL", date(2002, 12, 24), "a half-day at a sixth of the volume"),
    ("IBM", date(2009, 11, 17), "a session at a seventh of the volume"),
)

# After the short squeeze of GameStop as it was published (rounded): open, high, low, close in USD,
# millions of shares, January 12 to February 2, 2021, before the split of 2022.
_SQUEEZE: Final = (
    (19.96, 20.40, 19.32, 19.95, 7.1), (20.42, 38.65, 20.03, 31.40, 144.5),
    (38.09, 43.06, 33.05, 39.91, 93.7), (38.49, 40.75, 34.01, 35.50, 46.9),
    (41.55, 45.52, 36.64, 39.36, 74.7), (37.37, 41.19, 36.06, 39.12, 33.5),
    (39.23, 44.75, 37.00, 43.03, 57.1), (42.59, 76.76, 42.32, 65.01, 196.8),
    (96.73, 159.18, 61.13, 76.79, 177.9), (88.56, 150.00, 80.20, 147.98, 178.6),
    (354.83, 380.00, 249.00, 347.51, 93.4), (265.00, 483.00, 112.25, 193.60, 58.8),
    (379.71, 413.98, 250.00, 325.00, 50.6), (316.56, 322.00, 212.00, 225.00, 37.4),
    (140.76, 158.00, 74.22, 90.00, 78.2),
)  # fmt: skip


@dataclass(frozen=True)
class LookAlike:
    """A delivery in which the session `at` of `symbol` really happened."""

    name: str
    frame: pl.DataFrame
    actions: pl.DataFrame | None
    symbol: str
    at: date


def all_of_them(seed: int = 23) -> Iterator[LookAlike]:
    """Yield every look-alike: the real ones alone and among others, and the constructed ones."""
    bars = market.real()
    for symbol, day, what in REAL:
        near = bars.filter(
            pl.col("session").is_between(day - timedelta(days=250), day + timedelta(days=120))
        )
        alone = near.filter(symbol=symbol)
        yield LookAlike(f"{symbol} {day}: {what}", near, market.splits(), symbol, day)
        yield LookAlike(f"{symbol} {day}, alone", alone, market.splits(), symbol, day)
        short = alone.filter(pl.col("session") >= day - timedelta(days=12))
        yield LookAlike(f"{symbol} {day}, no history", short, market.splits(), symbol, day)
    yield _squeeze(seed)
    yield from _constructed(seed)


def _squeeze(seed: int) -> LookAlike:
    """A squeeze after forty invented quiet sessions at the same price and volume."""
    rng = np.random.default_rng(seed)
    days = _sessions(date(2020, 11, 10), date(2021, 2, 2))
    quiet = len(days) - len(_SQUEEZE)
    close = 18.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, quiet)))
    close *= 19.9 / close[-1]
    opened = close * np.exp(rng.normal(0.0, 0.01, quiet))
    calm = [
        (o, max(o, c) * 1.02, min(o, c) * 0.98, c, float(v))
        for o, c, v in zip(opened, close, rng.lognormal(2.0, 0.35, quiet), strict=True)
    ]
    rows = [*calm, *_SQUEEZE]
    frame = pl.DataFrame(
        [("SQZ", day, *row[:4], row[4] * 1e6) for day, row in zip(days, rows, strict=True)],
        schema=dict(zip(market.BAR, (pl.String, pl.Date, *[pl.Float64] * 5), strict=True)),
        orient="row",
    )
    return LookAlike(
        "a short squeeze, up 135 % and down 44 %", frame, None, "SQZ", date(2021, 1, 28)
    )


def _sessions(first: date, last: date) -> tuple[date, ...]:
    return exchange().sessions(first, last)


def _constructed(seed: int) -> Iterator[LookAlike]:
    """Yield true events written into a generated market."""
    bars, actions = market.invented()
    rng = np.random.default_rng(seed)
    names = (
        bars.group_by("symbol").len().filter(pl.col("len") > 900).sort("symbol")["symbol"].to_list()
    )
    days = bars["session"].unique().sort().to_list()
    for number in range(12):
        symbol, day = str(rng.choice(names)), days[int(rng.integers(120, len(days) - 60))]
        later = (pl.col("symbol") == symbol) & (pl.col("session") >= day)
        fall = float(rng.choice([0.55, 0.7, 0.8, 1.25, 1.4, 2.2]))
        crash = scaled(bars, later, fall, PRICES)
        crash = changed(
            crash, at(symbol, [day]), volume=pl.col("volume") * float(rng.uniform(6, 15))
        )
        crash = changed(
            crash, at(symbol, [day]),
            high=pl.col("high") * 1.04, low=pl.col("low") * 0.96,
        )  # fmt: skip
        yield LookAlike(f"news, times {fall}, {number}", crash, actions, symbol, day)
        deep = float(rng.uniform(0.86, 0.93))
        every = pl.col("session") >= day
        panic = changed(
            scaled(bars, every, deep, PRICES), pl.col("session") == day,
            volume=pl.col("volume") * 1.6, low=pl.col("low") * 0.97,
        )  # fmt: skip
        yield LookAlike(f"a crash of the whole market, {number}", panic, actions, symbol, day)
        half = changed(bars, pl.col("session") == day, volume=(pl.col("volume") * 0.35).round())
        yield LookAlike(f"a half-day's volume, {number}", half, actions, symbol, day)
        added = changed(bars, at(symbol, [day]), volume=pl.col("volume") * 4.0)
        yield LookAlike(
            f"added to an index, four times the volume, {number}", added, actions, symbol, day
        )
        gone = bars.filter((pl.col("symbol") != symbol) | (pl.col("session") <= day))
        yield LookAlike(f"delisted, {number}", gone, actions, symbol, day)
