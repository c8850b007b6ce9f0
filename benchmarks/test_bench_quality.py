"""The rules on desk-sized deliveries: decades of daily bars, millions of minutes."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from adapters.market_data.generated import market
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes


@pytest.fixture(scope="module")
def decades() -> tuple[pl.DataFrame, pl.DataFrame]:
    """500 symbols ever listed over 5,500 sessions, and their actions."""
    sessions = exchange().sessions(date(2000, 1, 3), date(2022, 1, 1))[:5_500]
    made = market(sessions, symbols=500, seed=7)
    actions = made.actions.rename({"session": "ex_date"})
    judge_daily(made.daily.head(2_000), calendar=exchange(), actions=actions)  # compiled first
    return made.daily, actions


def walks(symbols: int, sessions: int) -> pl.DataFrame:
    """Random-walk minutes of regular sessions."""
    days = exchange().sessions(date(2012, 1, 3), date(2013, 12, 31))
    days = tuple(day for day in days if not exchange().is_early_close(day))[:sessions]
    n = 390 * sessions
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 6e-4, (symbols, n)), axis=1))
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    stamps = [exchange().open(day) + timedelta(minutes=i) for day in days for i in range(390)]
    beside = pl.DataFrame(
        {"session": [day for day in days for _ in range(390)], "bar_start": stamps}
    ).with_columns(pl.col("bar_start").dt.cast_time_unit("us"))
    return pl.concat([beside] * symbols).with_columns(
        pl.Series("symbol", np.repeat([f"S{s:03d}" for s in range(symbols)], n)),
        pl.Series("open", opened.ravel()),
        pl.Series("high", np.maximum(opened, close).ravel() * 1.0001),
        pl.Series("low", np.minimum(opened, close).ravel() * 0.9999),
        pl.Series("close", close.ravel()),
        pl.Series("volume", rng.integers(500, 1_500, symbols * n).astype(np.float64)),
    )


@pytest.mark.parametrize("whole_file", [False, True])
def test_bench_daily(
    benchmark: BenchmarkFixture, decades: tuple[pl.DataFrame, pl.DataFrame], whole_file: bool
) -> None:
    bars, actions = decades

    judgement = benchmark.pedantic(  # type: ignore[no-untyped-call]  # pytest-benchmark has no types
        judge_daily,
        args=(bars,),
        kwargs={"calendar": exchange(), "actions": actions, "whole_file": whole_file},
        rounds=2,
    )

    assert judgement.held.height < 1e-3 * bars.height


@pytest.mark.parametrize(("symbols", "sessions"), [(500, 1), (500, 20)])
def test_bench_minutes(benchmark: BenchmarkFixture, symbols: int, sessions: int) -> None:
    bars = walks(symbols, sessions)
    judge_minutes(bars.head(780), calendar=exchange())

    judgement = benchmark.pedantic(  # type: ignore[no-untyped-call]  # pytest-benchmark has no types
        judge_minutes, args=(bars,), kwargs={"calendar": exchange(), "whole_file": True}, rounds=2
    )

    assert judgement.outcomes.height == symbols * sessions * 390
