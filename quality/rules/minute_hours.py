"""By how much the minutes of a session with extended hours are shifted: its busy hours tell."""

from typing import Final

import polars as pl

_GROUP: Final = ("symbol", "session")
_QUARTER: Final = 15  # minutes
# At the opening and after the close trade rises and falls by such a factor from one quarter of an
# hour to the next, and a busy quarter has this share of the day's.
_EDGE: Final = 4.0
_BUSY: Final = 0.02
_LEAST_ROWS: Final = 60


def busy_hours(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `symbol`, `session` and `shift` (minutes) of sessions whose busy hours lie apart.

    Trade rises at the opening and falls at the close, and does neither in the other hours. A
    session is shifted where neither is seen at its own hours and both are, as far apart, at others.

    Parameters
    ----------
    frame : frame with symbol, session, bar_start, opens, closes, volume, counted
    """
    edges = _edges(_quarters(frame))
    shift = pl.col("quarter") * _QUARTER
    rises = edges.filter("rises").select(*_GROUP, shift.alias("shift"))
    falls = edges.filter("falls").select(
        *_GROUP, (shift - pl.col("length") + _QUARTER).alias("shift")
    )
    # The auction of the close may stand in the quarter after it.
    later = falls.with_columns(pl.col("shift") - _QUARTER)
    falls = pl.concat([falls, later])
    on_time = pl.concat([rises, falls]).filter(pl.col("shift") == 0).select(_GROUP)
    both = rises.join(falls, on=[*_GROUP, "shift"], how="semi")
    half_hours = both.filter((pl.col("shift") != 0) & (pl.col("shift") % 30 == 0))
    return half_hours.join(on_time, on=_GROUP, how="anti").unique(_GROUP, keep="none")


def _quarters(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the volume of each quarter of an hour, counted from the opening."""
    since = (pl.col("bar_start") - pl.col("opens")).dt.total_minutes()
    length = (pl.col("closes") - pl.col("opens")).dt.total_minutes()
    return (
        frame.lazy()
        .filter(pl.col("counted") & pl.col("opens").is_not_null())
        .group_by(*_GROUP, since.floordiv(_QUARTER).alias("quarter"))
        .agg(pl.col("volume").sum(), pl.len().alias("rows"), length.first().alias("length"))
        .filter(pl.col("rows").sum().over(_GROUP) >= _LEAST_ROWS)
        .sort(*_GROUP, "quarter")
        .collect()
    )


def _edges(quarters: pl.DataFrame) -> pl.DataFrame:
    """Add whether trade `rises` with a quarter, and `falls` after it."""
    busy = pl.col("volume") >= _BUSY * pl.col("volume").sum().over(_GROUP)
    before = _beside(quarters, 1)
    after = _beside(quarters, -1)
    return quarters.with_columns(
        (busy & (pl.col("volume") >= _EDGE * before)).alias("rises"),
        (busy & (pl.col("volume") >= _EDGE * after)).alias("falls"),
    )


def _beside(quarters: pl.DataFrame, by: int) -> pl.Series:
    """Return the volume of the quarter so far before; none where there is no bar."""
    other = quarters.select(*_GROUP, pl.col("quarter") + by, pl.col("volume").alias("beside"))
    joined = quarters.join(other, on=[*_GROUP, "quarter"], how="left", maintain_order="left")
    return joined["beside"].fill_null(0.0)
