"""Defects of daily bars: each planter spoils a clean frame and says which rows it spoiled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

PRICES = ("open", "high", "low", "close")
Key = tuple[str, date]


@dataclass(frozen=True)
class Plant:
    """A spoiled delivery: `wrong` are the keys that must be found as errors.

    `touched` are neither wrong nor clean. A `split` (symbol, first session, ratio) that nobody
    told changes what is paid on a share after it.
    """

    frame: pl.DataFrame
    wrong: frozenset[Key]
    actions: pl.DataFrame | None = None
    touched: frozenset[Key] = field(default_factory=frozenset)
    split: tuple[str, date, float] | None = None


Planter = Callable[[pl.DataFrame, np.random.Generator], Plant]


def spot(
    frame: pl.DataFrame, rng: np.random.Generator, *, length: int = 1
) -> tuple[str, list[date]]:
    """Return a symbol and `length` sessions in a row of it, away from both its ends."""
    counts = frame.group_by("symbol").len().sort("symbol").filter(pl.col("len") > length + 60)
    symbol = str(rng.choice(counts["symbol"].to_list()))
    days = frame.filter(symbol=symbol)["session"].sort().to_list()
    at = int(rng.integers(25, len(days) - length - 25))
    return symbol, days[at : at + length]


def at(symbol: str, days: list[date]) -> pl.Expr:
    return (pl.col("symbol") == symbol) & pl.col("session").is_in(days)


def changed(frame: pl.DataFrame, where: pl.Expr, **to: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in to.items()
    )


def scaled(
    frame: pl.DataFrame, where: pl.Expr, factor: float, fields: tuple[str, ...]
) -> pl.DataFrame:
    return changed(frame, where, **{name: pl.col(name) * factor for name in fields})


def keys(symbol: str, days: list[date]) -> frozenset[Key]:
    return frozenset((symbol, day) for day in days)


def unit_row(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """One bar times or divided by 10, 100 or 1,000."""
    symbol, days = spot(frame, rng)
    factor = float(rng.choice([10.0, 100.0, 1_000.0, 0.1, 0.01, 0.001]))
    return Plant(scaled(frame, at(symbol, days), factor, PRICES), keys(symbol, days))


def unit_block(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A block of bars in another unit."""
    symbol, days = spot(frame, rng, length=int(rng.integers(2, 40)))
    factor = float(rng.choice([10.0, 100.0, 0.1, 0.01]))
    return Plant(scaled(frame, at(symbol, days), factor, PRICES), keys(symbol, days))


def unit_from_date(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A symbol in cents from some session to the end."""
    symbol, (first,) = spot(frame, rng)
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= first)
    days = frame.filter(later)["session"].to_list()
    return Plant(
        scaled(frame, later, float(rng.choice([100.0, 0.01, 0.001])), PRICES), keys(symbol, days)
    )


def unit_at_start(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The first rows of a file in another unit: nothing clean comes before them."""
    symbol, days = spot(frame, rng, length=1 + int(rng.integers(5)))
    kept = frame.filter((pl.col("symbol") != symbol) | (pl.col("session") >= days[0]))
    return Plant(
        scaled(kept, at(symbol, days), float(rng.choice([100.0, 0.01])), PRICES), keys(symbol, days)
    )


def unit_field(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """One price of a bar in another unit."""
    symbol, days = spot(frame, rng)
    factor = float(rng.choice([10.0, 100.0, 0.1, 0.01]))
    return Plant(
        scaled(frame, at(symbol, days), factor, (str(rng.choice(PRICES)),)), keys(symbol, days)
    )


def volume_row(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """One volume in lots or thousands, or a hundred or a thousand times too high."""
    symbol, days = spot(frame, rng)
    factor = float(rng.choice([100.0, 1_000.0, 0.01, 0.001]))
    return Plant(scaled(frame, at(symbol, days), factor, ("volume",)), keys(symbol, days))


def volume_from_date(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Volume in lots, or of one thin feed, from some session on."""
    symbol, (first,) = spot(frame, rng)
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= first)
    factor = float(rng.choice([0.01, rng.uniform(0.02, 0.05)]))
    days = frame.filter(later)["session"].to_list()
    return Plant(scaled(frame, later, factor, ("volume",)), keys(symbol, days))


def spike(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar far from its neighbours, back the next session."""
    symbol, days = spot(frame, rng)
    size = float(rng.uniform(0.2, 0.6)) * float(rng.choice([-1.0, 1.0]))
    return Plant(scaled(frame, at(symbol, days), 1.0 + size, PRICES), keys(symbol, days))


def small_spike(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar six to ten of its usual daily deviations away, back the next session."""
    symbol, days = spot(frame, rng)
    own = frame.filter((pl.col("symbol") == symbol) & (pl.col("session") < days[0])).tail(30)
    usual = float(own["close"].log().diff().std() or 0.02)  # type: ignore[arg-type]
    size = max(0.06, float(rng.uniform(7.0, 11.0)) * usual) * float(rng.choice([-1.0, 1.0]))
    return Plant(scaled(frame, at(symbol, days), float(np.exp(size)), PRICES), keys(symbol, days))


def lone_extreme(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A high or a low alone."""
    symbol, days = spot(frame, rng)
    if rng.random() < 0.5:
        to = scaled(frame, at(symbol, days), float(rng.uniform(1.3, 3.0)), ("high",))
    else:
        to = scaled(frame, at(symbol, days), float(rng.uniform(0.3, 0.75)), ("low",))
    return Plant(to, keys(symbol, days))


def inconsistent(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """High below low, or open or close outside the range."""
    symbol, days = spot(frame, rng)
    where = at(symbol, days)
    shape = int(rng.integers(4))
    to = [
        {"high": pl.col("low"), "low": pl.col("high") + 0.01},
        {"close": pl.col("high") * 1.01},
        {"open": pl.col("low") * 0.99},
        {"high": pl.max_horizontal("open", "close") - 0.02},
    ][shape]
    return Plant(changed(frame, where, **to), keys(symbol, days))


def not_positive(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A price of zero or less, a negative volume, a hole."""
    symbol, days = spot(frame, rng)
    name = str(rng.choice([*PRICES, "volume"]))
    value = [-1.0, None if name == "volume" else 0.0, float("nan")][int(rng.integers(3))]
    return Plant(
        changed(frame, at(symbol, days), **{name: pl.lit(value, pl.Float64)}), keys(symbol, days)
    )


def no_volume(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar without volume, as it is or filled in at the last close."""
    symbol, days = spot(frame, rng)
    where = at(symbol, days)
    to = changed(frame, where, volume=pl.lit(0.0))
    if rng.random() < 0.5:
        last = frame.filter((pl.col("symbol") == symbol) & (pl.col("session") < days[0]))["close"][
            -1
        ]
        to = changed(to, where, **{name: pl.lit(last) for name in PRICES})
    return Plant(to, keys(symbol, days))


def stale(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """An old bar repeated over two to six sessions, with its volume or with the true ones."""
    symbol, days = spot(frame, rng, length=int(rng.integers(3, 7)))
    old = frame.filter(at(symbol, days[:1])).row(0, named=True)
    names = [*PRICES, "volume"] if rng.random() < 0.6 else [*PRICES]
    to = changed(frame, at(symbol, days[1:]), **{name: pl.lit(old[name]) for name in names})
    return Plant(to, keys(symbol, days[1:]))


def conflicting(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Two different bars for one session."""
    symbol, days = spot(frame, rng)
    other = frame.filter(at(symbol, days)).with_columns(
        pl.col("close") * 1.001, pl.col("high") * 1.01
    )
    return Plant(pl.concat([frame, other]), keys(symbol, days))


def missing(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Sessions left out."""
    symbol, days = spot(frame, rng, length=1 + int(rng.integers(4)))
    return Plant(frame.filter(~at(symbol, days)), keys(symbol, days))


def extra(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar on a weekend or a holiday."""
    symbol, days = spot(frame, rng)
    day = days[0]
    while day.weekday() != 5:
        day += timedelta(days=1)
    if rng.random() < 0.5:
        day = date(day.year, 12, 25)
    copy = frame.filter(at(symbol, days)).with_columns(pl.lit(day).alias("session"))
    return Plant(pl.concat([frame, copy]), keys(symbol, [day]))


def unknown_split(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A split nobody recorded, of the prices alone or of the volume too."""
    symbol, (first,) = spot(frame, rng)
    ratio = float(rng.choice([1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 20.0, 0.1, 0.5, 0.2]))
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= first)
    to = scaled(frame, later, 1.0 / ratio, PRICES)
    if rng.random() < 0.6:
        to = changed(to, later, volume=(pl.col("volume") * ratio).round())
    return Plant(to, keys(symbol, [first]), split=(symbol, first, ratio))


def wrong_action(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A phantom split on record, or a dividend as large as the price."""
    symbol, (first,) = spot(frame, rng)
    if rng.random() < 0.7:
        ratio = float(rng.choice([1.5, 2.0, 3.0, 5.0, 10.0, 0.1]))
        row = {"symbol": symbol, "ex_date": first, "kind": "split", "ratio": ratio, "amount": None}
    else:
        close = frame.filter(at(symbol, [first]))["close"][0]
        share = float(rng.uniform(0.3, 1.5))
        row = {
            "symbol": symbol,
            "ex_date": first,
            "kind": "cash_dividend",
            "ratio": None,
            "amount": share * close,
        }
    schema = {
        "symbol": pl.String,
        "ex_date": pl.Date,
        "kind": pl.String,
        "ratio": pl.Float64,
        "amount": pl.Float64,
    }
    return Plant(frame, keys(symbol, [first]), pl.DataFrame([row], schema=schema))


def true_split_spoiled(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A true split whose record is inverted or doubled."""
    symbol, (first,) = spot(frame, rng)
    ratio = float(rng.choice([2.0, 3.0, 4.0]))
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= first)
    to = changed(
        scaled(frame, later, 1.0 / ratio, PRICES), later, volume=(pl.col("volume") * ratio).round()
    )
    told = 1.0 / ratio if rng.random() < 0.5 else ratio * ratio
    row = {
        "symbol": [symbol],
        "ex_date": [first],
        "kind": ["split"],
        "ratio": [told],
        "amount": [None],
    }
    return Plant(
        to, keys(symbol, [first]), pl.DataFrame(row, schema_overrides={"amount": pl.Float64})
    )


def reused(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Another company's series under the symbol after an absence."""
    symbol, days = spot(frame, rng, length=int(rng.integers(10, 50)))
    price = float(rng.choice([0.2, 0.35, 3.0, 6.0]))
    to = frame.filter(~at(symbol, days))
    later = (pl.col("symbol") == symbol) & (pl.col("session") > days[-1])
    to = scaled(to, later, price, PRICES)
    to = scaled(to, later, float(rng.choice([0.1, 1.0, 10.0])), ("volume",))
    first = to.filter(later)["session"].min()
    return Plant(to, frozenset([(symbol, first)]))  # type: ignore[list-item]


def relabelled(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The rows of two symbols exchanged over some sessions."""
    symbol, days = spot(frame, rng, length=1 + int(rng.integers(12)))
    there = frame.filter(pl.col("session").is_in(days))
    full = there.group_by("symbol").len().filter(pl.col("len") == len(days))
    level = there.group_by("symbol").agg(pl.col("close").mean())
    own = level.filter(symbol=symbol)["close"][0]
    others = (
        full.join(level, on="symbol")
        .filter((pl.col("symbol") != symbol) & ((pl.col("close") / own).log().abs() > 0.25))
        .sort("symbol")["symbol"]
        .to_list()
    )
    if not others:
        return relabelled(frame, rng)
    other = str(rng.choice(others))
    swapped = pl.col("symbol").replace({symbol: other, other: symbol})
    to = frame.with_columns(
        pl.when(pl.col("session").is_in(days))
        .then(swapped)
        .otherwise(pl.col("symbol"))
        .alias("symbol")
    )
    return Plant(to, keys(symbol, days) | keys(other, days))


def shuffled(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The rows of one symbol permuted among the dates of a stretch."""
    symbol, days = spot(frame, rng, length=int(rng.integers(40, 120)))
    part = frame.filter(at(symbol, days)).sort("session")
    mixed = part.with_columns(pl.Series("session", [days[i] for i in rng.permutation(len(days))]))
    moved = part.join(mixed, on="session", suffix="_new").filter(
        pl.col("close") != pl.col("close_new")
    )
    to = pl.concat([frame.filter(~at(symbol, days)), mixed.select(frame.columns)])
    return Plant(to, keys(symbol, moved["session"].to_list()))


def one_day_late(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The rows of one symbol dated a session late over a long stretch."""
    symbol, days = spot(frame, rng, length=int(rng.integers(200, 400)))
    part = frame.filter(at(symbol, days)).sort("session")
    late = part.with_columns(pl.col("session").shift(-1)).filter(pl.col("session").is_not_null())
    to = pl.concat([frame.filter(~at(symbol, days)), late.select(frame.columns)])
    return Plant(to, keys(symbol, days[1:]), touched=keys(symbol, days))


PLANTERS: dict[str, Planter] = {
    planter.__name__: planter
    for planter in (
        unit_row, unit_block, unit_from_date, unit_at_start, unit_field, volume_row,
        volume_from_date, spike, small_spike, lone_extreme, inconsistent, not_positive, no_volume,
        stale, conflicting, missing, extra, unknown_split, wrong_action, true_split_spoiled, reused,
        relabelled, shuffled, one_day_late,
    )
}  # fmt: skip
