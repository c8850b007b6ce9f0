"""Defects of minute bars: each planter spoils a clean frame and says which bars it spoiled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

PRICES = ("open", "high", "low", "close")
Key = tuple[str, datetime]


@dataclass(frozen=True)
class Plant:
    """A spoiled delivery: `wrong` are the keys that must be found as errors."""

    frame: pl.DataFrame
    wrong: frozenset[Key]
    touched: frozenset[Key] = frozenset()


Planter = Callable[[pl.DataFrame, np.random.Generator], Plant]


def spot(
    frame: pl.DataFrame, rng: np.random.Generator, *, length: int = 1
) -> tuple[str, list[datetime]]:
    """Return a symbol and `length` minutes in a row of one of its sessions."""
    symbol = str(rng.choice(frame["symbol"].unique().sort().to_list()))
    own = frame.filter(symbol=symbol)
    session = own["session"].unique().sort()[int(rng.integers(own["session"].n_unique()))]
    stamps = own.filter(session=session)["bar_start"].sort().to_list()
    at = int(rng.integers(15, len(stamps) - length - 15))
    return symbol, stamps[at : at + length]


def at(symbol: str, stamps: list[datetime]) -> pl.Expr:
    return (pl.col("symbol") == symbol) & pl.col("bar_start").is_between(stamps[0], stamps[-1])


def changed(frame: pl.DataFrame, where: pl.Expr, **to: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in to.items()
    )


def scaled(
    frame: pl.DataFrame, where: pl.Expr, factor: float, fields: tuple[str, ...]
) -> pl.DataFrame:
    return changed(frame, where, **{name: pl.col(name) * factor for name in fields})


def keys(symbol: str, stamps: list[datetime]) -> frozenset[Key]:
    return frozenset((symbol, stamp) for stamp in stamps)


def bad_tick(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar 3 to 30 % away from its neighbours, back the next minute."""
    symbol, stamps = spot(frame, rng)
    factor = 1.0 + float(rng.uniform(0.03, 0.3)) * float(rng.choice([-1.0, 1.0]))
    return Plant(scaled(frame, at(symbol, stamps), factor, PRICES), keys(symbol, stamps))


def lone_extreme(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A high or a low alone, 4 to 30 % away."""
    symbol, stamps = spot(frame, rng)
    size = float(rng.uniform(0.04, 0.3))
    name, factor = ("high", 1.0 + size) if rng.random() < 0.5 else ("low", 1.0 - size)
    return Plant(scaled(frame, at(symbol, stamps), factor, (name,)), keys(symbol, stamps))


def unit_block(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """One to sixty minutes in another unit."""
    symbol, stamps = spot(frame, rng, length=int(rng.choice([1, 3, 20, 60])))
    factor = float(rng.choice([10.0, 100.0, 0.1, 0.01]))
    return Plant(scaled(frame, at(symbol, stamps), factor, PRICES), keys(symbol, stamps))


def inconsistent(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """High below low, a close outside the range, a price of zero, a negative volume, a hole."""
    symbol, stamps = spot(frame, rng)
    shapes = [
        {"high": pl.col("low") - 0.02},
        {"close": pl.col("high") * 1.01},
        {"low": pl.lit(0.0)},
        {"volume": pl.lit(-5.0)},
        {"close": pl.lit(None, pl.Float64)},
    ]
    return Plant(
        changed(frame, at(symbol, stamps), **shapes[int(rng.integers(5))]), keys(symbol, stamps)
    )


def conflicting(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Two different bars for one minute."""
    symbol, stamps = spot(frame, rng)
    other = frame.filter(at(symbol, stamps)).with_columns(pl.col("high") + 0.01)
    return Plant(pl.concat([frame, other]), keys(symbol, stamps))


def off_hours(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A few minutes before the open, after the close or in the night."""
    symbol, stamps = spot(frame, rng, length=3)
    by = timedelta(hours=int(rng.choice([-7, 7, 9, 12])))
    moved = frame.filter(at(symbol, stamps)).with_columns(pl.col("bar_start") + by)
    return Plant(pl.concat([frame, moved]), keys(symbol, [stamp + by for stamp in stamps]))


def wrong_zone(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The whole file, or one symbol of it, stamped hours apart."""
    by = timedelta(hours=int(rng.choice([-5, -4, -1, 1, 4, 5])))
    symbol = str(rng.choice(frame["symbol"].unique().sort().to_list()))
    who = pl.lit(value=True) if rng.random() < 0.5 else pl.col("symbol") == symbol
    moved = changed(frame, who, bar_start=pl.col("bar_start") + by)
    wrong = frame.filter(who).select("symbol", pl.col("bar_start") + by)
    return Plant(moved, frozenset(wrong.iter_rows()))


def past_early_close(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A half-day of which the minutes go on to four o'clock."""
    symbol = str(rng.choice(frame["symbol"].unique().sort().to_list()))
    day = datetime(2016, 11, 25, 14, 30, tzinfo=frame["bar_start"][0].tzinfo)
    full = frame.filter(symbol=symbol, session=frame["session"].min())
    by = day - full["bar_start"].min()  # type: ignore[operator]  # a datetime
    traded = (full["volume"] * rng.lognormal(0.0, 0.3, full.height)).round()  # no copy of that day
    more = full.with_columns(pl.col("bar_start") + by, traded, pl.lit(day.date()).alias("session"))
    wrong = more.filter(pl.col("bar_start") >= day + timedelta(minutes=210)).select(
        "symbol", "bar_start"
    )
    return Plant(pl.concat([frame, more]), frozenset(wrong.iter_rows()))


def stale(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar repeated with its volume for three to ten minutes."""
    symbol, stamps = spot(frame, rng, length=int(rng.integers(4, 11)))
    old = frame.filter(at(symbol, stamps[:1])).row(0, named=True)
    names = (*PRICES, "volume")
    to = changed(frame, at(symbol, stamps[1:]), **{name: pl.lit(old[name]) for name in names})
    return Plant(to, keys(symbol, stamps[1:]))


PLANTERS: dict[str, Planter] = {
    planter.__name__: planter
    for planter in (
        bad_tick, lone_extreme, unit_block, inconsistent, conflicting, off_hours, wrong_zone,
        past_early_close, stale,
    )
}  # fmt: skip
