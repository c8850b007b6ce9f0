"""What only a whole file of minutes shows: its hours, its paths, its levels."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.minute import judge_minutes
from quality.rules.model import Finding, Severity

DAYS = exchange().sessions(date(2012, 7, 9), date(2012, 7, 16))
PRICES = ("open", "high", "low", "close")
MINUTE = timedelta(minutes=1)


def opening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC)


def session(symbol: str, day: date, level: float, *, seed: int) -> pl.DataFrame:
    """A session to the cent: five basis points a minute, auctions at twenty times its volume."""
    generator = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(generator.normal(0.0, 5e-4, 390)))
    opened = np.concatenate([[level], close[:-1]])
    volume = generator.integers(2_000, 4_000, 390)
    above, below = np.exp(generator.exponential(4e-4, (2, 390)))
    volume[[0, -1]] *= 20
    return pl.DataFrame(
        {
            "symbol": [symbol] * 390,
            "session": [day] * 390,
            "bar_start": [opening(day) + n * MINUTE for n in range(390)],
            "open": opened.round(2),
            "high": (np.maximum(opened, close) * above).round(2) + 0.01,
            "low": (np.minimum(opened, close) / below).round(2) - 0.01,
            "close": close.round(2),
            "volume": volume,
        }
    )


def week(symbol: str = "AAPL", level: float = 200.0, *, seed: int = 1) -> pl.DataFrame:
    days = (session(symbol, day, level, seed=100 * seed + n) for n, day in enumerate(DAYS))
    return pl.concat(days)


def spread(frame: pl.DataFrame, before: int = 330) -> pl.DataFrame:
    """The sessions with thin hours before and after them."""
    day = pl.col("bar_start").dt.truncate("1d") + pl.duration(hours=13, minutes=30)
    early = frame.filter(pl.col("bar_start") < day + pl.duration(minutes=before)).with_columns(
        pl.col("bar_start") - pl.duration(minutes=before)
    )
    late = frame.filter(pl.col("bar_start") < day + pl.duration(minutes=240)).with_columns(
        pl.col("bar_start") + pl.duration(minutes=390)
    )
    calm = pl.lit(20, dtype=pl.Int64).alias("volume")
    return pl.concat([frame, early.with_columns(calm), late.with_columns(calm)])


def on(day: date) -> pl.Expr:
    return pl.col("session") == day


def scaled(frame: pl.DataFrame, where: pl.Expr, factor: float) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then((pl.col(n) * factor).round(2)).otherwise(pl.col(n)).alias(n)
        for n in PRICES
    )


def told(frame: pl.DataFrame, severity: Severity = Severity.ERROR) -> list[Finding]:
    judgement = judge_minutes(frame, calendar=exchange(), whole_file=True)
    return [f for f in judgement.findings if f.severity is severity]


def rules(findings: list[Finding]) -> set[str]:
    return {f.rule for f in findings}


@pytest.mark.parametrize("hours", [-4, -1, 1])
def test_a_session_with_extended_hours_is_shifted_where_its_busy_hours_are(hours: int) -> None:
    frame = spread(week())
    moved = frame.with_columns(
        pl.when(on(DAYS[2])).then(pl.col("bar_start") + pl.duration(hours=hours))
        .otherwise("bar_start").alias("bar_start")
    )  # fmt: skip

    errors = told(moved)

    assert {f.session for f in errors if f.rule == "time_zone_is_right"} == {DAYS[2]}
    assert len({f.bar_start for f in errors}) == frame.filter(on(DAYS[2])).height
    assert told(frame) == []


def test_busy_trade_before_the_opening_is_no_shift() -> None:
    frame = spread(week())
    early = on(DAYS[2]) & (pl.col("bar_start") < opening(DAYS[2]))
    news = pl.when(early & (pl.col("bar_start") >= opening(DAYS[2]) - timedelta(hours=2)))

    busy = frame.with_columns(news.then(30_000).otherwise("volume").alias("volume"))

    assert "time_zone_is_right" not in rules(told(busy))


@pytest.mark.parametrize("order", ["shuffled", "reversed"])
def test_minutes_out_of_order_are_told_whole(order: str) -> None:
    frame, day = week(), on(DAYS[2])
    at = np.arange(390)[::-1] if order == "reversed" else np.random.default_rng(3).permutation(390)
    own = frame.filter(day)
    mixed = own.select("symbol", "session", "bar_start").hstack(own[at].select(*PRICES, "volume"))

    errors = told(pl.concat([frame.filter(~day), mixed]))

    mine = [f for f in errors if f.rule == "minutes_are_in_order"]
    assert {f.session for f in mine} == {DAYS[2]}
    assert len(mine) == 390
    assert told(frame) == []


def test_one_spike_does_not_make_its_session_shuffled() -> None:
    tick = pl.col("bar_start") == opening(DAYS[2]) + 100 * MINUTE

    errors = told(scaled(week(), tick, 1.5))

    assert [(f.rule, f.bar_start) for f in errors] == [
        ("minute_is_no_bad_tick", opening(DAYS[2]) + 100 * MINUTE)
    ]


def test_prices_filled_forward_while_volumes_go_on_are_told() -> None:
    first = opening(DAYS[2]) + 100 * MINUTE
    last = pl.col("bar_start").is_between(first, first + 19 * MINUTE)
    price = week().filter(pl.col("bar_start") == first)["close"].item()

    still = week().with_columns(
        pl.when(last).then(price).otherwise(pl.col(n)).alias(n) for n in PRICES
    )

    errors = [f for f in told(still) if f.rule == "price_moves_with_trades"]
    assert [f.bar_start for f in errors] == [first + n * MINUTE for n in range(20)]
    # Nobody trades in a halt.
    halted = still.with_columns(pl.when(last).then(0).otherwise("volume").alias("volume"))
    assert told(halted) == []


def test_half_an_hour_that_a_session_lacks_is_warned_of_once() -> None:
    first = opening(DAYS[2]) + 100 * MINUTE
    hole = pl.col("bar_start").is_between(first, first + 29 * MINUTE)

    warnings = told(week().filter(~hole), Severity.WARNING)

    assert [(f.rule, f.bar_start) for f in warnings] == [
        ("session_has_no_hole", first + 30 * MINUTE)
    ]
    assert "no bar for 30 minutes before 11:40" in warnings[0].message
    thin = week().filter(pl.int_range(pl.len()) % 20 == 0)  # a share that trades now and then
    assert "session_has_no_hole" not in rules(told(thin, Severity.WARNING))


def test_a_session_under_another_symbol_is_told_whole() -> None:
    frame = pl.concat([week("AAPL", 200.0), week("IBM", 150.0, seed=2)])
    other = pl.when(pl.col("symbol") == "AAPL").then(pl.lit("IBM")).otherwise(pl.lit("AAPL"))

    exchanged = frame.with_columns(
        pl.when(on(DAYS[2])).then(other).otherwise("symbol").alias("symbol")
    )

    mine = [f for f in told(exchanged) if f.rule == "bar_is_of_its_symbol"]
    assert {f.session for f in mine} == {DAYS[2]}
    assert len(mine) == 780
    assert told(frame) == []


def test_a_session_in_cents_is_told_though_its_opening_trades_a_lot() -> None:
    frame, first = week(), pl.col("bar_start") == opening(DAYS[2])
    busy = frame.with_columns(
        pl.when(first).then(pl.col("volume") * 10).otherwise("volume").alias("volume")
    )

    errors = told(scaled(busy, on(DAYS[2]), 100.0))

    assert {f.session for f in errors} == {DAYS[2]}
    assert len({f.bar_start for f in errors}) == 390
    # A level that stays may be a split.
    stays = told(scaled(busy, pl.col("session") >= DAYS[2], 0.1))
    assert "session_is_in_its_unit" not in rules(stays)


@pytest.mark.parametrize("minute", [0, 389])
def test_the_volume_of_an_auction_vouches_for_no_lone_minute(minute: int) -> None:
    at = opening(DAYS[2]) + minute * MINUTE
    there = pl.col("bar_start") == at
    frame = week().with_columns(
        pl.when(there).then(pl.col("volume") * 4).otherwise("volume").alias("volume")
    )

    errors = told(scaled(frame, there, 1.12))

    assert [(f.rule, f.bar_start) for f in errors] == [("minute_is_no_bad_tick", at)]
    # A gap that stays is news.
    assert told(scaled(frame, pl.col("bar_start") >= at, 1.12)) == []


def test_a_level_that_comes_with_the_end_of_a_halt_and_stays_passes() -> None:
    first = opening(DAYS[2]) + 200 * MINUTE
    later = scaled(week(), pl.col("bar_start") >= first, 0.9)
    halt = pl.col("bar_start").is_between(first - 60 * MINUTE, first - MINUTE)

    assert told(later.filter(~halt)) == []
    # Without a halt it is news that nobody traded on.
    assert [(f.rule, f.bar_start) for f in told(later)] == [("minute_is_no_bad_tick", first)]


def test_a_level_that_is_there_from_the_first_trade_before_the_opening_passes() -> None:
    frame = spread(week())
    morning = opening(DAYS[2]) - timedelta(minutes=330)

    assert told(scaled(frame, pl.col("bar_start") >= morning, 0.76)) == []
    wrong = told(scaled(frame, pl.col("bar_start") == morning, 0.76))
    assert [(f.rule, f.bar_start) for f in wrong] == [("minute_is_no_bad_tick", morning)]
