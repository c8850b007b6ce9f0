"""What the symbols of a delivery say about one another, where no index does."""

from typing import Final

import polars as pl

LEAST_PEERS: Final = 4
# The common range must be this much wider than usual before it explains a symbol's own.
_WIDE: Final = 2.0
_USUAL_OVER: Final = 250
_LEAST_BEFORE: Final = 5
_FIRST: Final = 20  # steps of a file whose middle range is the usual one of them all


def market(frame: pl.DataFrame, *, hindsight: bool = False) -> pl.DataFrame:
    """Return an index made of the symbols' median move, for the times that have enough of them.

    Parameters
    ----------
    frame : frame with symbol, step (the time), step_no, close, high, low, log_split, usable
        Sorted by symbol and time.
    hindsight : bool
        Whether the frame is a whole file, of which later ranges may tell what is usual of its
        first steps.

    Returns
    -------
    frame with step, index_close, index_low, index_high
        A level that starts at 1, told where enough symbols moved, and at the first step, from
        which they move. High and low are given only where the symbols' common range is
        wide, so that they can explain a symbol's own.
    """
    same = pl.col("symbol") == pl.col("symbol").shift(1)
    next_one = same & (pl.col("usable") & pl.col("usable").shift(1))
    move = (pl.col("close") / pl.col("close").shift(1)).log()
    move = move + pl.col("log_split") - pl.col("log_split").shift(1)
    span = (pl.col("high") / pl.col("low")).log()
    per_step = (
        frame.lazy()
        .select(
            "step",
            pl.when(next_one).then(move).alias("move"),
            pl.when(pl.col("usable")).then(span).alias("span"),
        )
        .group_by("step")
        .agg(
            pl.col("move").median(),
            pl.col("move").count().alias("peers"),
            pl.when(pl.col("span").count() >= LEAST_PEERS).then(pl.col("span").median()),
        )
        .sort("step")
        .collect()
    )
    enough = pl.col("peers") >= LEAST_PEERS
    first = pl.int_range(pl.len()) == 0
    return per_step.with_columns(
        pl.when(enough).then("move").otherwise(0.0).fill_null(0.0).cum_sum().exp().alias("level"),
        (enough | first).alias("told"),
        (pl.col("span") > _WIDE * _usual(hindsight=hindsight)).fill_null(value=False).alias("wide"),
    ).select(
        "step",
        pl.when("told").then("level").alias("index_close"),
        pl.when("wide").then("level").alias("index_low"),
        pl.when("wide").then(pl.col("level") * pl.col("span").exp()).alias("index_high"),
    )


def _usual(*, hindsight: bool) -> pl.Expr:
    """Return the usual range of the symbols before each step."""
    span = pl.col("span")
    if not hindsight:
        return span.rolling_median(_USUAL_OVER, min_samples=_LEAST_BEFORE).shift(1)
    before = span.rolling_median(_USUAL_OVER, min_samples=_FIRST).shift(1)
    return before.fill_null(span.head(_FIRST).median())
