"""Minutes of shares with few trades, and what comes overnight."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.minute import judge_minutes
from quality.rules.model import Finding, Severity

DAYS = exchange().sessions(date(2024, 3, 4), date(2024, 3, 13))
PRICES = ("open", "high", "low", "close")


def minutes(
    symbol: str, *, seed: int, trades: float = 1.0, level: float = 40.0, early: bool = False
) -> pl.DataFrame:
    """Eight sessions of one share; `trades` of its minutes have a bar, before the opening few."""
    rng = np.random.default_rng(seed)
    frames = []
    for day in DAYS:
        opens = exchange().open(day)
        at = np.arange(-90 if early else 0, 390)
        at = at[rng.random(at.size) < np.where(at < 0, 0.15, trades)]
        close = level * np.exp(np.cumsum(rng.normal(0.0, 0.0008, at.size)))
        opened = np.append(level, close[:-1])
        busy = 1.0 + 9.0 * (at == 0)
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol,
                    "session": day,
                    "bar_start": [opens + timedelta(minutes=int(m)) for m in at],
                    "open": opened,
                    "high": np.maximum(opened, close) * 1.0003,
                    "low": np.minimum(opened, close) * 0.9997,
                    "close": close,
                    "volume": np.round(busy * rng.lognormal(np.log(400.0), 0.5, at.size)),
                }
            )
        )
        level = close[-1] * np.exp(rng.normal(0.0, 0.006))
    return pl.concat(frames).with_columns(
        pl.col(PRICES).round(2), pl.col("bar_start").dt.convert_time_zone("UTC")
    )


def scaled(frame: pl.DataFrame, where: pl.Expr, factor: float | pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then((pl.col(n) * factor).round(2)).otherwise(pl.col(n)).alias(n)
        for n in PRICES
    )


def since(day: date, minute: int = -600) -> pl.Expr:
    return pl.col("bar_start") >= exchange().open(day).astimezone(UTC) + timedelta(minutes=minute)


def busier(frame: pl.DataFrame, day: date, factor: float) -> pl.DataFrame:
    """Return `frame` with more volume in the regular minutes of a session."""
    there = since(day, 0) & (pl.col("session") == day)
    volume = pl.col("volume")
    return frame.with_columns(
        pl.when(there).then(volume * factor).otherwise(volume).alias("volume")
    )


def errors(frame: pl.DataFrame) -> list[Finding]:
    found = judge_minutes(frame, calendar=exchange(), whole_file=True).findings
    return [one for one in found if one.severity is Severity.ERROR]


@pytest.mark.parametrize("seed", range(4))
def test_a_thin_share_that_moves_and_comes_back_by_a_night_is_clean(seed: int) -> None:
    frame = minutes("THIN", seed=seed, trades=0.4)
    moved = scaled(frame, since(DAYS[3], 200), 0.94)
    back = scaled(moved, since(DAYS[4]), 1.0 / 0.95)

    assert errors(back) == []


def test_a_thin_share_that_comes_back_within_the_session_is_told() -> None:
    frame = minutes("THIN", seed=1, trades=0.4)
    there = since(DAYS[3], 100) & ~since(DAYS[3], 140)

    assert {one.session for one in errors(scaled(frame, there, 0.9))} == {DAYS[3]}


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.0])
def test_a_split_that_nobody_told_is_one_error_whatever_the_opening_trades(
    ratio: float, early: bool
) -> None:
    frame = scaled(minutes("ONE", seed=3, early=early), since(DAYS[4]), 1.0 / ratio)
    volume = pl.col("volume")
    more = pl.when(since(DAYS[4])).then(volume * ratio).otherwise(volume)

    (told,) = errors(frame.with_columns(more.alias("volume")))

    assert (told.rule, told.session) == ("night_is_no_unknown_split", DAYS[4])


@pytest.mark.parametrize("factor", [0.5, 0.66, 0.7])
def test_a_night_of_news_passes_though_few_trade_before_the_opening(factor: float) -> None:
    frame = scaled(minutes("ONE", seed=5, early=True), since(DAYS[4]), factor)

    assert errors(busier(frame, DAYS[4], 6.0)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_of_thin_symbols_is_told_by_those_that_trade_beside(seed: int) -> None:
    frame = pl.concat(
        minutes(f"T{k}", seed=10 * seed + k, trades=0.35, level=20.0 + 9.0 * k) for k in range(6)
    )
    begins = exchange().open(DAYS[3]).astimezone(UTC) + timedelta(minutes=150)
    since_then = (pl.col("bar_start") - begins).dt.total_minutes()
    way = pl.min_horizontal(since_then / 6.0, (16.0 - since_then) / 10.0).clip(0.0, 1.0)

    assert errors(scaled(frame, way > 0.0, (-0.09 * way).exp())) == []


def test_a_wrong_price_of_a_thin_symbol_is_told_beside_others() -> None:
    frame = pl.concat(minutes(f"T{k}", seed=k, trades=0.35, level=20.0 + 9.0 * k) for k in range(6))
    rows = frame.filter((pl.col("symbol") == "T2") & (pl.col("session") == DAYS[3]))
    stamp: datetime = rows["bar_start"][60]
    there = (pl.col("symbol") == "T2") & (pl.col("bar_start") == stamp)

    assert {one.bar_start for one in errors(scaled(frame, there, 0.9))} == {stamp}
