"""Clean bars to plant into: the real sample, and generated markets whose truth is known."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from adapters.market_data import generated, sample
from quality.calendar import exchange

BAR = ("symbol", "session", "open", "high", "low", "close", "volume")


@cache
def real() -> pl.DataFrame:
    """The sample's daily bars, unadjusted."""
    return sample.stocks().select(BAR).with_columns(pl.col("volume").cast(pl.Float64))


@cache
def splits() -> pl.DataFrame:
    """The splits of the sample, as a file of corporate actions states them."""
    return pl.DataFrame(sample.SPLITS, schema=["symbol", "ex_date", "ratio"], orient="row").select(
        "symbol", "ex_date", pl.lit("split").alias("kind"), "ratio"
    )


@cache
def invented(symbols: int = 40, seed: int = 11) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A generated market of four years, and its actions."""
    sessions = exchange().sessions(date(2014, 1, 2), date(2017, 12, 29))
    market = generated.market(sessions, symbols=symbols, seed=seed)
    daily = market.daily.select(BAR).with_columns(pl.col("volume").cast(pl.Float64))
    return daily, market.actions.rename({"session": "ex_date"})


@cache
def minutes(symbols: int = 12, seed: int = 5) -> pl.DataFrame:
    """Minute bars of three sessions: random walks that share a market, busier at both ends."""
    days = [date(2016, 11, 21), date(2016, 11, 22), date(2016, 11, 23)]
    rng = np.random.default_rng(seed)
    n = 390 * len(days)
    common = rng.normal(size=n)
    shape = 1.0 + 1.2 * np.linspace(-1.0, 1.0, 390) ** 2
    opens = [exchange().open(day) for day in days]
    stamps = [begin + timedelta(minutes=i) for begin in opens for i in range(390)]
    frames = []
    for number in range(symbols):
        scale = float(rng.uniform(4e-4, 1.2e-3)) * np.tile(shape, len(days)) / shape.mean()
        step = scale * (0.5 * common + 0.87 * rng.standard_t(5, n) * np.sqrt(0.6))
        step[390::390] += rng.normal(0.0, 0.008, len(days) - 1)  # overnight
        close = float(rng.uniform(8.0, 400.0)) * np.exp(np.cumsum(step))
        opened = np.append(close[0], close[:-1] * np.exp(rng.normal(0.0, 5e-5, n - 1)))
        opened[390::390] = close[390::390] * np.exp(rng.normal(0.0, 5e-4, len(days) - 1))
        wick = scale * np.abs(rng.normal(size=(2, n))) * 0.5
        usual = float(rng.uniform(500.0, 50_000.0)) * np.tile(shape, len(days))
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [f"M{number:02d}"] * n,
                    "session": [day for day in days for _ in range(390)],
                    "bar_start": stamps,
                    "open": opened.round(2),
                    "high": (np.maximum(opened, close) * np.exp(wick[0])).round(2),
                    "low": (np.minimum(opened, close) * np.exp(-wick[1])).round(2),
                    "close": close.round(2),
                    "volume": (usual * rng.lognormal(0.0, 0.6, n)).round(),
                }
            )
        )
    return pl.concat(frames).with_columns(
        pl.col("bar_start").dt.cast_time_unit("us"),
        pl.max_horizontal("open", "high", "close").alias("high"),
        pl.min_horizontal("open", "low", "close").alias("low"),
    )


@cache
def simulated(symbols: int = 12, seed: int = 5) -> pl.DataFrame:
    """Minute bars as the desk simulates them: a day's high and low stand in one minute each."""
    daily, _ = invented()
    days = [date(2016, 11, 21), date(2016, 11, 22), date(2016, 11, 23)]
    wanted = daily["symbol"].unique().sort().head(symbols)
    bars = daily.filter(
        pl.col("symbol").is_in(wanted.implode()) & pl.col("session").is_in(days)
    ).with_columns(pl.col("volume").cast(pl.Int64))
    opens = pl.Series([exchange().open(day).replace(tzinfo=None) for day in bars["session"]])
    return generated.minutes(bars, opens, seed=seed).with_columns(
        pl.col("volume").cast(pl.Float64), pl.col("bar_start").dt.cast_time_unit("us")
    )
