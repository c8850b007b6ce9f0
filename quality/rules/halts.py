"""Trading that stopped and went on: a halted share has no bar, or one without a trade."""

from typing import Final

import polars as pl

from quality.rules.jumps import IDENTITY, UNTRADED
from quality.rules.model import Rule, Severity
from quality.rules.words import arrival, turnover

# What a halt was for shows when it ends: in the price, and in this many times the usual volume.
_MOVE: Final = 0.10
_SIGMAS: Final = 3.0
_VOLUME: Final = 3.0

RESUMED: Final = Rule(
    name="trading_was_not_interrupted",
    severity=Severity.WARNING,
    meaning="A symbol does not pause and come back with news.",
    reason="Asked of a whole file only: after sessions without a trade it moved by three "
    "deviations and 10 % at three times its usual volume, as after a halt of trading.",
    applies=pl.col("resumed").is_not_null(),
    fails=pl.col("resumed") & (pl.col("halted").shift(1).fill_null(value=False) | pl.col("paused")),
    sentence=lambda row: (
        f"{arrival(row)} {turnover(row)} The sessions before it had no trade: trading in "
        f"{row['symbol']} was likely halted."
    ),
    figures=("close", "reference", "adjusted_move", "sigma", "volume_ratio"),
)


def with_halts(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `resumed`, `paused` and `halted`; null where no whole file can tell.

    A row has resumed that brings what a halt was for; one is `paused` that has sessions without a
    bar before it; those are halted that hold one price and no trade until one resumes.
    `frame` is measured, and sorted by symbol and session.
    """
    names = ("resumed", "paused", "halted")
    if not whole_file:
        return frame.with_columns(pl.lit(None, dtype=pl.Boolean).alias(name) for name in names)
    moved = pl.col("adjusted_move").abs() >= pl.max_horizontal(
        pl.lit(_MOVE), _SIGMAS * pl.col("sigma")
    )
    resumed = moved & (pl.col("volume_ratio") >= _VOLUME) & (pl.col("code") != IDENTITY)
    still = (pl.col("volume_code") == UNTRADED) & (pl.col("high") == pl.col("low"))
    told = frame.with_columns(
        resumed.fill_null(value=False).alias("resumed"),
        (pl.col("step_no") - pl.col("reference_no") > 1).fill_null(value=False).alias("paused"),
        still.fill_null(value=False).alias("halted"),
    )
    ends = pl.when(~pl.col("halted")).then("resumed").backward_fill().over("symbol")
    return told.with_columns((pl.col("halted") & ends.fill_null(value=False)).alias("halted"))
