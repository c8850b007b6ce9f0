"""A third set of defects of every kind of data, written before it was first judged.

Other shapes and other seeds than both sets before it: columns exchanged, days and months exchanged,
histories half adjusted, whole sessions repeated, chains and records spoiled in other ways.
"""

from collections.abc import Hashable
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.defects import actions, daily, minute, options
from benchmarks.defects.daily import PRICES, Plant, at, changed, keys, scaled, spot
from benchmarks.defects.planted import Spoiled, by_name
from quality.calendar import exchange


def columns_rotated(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Open, high, low and close each one column to the left."""
    symbol, days = spot(frame, rng)
    to = {name: pl.col(PRICES[(i + 1) % 4]) for i, name in enumerate(PRICES)}
    bar = frame.filter(at(symbol, days)).row(0, named=True)
    if bar["low"] >= min(bar["high"], bar["close"]) - 0.001:
        return columns_rotated(frame, rng)
    return Plant(changed(frame, at(symbol, days), **to), keys(symbol, days))


def pence_and_lots(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A month with prices a hundred times and volumes a hundredth."""
    symbol, days = spot(frame, rng, length=21)
    to = scaled(frame, at(symbol, days), 100.0, PRICES)
    return Plant(
        changed(to, at(symbol, days), volume=(pl.col("volume") / 100).round()), keys(symbol, days)
    )


def a_week_without_volume(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Five sessions of true prices whose volumes are all zero."""
    symbol, days = spot(frame, rng, length=5)
    return Plant(changed(frame, at(symbol, days), volume=pl.lit(0.0)), keys(symbol, days))


def frozen_at_the_close(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Four to seven sessions at the last close alone, with their true volumes."""
    symbol, days = spot(frame, rng, length=int(rng.integers(5, 9)))
    last = frame.filter(at(symbol, days[:1]))["close"][0]
    fill = {name: pl.lit(last) for name in PRICES}
    return Plant(changed(frame, at(symbol, days[1:]), **fill), keys(symbol, days[1:]))


def half_adjusted(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """All rows before some session divided by a ratio, as an adjustment begun and not ended."""
    symbol, (first,) = spot(frame, rng)
    before = (pl.col("symbol") == symbol) & (pl.col("session") < first)
    ratio = float(rng.choice([2.0, 3.0, 4.0, 0.5]))
    to = scaled(frame, before, 1.0 / ratio, PRICES)
    return Plant(to, keys(symbol, [first]), split=(symbol, first, 1.0))


def day_and_month_exchanged(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """The row of 4 March dated 3 April."""
    symbol, (day,) = spot(frame, rng)
    own = set(frame.filter(symbol=symbol)["session"].to_list())
    if day.day > 12 or day.day == day.month:
        return day_and_month_exchanged(frame, rng)
    other = date(day.year, day.day, day.month)
    if not min(own) < other < max(own):
        return day_and_month_exchanged(frame, rng)
    to = changed(frame, at(symbol, [day]), session=pl.lit(other))
    return Plant(to, keys(symbol, [day, other]))


def all_ones(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A bar of placeholders: every price 1, volume 1."""
    symbol, days = spot(frame, rng)
    names = (*PRICES, "volume")
    return Plant(
        changed(frame, at(symbol, days), **{n: pl.lit(1.0) for n in names}), keys(symbol, days)
    )


def a_session_sent_again(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Every symbol's bar of one session sent as the next one's."""
    _, (day, after) = spot(frame, rng, length=2)
    old = frame.filter(pl.col("session") == day).with_columns(pl.lit(after).alias("session"))
    there = frame.filter(pl.col("session") == after).select("symbol")
    copies = old.join(there, on="symbol", how="semi")
    kept = frame.join(copies.select("symbol", "session"), on=["symbol", "session"], how="anti")
    return Plant(
        pl.concat([kept, copies.select(frame.columns)]),
        frozenset(copies.select("symbol", "session").iter_rows()),
    )


def heir_within_weeks(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """Another firm's prices and volumes after an absence of seven to eighteen sessions."""
    symbol, days = spot(frame, rng, length=int(rng.integers(7, 19)))
    to = frame.filter(~at(symbol, days))
    later = (pl.col("symbol") == symbol) & (pl.col("session") > days[-1])
    to = scaled(to, later, float(rng.choice([0.12, 0.3, 3.5, 9.0])), PRICES)
    to = scaled(to, later, float(rng.choice([0.05, 0.3, 4.0, 15.0])), ("volume",))
    first = to.filter(later)["session"].min()
    assert isinstance(first, date)
    return Plant(to, keys(symbol, [first]))


def split_recorded_early_or_late(frame: pl.DataFrame, rng: np.random.Generator) -> Plant:
    """A true split on file two to six sessions off the day on which the price shows it."""
    symbol, days = spot(frame, rng, length=7)
    ratio, shown, told = float(rng.choice([2.0, 3.0, 5.0])), days[3], days[int(rng.integers(6, 7))]
    if rng.random() < 0.5:
        told = days[int(rng.integers(0, 2))]
    later = (pl.col("symbol") == symbol) & (pl.col("session") >= shown)
    to = scaled(frame, later, 1.0 / ratio, PRICES)
    to = changed(to, later, volume=(pl.col("volume") * ratio).round())
    row = pl.DataFrame({"symbol": [symbol], "ex_date": [told], "kind": ["split"], "ratio": [ratio]})
    return Plant(to, keys(symbol, [told]), row, keys(symbol, days), (symbol, shown, ratio))


DAILY: dict[str, daily.Planter] = {
    planter.__name__: planter
    for planter in (
        columns_rotated, pence_and_lots, a_week_without_volume, frozen_at_the_close, half_adjusted,
        day_and_month_exchanged, all_ones, a_session_sent_again, heir_within_weeks,
        split_recorded_early_or_late,
    )
}  # fmt: skip


def an_hour_late(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """One session of every symbol stamped an hour late, as when clocks change."""
    days = frame["session"].unique().sort()
    day = days[int(rng.integers(len(days)))]
    where = pl.col("session") == day
    by = timedelta(hours=float(rng.choice([-1, 1])))
    wrong = frame.filter(where).select("symbol", pl.col("bar_start") + by)
    moved = minute.changed(frame, where, bar_start=pl.col("bar_start") + by)
    return minute.Plant(moved, frozenset(wrong.iter_rows()))


def no_trade_yet_a_range(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """Two to five minutes whose volume is zero though they have a high and a low."""
    symbol, stamps = minute.spot(frame, rng, length=int(rng.integers(2, 6)))
    where = minute.at(symbol, stamps)
    wide = minute.changed(frame, where, volume=pl.lit(0.0), high=pl.col("high") + 0.02)
    return minute.Plant(wide, minute.keys(symbol, stamps))


def close_to_a_tenth(frame: pl.DataFrame, rng: np.random.Generator) -> minute.Plant:
    """A close, and with it the low, at a tenth or three times the price."""
    symbol, stamps = minute.spot(frame, rng)
    where, factor = minute.at(symbol, stamps), float(rng.choice([0.1, 3.0]))
    edge = "low" if factor < 1 else "high"
    to = minute.changed(
        frame, where, **{"close": pl.col("close") * factor, edge: pl.col("close") * factor}
    )
    return minute.Plant(to, minute.keys(symbol, stamps))


MINUTE: dict[str, minute.Planter] = {
    planter.__name__: planter for planter in (an_hour_late, no_trade_yet_a_range, close_to_a_tenth)
}


def sides_exchanged(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """The quotes of call and put exchanged at a strike deep in the money for one of them."""
    deep = options.worth() > 0.2 * pl.col("underlying_price")
    row = frame.filter(deep).row(int(rng.integers(frame.filter(deep).height)), named=True)
    where = pl.all_horizontal(
        pl.col(n) == row[n] for n in ("symbol", "session", "expiry", "strike")
    )
    other = pl.when(pl.col("right") == "call").then(pl.lit("put")).otherwise(pl.lit("call"))
    to = frame.with_columns(pl.when(where).then(other).otherwise("right").alias("right"))
    wrong = options.keys(to.filter(where & (pl.col("right") == row["right"])))
    return Spoiled(to, wrong, touched=options.keys(to.filter(where)))


def strike_in_thousandths(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A strike as the ticker of the contract spells it, a thousand times too high."""
    return options.spoiled(frame, options.one(frame, rng), strike=pl.col("strike") * 1_000)


def quotes_per_contract(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """The quotes of one expiry in dollars a contract of a hundred shares."""
    symbol = str(rng.choice(["O1", "O2", "O3"]))
    expiry = frame["expiry"].unique().sort()[int(rng.integers(3))]
    day = frame["session"].unique().sort()[int(rng.integers(10))]
    where = (pl.col("symbol") == symbol) & (pl.col("expiry") == expiry)
    where &= (pl.col("session") == day) & (pl.col("bid") > 0.03 * pl.col("underlying_price"))
    return options.spoiled(frame, where, bid=pl.col("bid") * 100, ask=pl.col("ask") * 100)


def every_strike_kept(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """From the split on the share's whole chain with the strikes and quotes of before it."""
    symbol, day, ratio = options.SPLIT
    days = [d for d in frame["session"].unique().sort().to_list() if d >= day]
    until = days[int(rng.integers(1, len(days)))]
    where = (pl.col("symbol") == symbol) & pl.col("session").is_between(day, until)
    names = ("strike", "bid", "ask")
    return options.spoiled(frame, where, **{n: (pl.col(n) * ratio).round(2) for n in names})


def quoted_twice(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """Two different quotes of one contract."""
    where = options.one(frame, rng)
    other = frame.filter(where).with_columns(pl.col("ask") + 0.15, pl.col("bid") + 0.1)
    return Spoiled(pl.concat([frame, other]), options.keys(other))


OPTIONS = by_name(
    sides_exchanged, strike_in_thousandths, quotes_per_contract, every_strike_kept, quoted_twice
)


def _named(record: dict[str, object]) -> tuple[str, date, float]:
    day = record["session"]
    assert isinstance(day, date)
    return str(record["symbol"]), day, float(str(record["ratio"]))


def ratio_in_percent(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A ratio of 2 written 200."""
    record = actions.a_split(frame, rng)
    symbol, day, ratio = _named(record)
    to = actions.replaced(frame, record, actions.row(symbol, day, ratio=100.0 * ratio))
    return Spoiled(to, frozenset({(symbol, day)}))


def dividend_in_cents(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A dividend of 0.35 written 35."""
    paid = frame.filter(kind="cash_dividend").sort("symbol", "session")
    record = paid.row(int(rng.integers(paid.height)), named=True)
    row = actions.row(record["symbol"], record["session"], amount=100.0 * record["amount"])
    where: frozenset[Hashable] = frozenset({(record["symbol"], record["session"])})
    return Spoiled(actions.replaced(frame, record, row), where)


def split_of_another(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split recorded under another symbol."""
    record = actions.a_split(frame, rng)
    symbol, day, ratio = _named(record)
    bars, _ = actions.truth()
    others = bars.filter((pl.col("session") == day) & (pl.col("symbol") != symbol))["symbol"]
    other = str(rng.choice(others.sort().to_list()))
    to = actions.replaced(frame, record, actions.row(other, day, ratio=ratio))
    return Spoiled(to, frozenset({(other, day)}))


def on_a_day_without_session(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split dated the weekend before."""
    record = actions.a_split(frame, rng)
    symbol, day, ratio = _named(record)
    sunday = day - timedelta(days=day.weekday() + 1)
    assert not exchange().is_session(sunday)
    to = actions.replaced(frame, record, actions.row(symbol, sunday, ratio=ratio))
    return Spoiled(to, frozenset({(symbol, sunday)}))


def dividend_again(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A dividend on record again a week later."""
    paid = frame.filter(kind="cash_dividend").sort("symbol", "session")
    record = paid.row(int(rng.integers(paid.height)), named=True)
    symbol, day = record["symbol"], record["session"]
    later = exchange().next(day + timedelta(days=int(rng.integers(2, 8))))
    again = actions.row(symbol, later, amount=record["amount"])
    return Spoiled(
        pl.concat([frame, again]), frozenset({(symbol, later)}), frozenset({(symbol, day)})
    )


ACTIONS = by_name(
    ratio_in_percent, dividend_in_cents, split_of_another, on_a_day_without_session, dividend_again
)
