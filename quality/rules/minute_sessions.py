"""What the minutes of a whole session say together: a session sent twice, a running total."""

from typing import Final

import polars as pl

from quality.rules.bar import PRICES
from quality.rules.model import Rule, Severity
from quality.rules.words import day, shares

_GROUP: Final = ("symbol", "session")
# Minutes from which a whole session is no chance.
_LEAST_ROWS: Final = 30
# Of independent volumes every other minute has less than the one before it.
_FALLS: Final = 0.01
_LEAST_RISES: Final = 20

SESSION_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="session_is_no_copy",
        severity=Severity.ERROR,
        meaning="A session's minutes are not those of an earlier session of the symbol.",
        reason="Asked of a whole file only: prices and volumes of thirty minutes or more never "
        "fall alike twice by chance.",
        applies=pl.col("whole_file"),
        fails=pl.col("copied_from").is_not_null(),
        sentence=lambda row: (
            f"Every minute of {row['symbol']} on {day(row['session'])} is that of "
            f"{day(row['copied_from'])}. It looks like an old session sent again."
        ),
        figures=("copied_from",),
    ),
    Rule(
        name="volume_is_of_the_minute",
        severity=Severity.ERROR,
        meaning="A minute's volume is its own, not the session's so far.",
        reason="Asked of a whole file only: over a session the volume rises twenty times or more "
        "and hardly ever falls, as only a running total does.",
        applies=pl.col("whole_file"),
        fails=pl.col("is_running_total"),
        sentence=lambda row: (
            f"{shares(row['volume'])} are reported for the minute, and on "
            f"{day(row['session'])} the volume never falls from minute to minute. It looks like "
            "the total of the session so far."
        ),
        figures=("volume",),
    ),
)


def with_sessions(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `copied_from` (an earlier session or null) and `is_running_total`, null at the gate.

    `frame` is sorted by symbol and bar_start.
    """
    if not whole_file:
        return frame.with_columns(
            pl.lit(None, dtype=pl.Date).alias("copied_from"),
            pl.lit(None, dtype=pl.Boolean).alias("is_running_total"),
        )
    local = pl.col("new_york")
    change = pl.col("volume").diff()
    told = (
        frame.lazy()
        .select(*_GROUP, *PRICES, "volume", local.dt.time().alias("_minute"))
        .with_columns(pl.struct("_minute", *PRICES, "volume").hash().alias("_row"))
        .group_by(_GROUP)
        .agg(
            pl.col("_row").sum(),
            pl.len().alias("_rows"),
            (change > 0).sum().alias("_rises"),
            (change < 0).sum().alias("_falls"),
            ((pl.col("volume").max() > 0) & (pl.col("close").max() > pl.col("close").min())).alias(
                "_lives"
            ),
        )
        .sort(_GROUP)
        .with_columns(pl.col("session").first().over("symbol", "_row").alias("_first"))
        .select(
            *_GROUP,
            pl.when(
                (pl.col("_rows") >= _LEAST_ROWS) & pl.col("_lives")
                & (pl.col("_first") < pl.col("session"))
            ).then("_first").alias("copied_from"),
            ((pl.col("_rises") >= _LEAST_RISES) & (pl.col("_falls") <= _FALLS * pl.col("_rows")))
            .alias("is_running_total"),
        )
        .collect()
    )  # fmt: skip
    return frame.join(told, on=_GROUP, how="left", maintain_order="left")
