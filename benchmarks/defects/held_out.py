"""A second set of defects, written after the rules and otherwise built; nothing is tuned to it.

Other shapes of the same classes: other factors, other fields together, other lengths, defects near
the ends of a file, several in one file.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.defects import daily, minute
from benchmarks.defects.daily import PRICES, Plant, at, changed, keys, scaled, spot


def near_the_end(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A wrong unit or a leap of a half in one of the last three sessions of a symbol."""
    counts = frame.group_by("symbol").len().filter(pl.col("len") > 60).sort("symbol")
    symbol = str(rng.choice(counts["symbol"].to_list()))
    day = frame.filter(symbol=symbol)["session"].sort()[-int(rng.integers(1, 4))]
    factor = float(rng.choice([0.01, 100.0, 0.5, 1.6]))
    return Plant(scaled(frame, at(symbol, [day]), factor, PRICES), keys(symbol, [day]))


def in_the_first_rows(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A wrong unit in the second to sixth row of a symbol."""
    symbol, days = spot(frame, rng, length=8)
    kept = frame.filter((pl.col("symbol") != symbol) | (pl.col("session") >= days[0]))
    day = days[int(rng.integers(1, 6))]
    return Plant(
        scaled(kept, at(symbol, [day]), float(rng.choice([0.1, 10.0, 1000.0])), PRICES),
        keys(symbol, [day]),
    )


def pence(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Every other week in cents for half a year."""
    symbol, days = spot(frame, rng, length=100)
    wrong = [day for i, day in enumerate(days) if (i // 5) % 2]
    return Plant(scaled(frame, at(symbol, wrong), 100.0, PRICES), keys(symbol, wrong))


def close_of_another_day(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Close exchanged with the close of a session ten to thirty before, outside the bar."""
    symbol, days = spot(frame, rng, length=int(rng.integers(10, 30)))
    old = frame.filter(at(symbol, days[:1]))["close"][0]
    bar = frame.filter(at(symbol, days[-1:])).row(0, named=True)
    if bar["low"] <= old <= bar["high"]:
        return close_of_another_day(frame, rng)
    return Plant(changed(frame, at(symbol, days[-1:]), close=pl.lit(old)), keys(symbol, days[-1:]))


def fat_finger(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Two digits of the price exchanged or one dropped, in all four prices of a bar."""
    symbol, days = spot(frame, rng)
    close = frame.filter(at(symbol, days))["close"][0]
    factor = float(rng.choice([1.9, 0.55, 1.45, 0.68, 2.4]))
    bar = {name: (pl.col(name) * factor).round(2) for name in PRICES}
    assert close > 0
    return Plant(changed(frame, at(symbol, days), **bar), keys(symbol, days))


def low_to_a_cent(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A low of one cent, or a high of 99,999."""
    symbol, days = spot(frame, rng)
    name, value = ("low", 0.01) if rng.random() < 0.5 else ("high", 99_999.0)
    return Plant(changed(frame, at(symbol, days), **{name: pl.lit(value)}), keys(symbol, days))


def volume_in_lots_for_a_month(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A month of volume in round lots, or in thousands."""
    symbol, days = spot(frame, rng, length=21)
    by = float(rng.choice([100.0, 1_000.0]))
    to = changed(frame, at(symbol, days), volume=(pl.col("volume") / by).round())
    return Plant(to, keys(symbol, days))


def iex_only(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Two months of the volume of one exchange: two to four per cent, other each day."""
    symbol, days = spot(frame, rng, length=42)
    share = pl.lit(pl.Series(rng.uniform(0.02, 0.04, frame.height)))
    to = changed(frame, at(symbol, days), volume=(pl.col("volume") * share).round())
    return Plant(to, keys(symbol, days))


def filled_forward(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Two to five sessions filled in with the last close, without volume."""
    symbol, days = spot(frame, rng, length=int(rng.integers(3, 7)))
    last = frame.filter(at(symbol, days[:1]))["close"][0]
    fill = {name: pl.lit(last) for name in PRICES} | {"volume": pl.lit(0.0)}
    return Plant(changed(frame, at(symbol, days[1:]), **fill), keys(symbol, days[1:]))


def copied_week(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """One bar sent for three sessions with volumes of their own."""
    symbol, days = spot(frame, rng, length=4)
    old = frame.filter(at(symbol, days[:1])).row(0, named=True)
    to = changed(frame, at(symbol, days[1:]), **{name: pl.lit(old[name]) for name in PRICES})
    return Plant(to, keys(symbol, days[1:]))


def odd_split(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """An unrecorded split at 3:2, 5:2, 1:4, 1:15 or 12:1, volume following."""
    symbol, (first,) = spot(frame, rng)
    ratio = float(rng.choice([1.5, 2.5, 0.25, 1 / 15, 12.0]))
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= first)
    to = scaled(frame, later, 1.0 / ratio, PRICES)
    return Plant(
        changed(to, later, volume=(pl.col("volume") * ratio).round()),
        keys(symbol, [first]), split=(symbol, first, ratio),
    )  # fmt: skip


def sundays(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A week dated a day or two late, so that its end falls on a weekend."""
    symbol, days = spot(frame, rng, length=5)
    while days[-1].weekday() != 4 or days[0].weekday() != 0:
        symbol, days = spot(frame, rng, length=5)
    friday = frame.filter(at(symbol, days[-1:])).with_columns(
        pl.lit(days[-1] + timedelta(days=int(rng.integers(1, 3)))).alias("session")
    )
    to = pl.concat([frame.filter(~at(symbol, days[-1:])), friday])
    return Plant(to, frozenset({(symbol, friday["session"][0]), (symbol, days[-1])}))


def new_year(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar on the first of January or the Fourth of July, the one before changed a little."""
    symbol, days = spot(frame, rng)
    day = date(days[0].year, *[(1, 1), (7, 4)][int(rng.integers(2))])
    own = (
        frame.filter((pl.col("symbol") == symbol) & (pl.col("session") < day))
        .sort("session")
        .tail(1)
    )
    if own.is_empty() or own["session"][0] < day - timedelta(days=7):
        return new_year(frame, rng)
    copy = own.with_columns(pl.lit(day).alias("session"), *(pl.col(n) * 1.003 for n in PRICES))
    return Plant(pl.concat([frame, copy]), keys(symbol, [day]))


def another_company(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """From some session on the rows of another symbol, after a quarter without any."""
    symbol, days = spot(frame, rng, length=63)
    others = [s for s in frame["symbol"].unique().sort().to_list() if s != symbol]
    later = frame.filter((pl.col("symbol") == symbol) & (pl.col("session") > days[-1]))
    source = (
        frame.filter(symbol=str(rng.choice(others)))
        if others
        else frame.filter(symbol=symbol).with_columns(
            *(pl.col(n) * 0.3 for n in PRICES), pl.col("volume") * 20
        )
    )
    taken = source.filter(pl.col("session").is_in(later["session"].implode())).with_columns(
        pl.lit(symbol).alias("symbol")
    )
    own = frame.filter(symbol=symbol)
    before = own.filter(pl.col("session") < days[0])
    if (
        taken.is_empty()
        or before.is_empty()
        or abs(np.log(taken["close"][0] / before["close"][-1])) < 0.7
    ):
        return another_company(frame, rng) if rng.random() < 0.98 else near_the_end(frame, rng)
    kept = frame.filter((pl.col("symbol") != symbol) | (pl.col("session") < days[0]))
    first = taken.sort("session")["session"][0]
    return Plant(pl.concat([kept, taken.select(kept.columns)]), keys(symbol, [first]))


def two_days_swapped_symbols(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The rows of two symbols exchanged on two sessions."""
    return daily.relabelled(frame, rng)


DAILY: dict[str, daily.Planter] = {
    planter.__name__: planter
    for planter in (
        near_the_end, in_the_first_rows, pence, close_of_another_day, fat_finger, low_to_a_cent,
        volume_in_lots_for_a_month, iex_only, filled_forward, copied_week, odd_split, sundays,
        new_year, another_company, two_days_swapped_symbols,
    )
}  # fmt: skip


def small_tick(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """A bar 2 to 6 % away for one or two minutes."""
    symbol, stamps = minute.spot(frame, rng, length=int(rng.integers(1, 3)))
    factor = 1.0 + float(rng.uniform(0.02, 0.06)) * float(rng.choice([-1.0, 1.0]))
    return minute.Plant(
        minute.scaled(frame, minute.at(symbol, stamps), factor, PRICES), minute.keys(symbol, stamps)
    )


def half_hour_late(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """One symbol stamped half an hour or two hours late."""
    symbol = str(rng.choice(frame["symbol"].unique().sort().to_list()))
    by = timedelta(minutes=int(rng.choice([-120, 30, 120])))
    who = pl.col("symbol") == symbol
    moved = minute.changed(frame, who, bar_start=pl.col("bar_start") + by)
    wrong = frame.filter(who).select("symbol", pl.col("bar_start") + by)
    return minute.Plant(moved, frozenset(wrong.iter_rows()))


def cents_to_the_close(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """From some minute to the end of the session in cents."""
    symbol, stamps = minute.spot(frame, rng)
    day = stamps[0].date()
    later = (
        (pl.col("symbol") == symbol)
        & (pl.col("session") == day)
        & (pl.col("bar_start") >= stamps[0])
    )
    wrong = frame.filter(later).select("symbol", "bar_start")
    return minute.Plant(minute.scaled(frame, later, 100.0, PRICES), frozenset(wrong.iter_rows()))


MINUTE: dict[str, minute.Planter] = {
    planter.__name__: planter for planter in (small_tick, half_hour_late, cents_to_the_close)
}
