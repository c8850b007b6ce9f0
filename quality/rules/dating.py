"""Rows under a date that is not theirs: shuffled among dates, or dated a session or day apart."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.rules.model import Rule, Severity
from quality.rules.sequence import order_scores, short_order
from quality.rules.steps import out_of_step
from quality.rules.stretches import stretches
from quality.rules.weekdays import a_day_apart
from quality.rules.words import day, price

Whole = npt.NDArray[np.int64]

# A sum of logs of odds, asked for beside the log of the number of rows. The clean sample has none,
# whole, of one symbol, or in hundreds of excerpts of 60 to 400 sessions with holes.
_OUT_OF_ORDER: Final = 6.5

DATING_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="dates_are_in_step",
        severity=Severity.ERROR,
        meaning="A symbol moves and trades on the same sessions as the other symbols.",
        reason="Asked of a whole file only: over a stretch its moves follow the others' of the "
        "session before or after, and not those of the same session; or its weeks run from a "
        "Tuesday to a Saturday or from a Sunday to a Thursday.",
        applies=pl.col("out_of_step").is_not_null(),
        fails=pl.col("out_of_step"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, close {price(row['close'])}, lies in a stretch "
            "that is dated apart from all other symbols or from the week. Its dates look shifted."
        ),
        figures=("close",),
    ),
    Rule(
        name="rows_are_in_order",
        severity=Severity.ERROR,
        meaning="A session opens near the close of the session before.",
        reason="Asked of a whole file only: over a stretch of sessions each opens as far from "
        "where the one before closed as rows that do not follow one another do, and the market "
        "does not.",
        applies=pl.col("out_of_order").is_not_null(),
        fails=pl.col("out_of_order"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, open {price(row['open'])}, lies in a stretch of "
            "which no session opens near the close before it. Its rows look shuffled among dates."
        ),
        figures=("open", "close"),
    ),
)


def with_stretches(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `out_of_step` and `out_of_order`; null where no whole file can tell.

    `frame` is sorted by symbol and session and has the measures of `quality.rules.history`.
    """
    frame = frame.with_columns(pl.lit(whole_file).alias("whole_file"))
    if not whole_file or frame.is_empty():
        none = pl.lit(None, dtype=pl.Boolean)
        return frame.with_columns(none.alias("out_of_step"), none.alias("out_of_order"))
    offsets = _offsets(frame)
    shuffled, backwards = order_scores(frame)
    order = stretches(shuffled, offsets, _OUT_OF_ORDER)
    order |= stretches(backwards, offsets, _OUT_OF_ORDER)
    order |= short_order(frame, offsets)
    # Rows in no order are in step with some other session by chance only.
    step = out_of_step(frame, offsets, order) | a_day_apart(frame, offsets)
    # The last row of such a stretch is the first that is in its place again.
    order &= np.append(order[1:], False)
    return frame.with_columns(pl.Series("out_of_step", step), pl.Series("out_of_order", order))


def _offsets(frame: pl.DataFrame) -> Whole:
    begins = frame.select(
        (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    ).to_series()
    return np.append(begins.arg_true().to_numpy(), frame.height).astype(np.int64)
