"""Defects of a file of corporate actions, judged beside the bars that they should have moved."""

from collections.abc import Hashable
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from adapters.market_data import generated
from benchmarks.defects.market import BAR
from benchmarks.defects.planted import Spoiled, by_name
from quality.calendar import exchange
from quality.rules.model import Finding

COLUMNS = ("symbol", "session", "kind", "ratio", "amount", "detail")
_EVENTS = generated.Events(
    listed_late=0.2, delisted=0.02, renamed=0.03, distressed=0.25, split_above=90.0,
    reverse_below=5.0, boards_meet=40,
)  # fmt: skip


@cache
def truth(seed: int = 6) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars and actions of a market of sixteen firms that split, join shares, pay and rename."""
    sessions = exchange().sessions(date(2014, 1, 2), date(2017, 12, 29))
    made = generated.market(sessions, symbols=16, seed=seed, events=_EVENTS)
    bars = made.daily.select(BAR).with_columns(pl.col("volume").cast(pl.Float64))
    return bars, made.actions.select(COLUMNS)


def key_of(found: Finding) -> Hashable:
    """Return the symbol and day of a finding."""
    return (found.symbol, found.session)


def row(
    symbol: str, day: date, *, ratio: float | None = None, amount: float | None = None
) -> pl.DataFrame:
    """Return one record of a split or of a dividend."""
    kind = "split" if amount is None else "cash_dividend"
    return pl.DataFrame(
        [(symbol, day, kind, ratio, amount, None)],
        schema=dict(
            zip(
                COLUMNS,
                (pl.String, pl.Date, pl.String, pl.Float64, pl.Float64, pl.String),
                strict=True,
            )
        ),
        orient="row",
    )


def a_split(frame: pl.DataFrame, rng: np.random.Generator) -> dict[str, object]:
    """Choose a split on record."""
    splits = frame.filter(kind="split").sort("symbol", "session")
    return splits.row(int(rng.integers(splits.height)), named=True)


def a_bar(rng: np.random.Generator) -> dict[str, object]:
    """Choose a bar away from the ends of its symbol."""
    bars, _ = truth()
    number, many = pl.int_range(pl.len()).over("symbol"), pl.len().over("symbol")
    inner = bars.sort("symbol", "session").filter(number.is_between(60, many - 60))
    return inner.row(int(rng.integers(inner.height)), named=True)


def _is(record: dict[str, object]) -> pl.Expr:
    return pl.all_horizontal(pl.col(n) == record[n] for n in ("symbol", "session", "kind"))


def replaced(frame: pl.DataFrame, record: dict[str, object], by: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.filter(~_is(record)), by])


def phantom_split(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split that never was."""
    bar = a_bar(rng)
    symbol, day = str(bar["symbol"]), bar["session"]
    ratio = float(rng.choice([1.5, 2.0, 3.0, 5.0, 10.0, 0.1]))
    assert isinstance(day, date)
    return Spoiled(pl.concat([frame, row(symbol, day, ratio=ratio)]), frozenset({(symbol, day)}))


def phantom_dividend(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A dividend of a sixth to a half of the price that never was."""
    bar = a_bar(rng)
    symbol, day, close = str(bar["symbol"]), bar["session"], float(str(bar["close"]))
    assert isinstance(day, date)
    paid = row(symbol, day, amount=round(close * float(rng.uniform(0.16, 0.5)), 2))
    return Spoiled(pl.concat([frame, paid]), frozenset({(symbol, day)}))


def doubled(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split on record twice: the same day, or again a few sessions after."""
    record = a_split(frame, rng)
    symbol, day, ratio = str(record["symbol"]), record["session"], float(str(record["ratio"]))
    assert isinstance(day, date)
    again = exchange().sessions(day, date(2018, 3, 1))[int(rng.integers(0, 5))]
    return Spoiled(
        pl.concat([frame, row(symbol, again, ratio=ratio)]),
        frozenset({(symbol, again)}), touched=frozenset({(symbol, day)}),
    )  # fmt: skip


def inverted(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split the wrong way round."""
    record = a_split(frame, rng)
    symbol, day, ratio = str(record["symbol"]), record["session"], float(str(record["ratio"]))
    assert isinstance(day, date)
    return Spoiled(
        replaced(frame, record, row(symbol, day, ratio=1.0 / ratio)), frozenset({(symbol, day)})
    )


def wrong_date(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A split recorded some sessions early or late."""
    record = a_split(frame, rng)
    symbol, day, ratio = str(record["symbol"]), record["session"], float(str(record["ratio"]))
    assert isinstance(day, date)
    by = int(rng.choice([-5, -2, -1, 1, 2, 5]))
    days = exchange().days
    other = days[days.index(day) + by]
    return Spoiled(
        replaced(frame, record, row(symbol, other, ratio=ratio)), frozenset({(symbol, other)})
    )


def missing_dividend(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """One dividend of a steady payer left out; the next one must be told of, as a warning."""
    paid = frame.filter(kind="cash_dividend").sort("symbol", "session")
    number, many = pl.int_range(pl.len()).over("symbol"), pl.len().over("symbol")
    inner = paid.filter((many >= 8) & number.is_between(3, many - 3))
    record = inner.row(int(rng.integers(inner.height)), named=True)
    later = paid.filter(
        (pl.col("symbol") == record["symbol"]) & (pl.col("session") > record["session"])
    )
    after = later["session"][0]
    return Spoiled(frame.filter(~_is(record)), frozenset({(record["symbol"], after)}))


PLANTERS = by_name(phantom_split, phantom_dividend, doubled, inverted, wrong_date, missing_dividend)
