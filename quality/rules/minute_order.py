"""What the minutes of one session say as a path: shuffled, in reverse, standing still."""

from typing import Final

import polars as pl

from quality.rules.model import Rule, Severity
from quality.rules.thresholds import TICK
from quality.rules.words import day, price

_GROUP: Final = ("symbol", "session")
_LEAST_ROWS: Final = 60
# Nearly every minute has more than one price: the share is no thin one whose price only bounces.
_MOVES: Final = 0.8
# Of a path the closes lie far apart and each near the one before it; shuffled, nearly as far from
# it as from their middle: 1.4 times as far by chance.
_SHUFFLED: Final = 0.8
_TRAVELS: Final = 2.0  # times a minute's range
_REVERSED: Final = 3.0
_NEAR: Final = 2  # minutes
# So many minutes at one price, among minutes that moved by two ticks on both sides.
_STILL: Final = 10
_BESIDE: Final = 20
_BESIDE_TICKS: Final = 2.0
# A hole in a session that has nearly all its other minutes.
_HOLE: Final = 15
_OTHERWISE_WHOLE: Final = 0.95

PATH_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="minutes_are_in_order",
        severity=Severity.ERROR,
        meaning="A session's minutes follow one another.",
        reason="Asked of a whole file only: each close lies as far from the one before it as from "
        "any of the session, or each open is the close of the minute after it.",
        applies=pl.col("whole_file"),
        fails=pl.col("is_out_of_order"),
        sentence=lambda row: (
            f"The minutes of {row['symbol']} on {day(row['session'])} do not follow one another: "
            "they look shuffled or reversed."
        ),
    ),
    Rule(
        name="price_moves_with_trades",
        severity=Severity.ERROR,
        meaning="A share that moves every minute does not stand at one price while it trades.",
        reason="Asked of a whole file only: ten minutes in a row have one price and a volume, and "
        "nine of ten minutes on both sides moved by two ticks and more.",
        applies=pl.col("whole_file"),
        fails=pl.col("stands_still"),
        sentence=lambda row: (
            f"{row['symbol']} stands at {price(row['close'])} for ten minutes and more on "
            f"{day(row['session'])}, though it traded. It looks filled forward."
        ),
        figures=("close", "volume"),
    ),
    Rule(
        name="session_has_no_hole",
        severity=Severity.WARNING,
        meaning="A session that has nearly all its minutes lacks no fifteen in a row.",
        reason="Asked of a whole file only: a halt, or a part of the feed that was lost.",
        applies=pl.col("whole_file") & pl.col("is_regular"),
        fails=(pl.col("hole") >= _HOLE)
        & (pl.col("minutes_present") + pl.col("hole") >= _OTHERWISE_WHOLE * pl.col("minutes_due")),
        sentence=lambda row: (
            f"{row['symbol']} has no bar for {row['hole']} minutes before "
            f"{row['new_york']:%H:%M} on {day(row['session'])}, and nearly all others."
        ),
        figures=("hole",),
    ),
)


def with_paths(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `is_out_of_order`, `stands_still` and `hole`, null at the gate.

    `frame` is sorted by symbol and bar_start.
    """
    if not whole_file:
        return frame.with_columns(
            pl.lit(None, dtype=pl.Boolean).alias("is_out_of_order"),
            pl.lit(None, dtype=pl.Boolean).alias("stands_still"),
            pl.lit(None, dtype=pl.Int64).alias("hole"),
        )
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _GROUP)
    apart = (pl.col("bar_start") - pl.col("bar_start").shift(1)).dt.total_minutes() - 1
    inside = same & pl.col("is_regular") & pl.col("is_regular").shift(1)
    frame = frame.join(_orders(frame), on=_GROUP, how="left", maintain_order="left")
    return frame.with_columns(
        pl.when(inside).then(apart).alias("hole"), _stands_still(frame).alias("stands_still")
    )


def _orders(frame: pl.DataFrame) -> pl.DataFrame:
    """Return for each symbol and session whether its minutes are out of order."""
    before, after = pl.col("close").shift(1), pl.col("close").shift(-1)
    close, span = pl.col("close"), pl.col("high") - pl.col("low")
    # Of a share of few trades only minutes that are neighbours tell how far one step is.
    near = pl.col("bar_start") - pl.col("bar_start").shift(1) <= pl.duration(minutes=_NEAR)
    step = (close - before).abs().filter(near).median()
    travel = (close - close.median()).abs().median()
    forth = (pl.col("open") - before).abs().median()
    back = (pl.col("open") - after).abs().median()
    shuffled = (step > _SHUFFLED * travel) & (travel > _TRAVELS * span.median())
    reverse = (forth > _REVERSED * back) & (forth > 1.5 * TICK)
    lively = (pl.len() >= _LEAST_ROWS) & ((span > 0).mean() >= _MOVES)
    return (
        frame.lazy()
        .filter(pl.col("complete") & pl.col("positive") & pl.col("is_regular"))
        .group_by(_GROUP)
        .agg((lively & (shuffled | reverse)).alias("is_out_of_order"))
        .collect()
    )


def _stands_still(frame: pl.DataFrame) -> pl.Series:
    """Return the rows of stretches at one price, with trade, among minutes that move."""
    still = (pl.col("high") == pl.col("low")) & (pl.col("volume") > 0)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _GROUP)
    goes_on = same & still & still.shift(1) & (pl.col("close") == pl.col("close").shift(1))
    runs = frame.select(
        *_GROUP,
        still.alias("still"),
        (~goes_on.fill_null(value=False)).cum_sum().alias("run"),
        ((pl.col("high") - pl.col("low")) > (_BESIDE_TICKS - 0.5) * TICK).alias("moves"),
    ).with_row_index("row")
    moves = pl.col("moves").cast(pl.Float64).rolling_mean(_BESIDE, min_samples=_BESIDE)
    told = (
        runs.with_columns(
            moves.shift(1).alias("before"), moves.shift(-_BESIDE).alias("after")
        )
        .group_by(*_GROUP, "run", maintain_order=True)
        .agg(
            pl.len().alias("minutes"),
            pl.col("still").all(),
            pl.col("before").first(),
            pl.col("after").last(),
        )
        .filter(
            pl.col("still") & (pl.col("minutes") >= _STILL)
            & (pl.min_horizontal("before", "after") >= 0.9)
        )
    )  # fmt: skip
    return runs["run"].is_in(told["run"].to_list())
