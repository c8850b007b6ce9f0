"""Whether each session opens where the one before closed, or where any other did."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.rules.jumps import UNIT
from quality.rules.shuffles import shuffled
from quality.rules.thresholds import TICK

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ENDS: Final = ("open", "close")

# Three in ten of a normal variable's absolute values lie below this share of its deviation: so
# the usual night is told although half of the rows are in no order.
_QUANTILE: Final = 0.3
_TO_SIGMA: Final = 1.0 / 0.385
_MEDIAN_TO_SIGMA: Final = 1.0 / 0.6745
# A share listed abroad moves mostly overnight; one whose open is the last close hardly does.
_LEAST_NIGHT: Final = 0.15  # daily ranges
_MOST_NIGHT: Final = 1.1
_USUAL_OF: Final = 15  # gaps that tell what is usual
_FREEDOM: Final = 3.0  # degrees, of Student's t: earnings and crashes are among the nights
_MOST: Final = 1.5  # what one row may say for disorder, and against it
_LEAST: Final = -1.0
# Of few trades neither range nor gap says where a share stood.
_FEW_SHARES: Final = 3_000.0
_FLAT_SHARE: Final = 0.1
_LEAST_OTHERS: Final = 3


def order_scores(frame: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return for each row the log of the odds that it does not follow the row before it.

    The second array asks whether the row precedes it: whether rows stand in reverse.

    The gap from the close before to the open is compared, in daily ranges, with the symbol's
    usual night and with what parts two rows that do not follow one another: at least the moves
    within both of them besides. Both are Student's t, so that a single wide night says little.
    """
    gaps = _with_usual(_gaps(frame))
    own, backward = pl.col("own"), pl.col("backward")
    usual, apart = pl.col("usual"), pl.col("apart")
    untold = pl.col("few") | pl.col("flat") | (pl.col("told") < _USUAL_OF)
    shuffled = (_log_t(own, apart) - _log_t(own, usual)).clip(_LEAST, _MOST)
    backwards = (_log_t(backward, usual) - _log_t(backward, apart)).clip(_LEAST, _MOST)
    reverse = (shuffled + backwards).clip(_LEAST, _MOST)
    odds = gaps.select(
        pl.when(~untold).then(one).fill_nan(None).fill_null(_LEAST).alias(name)
        for name, one in (("shuffled", shuffled), ("reversed", reverse))
    )
    return odds["shuffled"].to_numpy(), odds["reversed"].to_numpy()


def short_order(frame: pl.DataFrame, offsets: Whole) -> Bools:
    """Mark the rows that lie in no order in symbols of too few rows to tell a usual night."""
    span = pl.when("sound").then("span")
    told = _gaps(frame).select(
        pl.max_horizontal("span", 2.0 * pl.col("tick"), pl.lit(0.002)).fill_null(1.0).alias("span"),
        (pl.col("sound") & ~pl.col("few") & ~pl.col("flat") & span.is_not_null())
        .fill_null(value=False)
        .alias("told"),
    )
    levels = frame.select((pl.col(n).log() + pl.col("log_split")).alias(n) for n in _ENDS)
    return np.asarray(
        shuffled(
            *(levels[n].fill_null(0.0).to_numpy() for n in _ENDS),
            told["span"].to_numpy(), told["told"].to_numpy(), offsets,
        )
    )  # fmt: skip


def _with_usual(gaps: pl.DataFrame) -> pl.DataFrame:
    """Add each symbol's usual night, what parts rows that do not follow, and the gaps it has."""
    nights = [_measured(name).quantile(_QUANTILE) * _TO_SIGMA for name in ("raw", "backward")]
    usual = pl.min_horizontal(nights).clip(_LEAST_NIGHT, _MOST_NIGHT)
    within = _measured("body").median() * _MEDIAN_TO_SIGMA
    of_symbols = gaps.group_by("symbol").agg(
        usual.alias("usual"),
        (usual**2 + 2.0 * within**2).sqrt().alias("apart"),
        pl.col("own").count().alias("told"),
    )
    return gaps.join(of_symbols, on="symbol", how="left", maintain_order="left")


def _measured(name: str) -> pl.Expr:
    """Return a column where the row is at a trusted level: a wrong unit rounds nights away."""
    return pl.when("sound").then(name)


def _log_t(value: pl.Expr, scale: pl.Expr) -> pl.Expr:
    """Return the log density of Student's t, but for what does not depend on the scale."""
    tail = ((value / scale) ** 2 / _FREEDOM + 1.0).log()
    return -scale.log() - 0.5 * (_FREEDOM + 1.0) * tail


def _gaps(frame: pl.DataFrame) -> pl.DataFrame:
    """Return each row's gap to the close before and after it and its body, in daily ranges."""
    before, after = _gap(1), _gap(-1)
    span = pl.when("usable").then((pl.col("high") / pl.col("low")).log())
    told = frame.select(
        "symbol",
        "session",
        (pl.col("usable") & (pl.col("code") < UNIT).fill_null(value=True)).alias("sound"),
        before.alias("gap"),
        after.alias("gap_after"),
        pl.when("usable").then((pl.col("close") / pl.col("open")).log()).alias("within"),
        span.clip(0.0, 0.5).rolling_mean(21, min_samples=5, center=True).alias("span"),
        # A storm widens night and day at once, sooner than the days around tell.
        (0.5 * (span + span.shift(1)).clip(0.0, 1.0)).alias("beside"),
        (TICK / pl.col("close")).alias("tick"),
        (pl.when("usable").then("volume").median().over("symbol") < _FEW_SHARES).alias("few"),
        ((span <= 0.0).mean().over("symbol") > _FLAT_SHARE).alias("flat"),
    )
    common = told.group_by("session").agg(
        pl.when(pl.col("gap").count() >= _LEAST_OTHERS + 1)
        .then(pl.col("gap").median())
        .alias("common")
    )
    wide = pl.max_horizontal("span", "beside", "tick", pl.lit(0.002))
    # The few symbols of a file may be a poor market: the gap that says less is the one.
    alone = pl.min_horizontal(pl.col("gap").abs(), (pl.col("gap") - pl.col("common")).abs())
    return told.join(common, on="session", how="left", maintain_order="left").with_columns(
        (alone / wide).alias("own"),
        (pl.col("gap").abs() / wide).alias("raw"),
        (pl.col("gap_after").abs() / wide).alias("backward"),
        (pl.col("within").abs() / wide).alias("body"),
    )


def _gap(rows: int) -> pl.Expr:
    """Return the log of the open over the close `rows` before it, with splits taken out."""
    split = pl.col("log_split") - pl.col("log_split").shift(rows)
    same = (pl.col("symbol") == pl.col("symbol").shift(rows)).fill_null(value=False)
    usable = pl.col("usable") & pl.col("usable").shift(rows).fill_null(value=False)
    gap = (pl.col("open") / pl.col("close").shift(rows)).log() + split
    return pl.when(same & usable).then(gap)
