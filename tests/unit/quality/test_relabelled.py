"""Rows under another symbol's name, and what only looks like it."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Severity
from tests.unit.quality.market import PRICES, quiet, scaled_from

DAYS = exchange().sessions(date(2021, 1, 4), date(2021, 12, 31))


def errors(frame: pl.DataFrame, actions: pl.DataFrame | None = None) -> set[tuple[str, date, str]]:
    judgement = judge_daily(frame, calendar=exchange(), actions=actions, whole_file=True)
    return {
        (f.symbol, f.session, f.rule) for f in judgement.findings if f.severity is Severity.ERROR
    }


def exchanged(frame: pl.DataFrame, one: str, two: str, days: list[date]) -> pl.DataFrame:
    """Return `frame` with the names of two symbols exchanged on some days."""
    other = pl.col("symbol").replace({one: two, two: one})
    there = pl.col("session").is_in(days)
    return frame.with_columns(
        pl.when(there).then(other).otherwise(pl.col("symbol")).alias("symbol")
    )


def split(frame: pl.DataFrame, at: int, ratio: float) -> pl.DataFrame:
    after = scaled_from(frame, DAYS[at], 1 / ratio)
    there = pl.col("session") >= DAYS[at]
    return after.with_columns(
        pl.when(there).then(pl.col("volume") * ratio).otherwise(pl.col("volume")).alias("volume")
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((90, 2.0), (120, 3.0)),  # which of them is dearer changes within the exchange
        ((130, 2.0), (140, 0.1)),
        ((105, 2.0), (107, 3.0)),
        ((105, 2.0), (105, 2.0)),
    ],
)
def test_two_symbols_that_split_while_exchanged_are_told_until_they_are_back(
    one: tuple[int, float], two: tuple[int, float]
) -> None:
    frame = pl.concat(
        [
            split(quiet("A", DAYS, 300.0, seed=1), *one),
            split(quiet("B", DAYS, 225.0, seed=2), *two),
            quiet("C", DAYS, 60.0, seed=3),
        ]
    )
    told = pl.DataFrame(
        {
            "symbol": ["A", "B"],
            "ex_date": [DAYS[one[0]], DAYS[two[0]]],
            "kind": ["split", "split"],
            "ratio": [one[1], two[1]],
        }
    )
    days = list(DAYS[100:150])

    found = errors(exchanged(frame, "A", "B", days), told)

    assert errors(frame, told) == set()
    assert {(s, d) for s, d, _ in found} == {(s, d) for s in ("A", "B") for d in days}


@pytest.mark.parametrize("names", [PRICES, ("close",)])
def test_wrong_units_here_and_there_are_no_exchange_of_symbols(names: tuple[str, ...]) -> None:
    shares = [quiet(f"S{n}", DAYS, 50.0 + n, seed=n) for n in range(40)]
    frame = pl.concat(shares)
    off = pl.Series(np.random.default_rng(3).random(frame.height) < 0.01)
    spoiled = frame.with_columns(
        pl.when(off).then(pl.col(n) * 100.0).otherwise(pl.col(n)).alias(n) for n in names
    )

    found = errors(spoiled)

    assert "bar_is_of_its_symbol" not in {rule for _, _, rule in found}
    assert {(s, d) for s, d, _ in found} == set(
        frame.filter(off).select("symbol", "session").iter_rows()
    )
