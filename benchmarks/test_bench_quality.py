"""The rules on desk-sized deliveries: decades of daily bars, millions of minutes, whole files.

Budget of `./desk check`, the whole command: half a million daily rows or four million minutes in a
minute. `extra_info` tells the seconds of processor and the peak memory of the command beside it.
"""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

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


def _extended(bars: pl.DataFrame) -> pl.DataFrame:
    """Return regular minutes with as many again before the opening and after the close."""
    early, late = (
        bars.with_columns(pl.col("bar_start") + timedelta(minutes=m)) for m in (-390, 390)
    )
    opens = pl.col("bar_start").dt.convert_time_zone("America/New_York").dt.time()
    thin = pl.concat([early, late]).filter(opens.is_between(pl.time(4), pl.time(19, 59)))
    return pl.concat([bars, thin])


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, decades: tuple[pl.DataFrame, pl.DataFrame]
) -> dict[str, Path]:
    """Half a million daily rows, four million minutes, as many with extended hours."""
    folder = tmp_path_factory.mktemp("files")
    daily = decades[0].filter(pl.col("symbol") <= "G0130")
    frames = {
        "daily": daily.select("symbol", "session", "open", "high", "low", "close", "volume"),
        "minute": walks(500, 21),
        "extended": _extended(walks(250, 18)),
    }
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


@pytest.mark.parametrize(
    ("name", "kind"), [("daily", "daily"), ("minute", "minute"), ("extended", "minute")]
)
def test_bench_the_command_check(
    benchmark: BenchmarkFixture, files: dict[str, Path], name: str, kind: str
) -> None:
    command = [sys.executable, "-m", "countersign", "check", str(files[name]), "--kind", kind]

    def work() -> tuple[int, Any]:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        return os.waitstatus_to_exitcode(status), usage

    code, usage = benchmark.pedantic(work, rounds=1)  # type: ignore[no-untyped-call]  # pytest-benchmark has no types

    benchmark.extra_info |= {
        "rows": pl.scan_parquet(files[name]).select(pl.len()).collect().item(),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
    }
    assert code in {0, 1}  # judged: clean, or with findings
