"""Minutes beside the sessions around them: of another symbol or unit, or alone at an end."""

from math import log
from typing import Final

import polars as pl

from quality.rules import crowd
from quality.rules.model import Rule, Severity
from quality.rules.words import day, price

_GROUP: Final = ("symbol", "session")
_TEN: Final = log(10.0)
_OFF_TEN: Final = 0.25  # a log
# The first or last minute of a session lies so far from both its neighbours, which agree.
_END_MOVE: Final = 0.04
_END_STEPS: Final = 20.0  # times the usual step from a close to the next open
_LEFT: Final = 0.4  # of the move
_NEXT: Final = 3  # minutes: a thin share does not trade each

LEVEL_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="bar_is_of_its_symbol",
        severity=Severity.ERROR,
        meaning="A session's minutes do not continue another symbol's series.",
        reason="Asked of a whole file only: two symbols leap by 10 % or more to within 6 % of each "
        "other's last close: the rows are relabelled.",
        applies=pl.col("whole_file"),
        fails=pl.col("other").is_not_null(),
        sentence=lambda row: (
            f"The minutes of {row['symbol']} on {day(row['session'])} lie where the series of "
            f"{row['other']} continues. They look relabelled."
        ),
        figures=("close", "other"),
    ),
    Rule(
        name="session_is_in_its_unit",
        severity=Severity.ERROR,
        meaning="A session's prices are not off by a power of ten from those before and after.",
        reason="Asked of a whole file only: the level leaves by ten, a hundred or a thousand and "
        "returns, as no split does, whatever the auctions trade.",
        applies=pl.col("whole_file"),
        fails=pl.col("tens").is_not_null(),
        sentence=lambda row: (
            f"{row['symbol']} stands at {price(row['close'])} on {day(row['session'])}, "
            f"{10.0 ** row['tens']:g} times the sessions before and after. It looks like another "
            "unit."
        ),
        figures=("close", "tens"),
    ),
)


def with_levels(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `other`, `tens` and `is_lone_end`, null at the gate.

    `frame` is sorted by symbol and bar_start, and has `log_split`.
    """
    if not whole_file:
        return frame.with_columns(
            pl.lit(None, dtype=pl.String).alias("other"),
            pl.lit(None, dtype=pl.Int64).alias("tens"),
            pl.lit(None, dtype=pl.Boolean).alias("is_lone_end"),
        )
    sessions = _sessions(frame)
    others = crowd.with_other(sessions, whole_file=True).select(*_GROUP, "other")
    beside = _tens(sessions).join(others, on=_GROUP)
    frame = frame.join(beside, on=_GROUP, how="left", maintain_order="left")
    return frame.with_columns(_lone_end(frame).alias("is_lone_end"))


def _sessions(frame: pl.DataFrame) -> pl.DataFrame:
    """Return each session's last close and volume, as of a daily bar."""
    sound = pl.all_horizontal("complete", "positive", "counted", "is_regular")
    return (
        frame.lazy()
        .filter(sound & (pl.col("versions") == 1))
        .group_by(_GROUP)
        .agg(
            pl.col("close").last(), pl.col("close").median().alias("level"),
            pl.col("volume").sum(), pl.col("log_split").first(),
            pl.col("session_no").first().cast(pl.Float64).alias("step_no"),
        )
        .with_columns(
            *(pl.lit(value=True).alias(name) for name in ("complete", "positive", "usable")),
            pl.lit(1).alias("versions"),
        )
        .sort(_GROUP)
        .collect()
    )  # fmt: skip


def _tens(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return by which power of ten each session is off those before and after; null for none."""
    level = pl.col("level").log() + pl.col("log_split")
    off = (level - level.median().over("symbol")) / _TEN
    tens = off.round().cast(pl.Int64)
    usual = (tens == 0).over("symbol")
    before = usual.cum_max().over("symbol")
    after = usual.cum_max(reverse=True).over("symbol")
    exact = (off - tens).abs() < _OFF_TEN / _TEN
    return sessions.select(
        *_GROUP, pl.when((tens != 0) & exact & before & after).then(tens).alias("tens")
    )


def _lone_end(frame: pl.DataFrame) -> pl.Series:
    """Return the first and last minutes that lie apart from both neighbours, which agree."""
    symbol = (pl.col("symbol"), pl.col("log_split"))
    close = pl.col("close").log()
    goes_on = pl.all_horizontal(one == one.shift(1) for one in symbol)
    before = pl.when(goes_on).then(close.shift(1))
    gap = pl.col("open").log() - before
    usual = gap.abs().median().over("symbol")
    comes = pl.all_horizontal(one == one.shift(-1) for one in symbol)
    after_open = pl.when(comes).then(pl.col("open").log().shift(-1))
    out, back = close - before, after_open - close
    least = pl.max_horizontal(pl.lit(_END_MOVE), _END_STEPS * usual)
    at, near = pl.col("bar_start"), pl.duration(minutes=_NEXT)
    is_first = (at == pl.col("opens")) & (at.shift(-1) - at <= near)
    is_last = (at == pl.col("closes") - pl.duration(minutes=1)) & (at - at.shift(1) <= near)
    lone = (
        (pl.min_horizontal(out.abs(), back.abs()) > least)
        & (out * back < 0)
        & ((out + back).abs() < _LEFT * out.abs())
    )
    sound = pl.all_horizontal("complete", "positive")
    return frame.select((sound & (is_first | is_last) & lone).fill_null(value=False)).to_series()
