"""What the symbols of a delivery say about one another: rows under the wrong name or date."""

from typing import Final

import polars as pl

from quality.rules.model import Rule, Severity
from quality.rules.words import arrival, day, price

CROWD_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="bar_is_of_its_symbol",
        severity=Severity.ERROR,
        meaning="A bar does not continue another symbol's series.",
        reason="It leaps from its own past to within a few deviations of another symbol's last "
        "close, whose own bar leaps away or is the same bar: the rows are relabelled.",
        applies=pl.col("reference").is_not_null(),
        fails=pl.col("other").is_not_null(),
        sentence=lambda row: (
            f"{arrival(row)} It fits the series of {row['other']}: the bar looks relabelled."
        ),
        figures=("close", "reference", "move", "sigma", "other"),
    ),
    Rule(
        name="dates_are_in_step",
        severity=Severity.ERROR,
        meaning="A symbol moves on the same sessions as the other symbols.",
        reason="Asked of a whole file only: over a long stretch its moves follow the market's of "
        "the session before or after, and not those of the same session.",
        applies=pl.col("in_step").is_not_null(),
        fails=~pl.col("in_step"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, close {price(row['close'])}, lies in a stretch "
            "that moves one session apart from all other symbols. Its dates look shifted."
        ),
        figures=("close",),
    ),
    Rule(
        name="rows_are_in_order",
        severity=Severity.ERROR,
        meaning="A session opens near the close of the session before.",
        reason="Asked of a whole file only: over a stretch of sessions each opens far from where "
        "the one before closed, beyond what its own days and the market explain.",
        applies=pl.col("in_order").is_not_null(),
        fails=~pl.col("in_order"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, open {price(row['open'])}, lies in a stretch of "
            "which no session opens near the close before it. Its rows look shuffled among dates."
        ),
        figures=("open", "close"),
    ),
)


def compared(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `other`, the symbol whose series a row continues, and `in_step` and `in_order`."""
    return frame.with_columns(
        pl.lit(whole_file).alias("whole_file"),
        pl.lit(None, dtype=pl.String).alias("other"),
        pl.lit(None, dtype=pl.Boolean).alias("in_step"),
        pl.lit(None, dtype=pl.Boolean).alias("in_order"),
    )
