"""polars: the 14 factors from Parquet, lazily and on all its threads, to float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks import stopwatch


def figures() -> list[pl.Expr]:
    """Return the 14 factors, in the order of `benchmarks.factors.COMMON`."""
    close, logs, volume = pl.col("close"), pl.col("close").log(), pl.col("volume")
    moves, changes = logs.diff(), volume.log().diff()
    top, bottom = pl.col("high").rolling_max(14), pl.col("low").rolling_min(14)
    high, low = pl.col("high").rolling_max(21), pl.col("low").rolling_min(21)
    return [
        *(logs.diff(n).alias(f"return_{n}") for n in (1, 5, 21)),
        *((close / close.rolling_mean(n) - 1.0).alias(f"sma_{n}") for n in (10, 20, 50)),
        *((252.0**0.5 * moves.rolling_std(n)).alias(f"volatility_{n}") for n in (21, 63)),
        ((close - close.rolling_mean(20)) / close.rolling_std(20, ddof=0)).alias("bollinger"),
        (100.0 * (close - bottom) / (top - bottom)).alias("stochastic"),
        (-100.0 * (high - close) / (high - low)).alias("williams"),
        (volume.rolling_mean(5) / volume.rolling_mean(63)).alias("trend"),
        (volume / volume.rolling_mean(21)).alias("relative"),
        pl.rolling_corr(moves, changes, window_size=21).alias("correlation"),
    ]


def _factors(folder: Path) -> Callable[[], object]:
    wanted = [figure.over("symbol").cast(pl.Float32) for figure in figures()]
    return lambda: pl.scan_parquet(folder / "factors.parquet").select(wanted).collect().to_numpy()


CASES: dict[str, stopwatch.Prepare] = {"factors": _factors}

if __name__ == "__main__":
    stopwatch.main(CASES, ("polars",))
