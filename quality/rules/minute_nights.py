"""What came overnight, told by the whole session after it: a split that nobody told, or news."""

from typing import Final

import polars as pl

from quality.rules import jumps
from quality.rules.model import Rule, Severity
from quality.rules.thresholds import SPLIT_RATIOS, SPLIT_TOLERANCE
from quality.rules.words import Row, day, price, ratio

_GROUP: Final = ("symbol", "session")
_LEAST: Final = 0.3  # a log: the smallest split is 3-for-2
_NIGHTS: Final = 5.0  # usual nights that a split is beyond
_MOST_TOLERANCE: Final = 0.12
_MAD_TO_SIGMA: Final = 1.4826
_KEPT: Final = 0.35  # of the gap, that sessions at the new level may lie apart from it
_NEAR: Final = 5  # sessions between two that follow one another
_BESIDE: Final = 10  # sessions that tell the usual volume
# News trade so many times the volume of the sessions before, and of those after.
_NEWS: Final = 3.0
_FADES: Final = 1.5
_LONE_NEWS: Final = 2.5  # times the volume of both sides
_HALT: Final = 5  # minutes: the shortest halt


def _says(row: Row) -> str:
    return (
        f"{row['symbol']} begins {day(row['session'])} at {price(row['open'])} after "
        f"{price(row['reference'])}, and stays there. The session's volume is not that of news; it "
        f"looks like a split of {ratio(row['untold_split'])} that nobody told us."
    )


NIGHT_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="night_is_no_unknown_split",
        severity=Severity.ERROR,
        meaning="No session begins at a split's ratio of the last without that split on file.",
        reason="Asked of a whole file only: it begins and stays there, and its whole volume is not "
        "three times that of the sessions before, nor above that of those after, as that of news "
        "is; how an opening trades says nothing of it.",
        applies=pl.col("whole_file"),
        fails=pl.col("untold_split").is_not_null(),
        sentence=_says,
        figures=("open", "reference", "untold_split"),
    ),
)


def with_nights(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `untold_split`, at the first minute of a session, and `is_news`; null at the gate.

    `frame` is sorted by symbol and bar_start, with `usable` and `log_split`.
    """
    if not whole_file:
        return frame.with_columns(
            pl.lit(None, dtype=pl.Float64).alias("untold_split"),
            pl.lit(None, dtype=pl.Boolean).alias("is_news"),
        )
    told = _leaps(_sessions(frame))
    joined = frame.join(told, on=_GROUP, how="left", maintain_order="left")
    first = pl.col("bar_start") == pl.col("_first")
    return joined.with_columns(
        pl.when(first & ~pl.col("_vouched")).then("_ratio").alias("untold_split"),
        (first & pl.col("_vouched")).fill_null(value=False).alias("is_news"),
    ).drop("_first", "_vouched", "_ratio")


def _sessions(frame: pl.DataFrame) -> pl.DataFrame:
    """Return each session's ends, middle and volume, for as many shares as the file begins with."""
    level = pl.col("log_split")
    return (
        frame.lazy()
        .filter("usable")
        .group_by(_GROUP)
        .agg(
            pl.col("bar_start").first().alias("_first"),
            (pl.col("open").log() + level).first().alias("begins"),
            (pl.col("close").log() + level).last().alias("ends"),
            (pl.col("close").log() + level).median().alias("middle"),
            (pl.col("volume") * (-level).exp()).sum().alias("volume"),
            pl.col("session_no").first(),
        )
        .sort(_GROUP)
        .collect()
    )


def _leaps(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions that begin, and stay, at a split's ratio of the last."""
    gap = pl.col("begins") - pl.col("ends").shift(1)
    near = pl.col("session_no") - pl.col("session_no").shift(1) <= _NEAR
    volume = pl.col("volume")
    before = volume.shift(1).rolling_median(_BESIDE, min_samples=1)
    after = volume.reverse().shift(1).rolling_median(_BESIDE, min_samples=1).reverse()
    told = sessions.with_columns(
        pl.when(near).then(gap).over("symbol").alias("gap"),
        *(
            (pl.col("middle").shift(-n) - pl.col("ends").shift(1))
            .over("symbol")
            .alias(f"stays_{n}")
            for n in (0, 1)
        ),
        (volume / before).over("symbol").alias("over_before"),
        (volume / after).over("symbol").alias("over_after"),
    ).with_columns((_MAD_TO_SIGMA * pl.col("gap").abs().median().over("symbol")).alias("night"))
    size = pl.col("gap").abs()
    kept = [
        ((pl.col(f"stays_{n}") - pl.col("gap")).abs() <= _KEPT * size).fill_null(value=True)
        for n in (0, 1)
    ]
    tolerance = (2.5 * pl.col("night")).clip(SPLIT_TOLERANCE, _MOST_TOLERANCE)
    ratios = [float(r) for r in SPLIT_RATIOS] + [1.0 / float(r) for r in SPLIT_RATIOS]
    apart = pl.concat_list([(pl.col("gap") + pl.lit(r).log()).abs() for r in ratios])
    return (
        told.filter((size >= _LEAST) & (size >= _NIGHTS * pl.col("night")), *kept)
        .with_columns(
            apart.list.min().alias("_apart"),
            apart.list.arg_min().replace_strict(dict(enumerate(ratios))).alias("_ratio"),
        )
        .filter(pl.col("_apart") <= tolerance)
        .select(*_GROUP, "_first", "_ratio", _vouched().alias("_vouched"))
    )


def _vouched() -> pl.Expr:
    """Whether the volume is that of news: more than before, and more than after."""
    # A split's own volume grows by its ratio where the vendor counts the shares of the day.
    beside = pl.col("over_before") >= _NEWS * pl.col("_ratio").clip(1.0).sqrt()
    fades = (pl.col("over_after") >= _FADES).fill_null(value=True)
    lone = pl.min_horizontal("over_before", "over_after") >= _LONE_NEWS
    lone &= pl.col("over_after").is_not_null()
    return ((beside & fades) | lone).fill_null(value=False)


def reopens() -> pl.Expr:
    """Whether the first trade after a halt, or before an opening, is at a level that stays.

    What came while nobody traded is told by no volume, and by a whole file only.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _GROUP)
    early = ~same.fill_null(value=False) & (pl.col("bar_start") < pl.col("opens"))
    # The row after it is measured by it.
    stays = (pl.col("symbol") == pl.col("symbol").shift(-1)) & (
        pl.col("reference").shift(-1) == pl.col("close")
    )
    moved = pl.col("whole_file") & (pl.col("code") == jumps.UNEXPLAINED)
    halted = moved & stays & (early | (pl.col("hole") >= _HALT))
    return (halted | pl.col("is_news")).fill_null(value=False)
