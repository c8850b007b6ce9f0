"""Rules over the minute bars of a session, and the judgement they give."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import words
from quality.rules.judge import judge
from quality.rules.missing import absent
from quality.rules.model import Judgement, Rule, Severity, require_columns
from quality.rules.prepare import PRICES, typed
from quality.rules.words import Row, percent, price

DATASET: Final = "minute_bars"
_KEY: Final = ("symbol", "bar_start")
_BAR: Final = (*_KEY, *PRICES, "volume")
_FIGURES: Final = (*PRICES, "volume")

# Four per cent within a minute and ten robust deviations of a minute: real minutes of that size
# come with a burst of volume or with the other symbols.
TICK_MOVE: Final = 0.04
TICK_SIGMAS: Final = 10.0
TICK_VOLUME: Final = 4.0
_LEAST_SIGMA: Final = 0.0005
# The official daily bar and the minutes come from the same tape; rounding and late prints stay
# below half a per cent.
DAY_TOLERANCE: Final = 0.005
CLOSE_TOLERANCE: Final = 0.01
COMPLETE_SHARE: Final = 0.9


def _clock(row: Row) -> str:
    return f"{row['new_york']:%H:%M} on {words.day(row['session'])}"


def _bar(row: Row) -> str:
    return (
        f"The minute {_clock(row)} arrived with open {price(row['open'])}, high "
        f"{price(row['high'])}, low {price(row['low'])}, close {price(row['close'])}."
    )


def _hours(row: Row) -> str:
    if row["opens_at"] is None:
        return f"{words.day(row['session'])} is no session of the exchange."
    return f"That session ran from {row['opens_at']:%H:%M} to {row['closes_at']:%H:%M}."


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="values_are_present",
        severity=Severity.ERROR,
        meaning="Open, high, low, close and volume are there and are finite numbers.",
        reason="A bar with a hole cannot be priced; guessing the hole is worse.",
        fails=~pl.col("complete"),
        sentence=lambda row: f"{_bar(row)} A price or the volume is missing.",
        figures=_FIGURES,
    ),
    Rule(
        name="keys_are_unique",
        severity=Severity.ERROR,
        meaning="One bar per symbol and minute.",
        reason="Two different bars for one minute: nobody can say which is true.",
        fails=pl.col("versions") > 1,
        sentence=lambda row: (
            f"{row['versions']} different bars arrived for {_clock(row)}; none is used until a "
            "person chooses."
        ),
        figures=(*_FIGURES, "versions"),
    ),
    Rule(
        name="repeats_are_merged",
        severity=Severity.NOTE,
        meaning="A bar arrives once.",
        reason="An identical repeat says nothing new: it is merged and told.",
        fails=pl.col("copies") > 1,
        sentence=lambda row: f"The minute {_clock(row)} arrived {row['copies']} times; merged.",
        figures=("copies",),
    ),
    Rule(
        name="prices_are_positive",
        severity=Severity.ERROR,
        meaning="All four prices are above zero.",
        reason="A share never trades at zero or less.",
        applies=pl.col("complete"),
        fails=pl.min_horizontal(*PRICES) <= 0,
        sentence=lambda row: f"{_bar(row)} A price at or below zero cannot have traded.",
        figures=_FIGURES,
    ),
    Rule(
        name="volume_is_not_negative",
        severity=Severity.ERROR,
        meaning="Volume is zero or more.",
        reason="Shares traded are counted.",
        applies=pl.col("complete"),
        fails=pl.col("volume") < 0,
        sentence=lambda row: (
            f"The volume of {_clock(row)} arrived as {row['volume']:,.0f}. A count of shares "
            "cannot be negative."
        ),
        figures=("volume",),
    ),
    Rule(
        name="prices_are_consistent",
        severity=Severity.ERROR,
        meaning="High is the highest and low the lowest of the four prices.",
        reason="Holds by definition; a hundredth of a cent is allowed for rounding.",
        applies=pl.col("complete"),
        fails=(pl.col("high") < pl.max_horizontal("open", "close", "low") - 1e-4)
        | (pl.col("low") > pl.min_horizontal("open", "close", "high") + 1e-4),
        sentence=lambda row: f"{_bar(row)} Open and close must lie between low and high.",
        figures=_FIGURES,
    ),
    Rule(
        name="stamp_is_a_whole_minute",
        severity=Severity.ERROR,
        meaning="A bar starts on a whole minute.",
        reason="Bars are stamped at their start; other stamps are another kind of bar.",
        fails=(pl.col("bar_start").dt.second() != 0) | (pl.col("bar_start").dt.microsecond() != 0),
        sentence=lambda row: f"A bar is stamped {row['new_york']:%H:%M:%S.%f}, within a minute.",
    ),
    Rule(
        name="minute_is_of_its_session",
        severity=Severity.ERROR,
        meaning="A minute lies on its session's day, between 04:00 and 20:00 in New York.",
        reason="Nothing trades outside; a whole delivery there has the wrong time zone.",
        fails=~pl.col("is_tradable"),
        sentence=lambda row: (
            f"A bar is stamped {_clock(row)}, New York time. {_hours(row)} Its time zone may be "
            "wrong."
        ),
    ),
    Rule(
        name="minute_is_regular",
        severity=Severity.NOTE,
        meaning="A minute lies between the opening and the closing of its session.",
        reason="Extended hours are real but thin: they are marked, and left out of signals.",
        applies=pl.col("is_tradable"),
        fails=~pl.col("is_regular"),
        sentence=lambda row: f"{_clock(row)} is outside regular hours. {_hours(row)}",
    ),
    Rule(
        name="minute_is_not_in_the_future",
        severity=Severity.ERROR,
        meaning="No bar starts after the market's own clock.",
        reason="What has not happened cannot have a price.",
        applies=pl.col("now").is_not_null(),
        fails=pl.col("bar_start") > pl.col("now"),
        sentence=lambda row: f"A bar is stamped {_clock(row)}, after the market's clock.",
    ),
    Rule(
        name="minute_is_no_bad_tick",
        severity=Severity.ERROR,
        meaning="A move beyond ten robust deviations and 4 % from the last five minutes is "
        "confirmed by volume or by the other symbols of that minute.",
        reason="Bad ticks come alone and with the usual volume; real moves of that size do not.",
        applies=pl.col("deviation").is_not_null() & pl.col("complete"),
        fails=(pl.col("reach") > pl.max_horizontal(TICK_MOVE, TICK_SIGMAS * pl.col("sigma")))
        & (pl.col("volume_ratio").fill_null(0.0) < TICK_VOLUME)
        & (pl.col("peers").fill_null(0.0) * pl.col("reach_sign") < pl.col("reach") / 5.0),
        sentence=lambda row: (
            f"{_bar(row)} One of them lies {percent(2.718281828 ** row['reach'] - 1)} away from "
            f"{price(row['reference'])}, the middle of the five minutes before, at "
            f"{row['volume_ratio'] or 0.0:.1f} times the usual volume; the other symbols did not "
            "move so. It looks like a bad tick."
        ),
        figures=(*_FIGURES, "reference", "reach", "sigma", "volume_ratio", "peers"),
    ),
    Rule(
        name="minute_agrees_with_the_day",
        severity=Severity.ERROR,
        meaning="No regular minute trades half a per cent outside the official daily range.",
        reason="The daily bar holds every regular trade; what lies outside did not count there.",
        applies=pl.col("day_high").is_not_null() & pl.col("is_regular") & pl.col("complete"),
        fails=(pl.col("high") > pl.col("day_high") * (1 + DAY_TOLERANCE))
        | (pl.col("low") < pl.col("day_low") * (1 - DAY_TOLERANCE)),
        sentence=lambda row: (
            f"{_bar(row)} The official range of the day is {price(row['day_low'])} to "
            f"{price(row['day_high'])}."
        ),
        figures=("high", "low", "day_high", "day_low"),
    ),
    Rule(
        name="last_minute_meets_the_close",
        severity=Severity.WARNING,
        meaning="The last regular minute closes within 1 % of the official close.",
        reason="The closing auction moves a price by less; more means missing or wrong minutes.",
        applies=pl.col("day_close").is_not_null() & pl.col("is_last"),
        fails=(pl.col("close") / pl.col("day_close") - 1).abs() > CLOSE_TOLERANCE,
        sentence=lambda row: (
            f"The last minute closes at {price(row['close'])}, the official close is "
            f"{price(row['day_close'])}."
        ),
        figures=("close", "day_close"),
    ),
    Rule(
        name="volumes_add_up",
        severity=Severity.WARNING,
        meaning="The regular minutes trade no more than the official daily volume.",
        reason="Two per cent are allowed for late corrections; more means doubled minutes.",
        applies=pl.col("day_volume").is_not_null() & pl.col("is_last"),
        fails=pl.col("minutes_volume") > pl.col("day_volume") * 1.02,
        sentence=lambda row: (
            f"The minutes of {words.day(row['session'])} add up to "
            f"{words.shares(row['minutes_volume'])}, the official day to "
            f"{words.shares(row['day_volume'])}."
        ),
        figures=("minutes_volume", "day_volume"),
    ),
    Rule(
        name="session_is_complete",
        severity=Severity.WARNING,
        meaning="Nine of ten regular minutes so far have a bar.",
        reason="A liquid share trades every minute; fewer bars mean a gap in the feed.",
        applies=pl.col("is_last"),
        fails=pl.col("minutes_present") < COMPLETE_SHARE * pl.col("minutes_due"),
        sentence=lambda row: (
            f"{row['minutes_present']:,} of {row['minutes_due']:,} minutes of "
            f"{words.day(row['session'])} have a bar."
        ),
        figures=("minutes_present", "minutes_due"),
    ),
)


def judge_minutes(
    bars: pl.DataFrame,
    *,
    calendar: Calendar,
    daily: pl.DataFrame | None = None,
    expected: pl.DataFrame | Sequence[str] | None = None,
    sessions: Sequence[date] | None = None,
    now: datetime | None = None,
) -> Judgement:
    """Judge delivered minute bars row by row.

    Parameters
    ----------
    bars : frame with symbol, session, bar_start (UTC), open, high, low, close, volume
        Minutes from the session's opening on, so that each has its past beside it.
    calendar : Calendar
        The exchange's sessions.
    daily : frame with symbol, session, high, low, close, volume, optional
        The official daily bars, when they are known.
    expected : symbols, or frame with symbol, from_session, to_session, optional
        Who should have delivered.
    sessions : dates, optional
        The sessions this delivery covers; those in `bars` otherwise.
    now : aware datetime, optional
        The market's clock; minutes of a running session are due up to it.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing or has a type that cannot be read.
    """
    require_columns(bars, ("bar_start",), name="bars")
    frame = _merged(typed(bars, name="bars"))
    frame = _with_hours(frame, calendar, now)
    frame = _with_day(frame, daily)
    frame = _with_past(frame.sort("symbol", "bar_start"))
    due = absent(frame, previous=None, expected=expected, sessions=sessions, calendar=calendar)
    return judge(frame, dataset=DATASET, rules=RULES, columns=bars.columns, due=due)


def _merged(bars: pl.DataFrame) -> pl.DataFrame:
    """Merge exact repeats, count copies and versions, and say which rows are complete."""
    complete = pl.all_horizontal(
        pl.col(c).is_not_null() & pl.col(c).is_finite() for c in (*PRICES, "volume")
    )
    return (
        bars.with_columns(
            pl.col("bar_start").dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
            pl.len().over(_BAR).cast(pl.Int64).alias("copies"),
        )
        .unique(subset=_BAR, keep="first", maintain_order=True)
        .with_columns(
            pl.len().over(_KEY).cast(pl.Int64).alias("versions"),
            complete.fill_null(value=False).alias("complete"),
            pl.col("bar_start").dt.convert_time_zone("America/New_York").alias("new_york"),
        )
    )


def _with_hours(frame: pl.DataFrame, calendar: Calendar, now: datetime | None) -> pl.DataFrame:
    """Add the session's hours and whether the minute lies in them."""
    hours = pl.DataFrame(
        [_hours_of(day, calendar, now) for day in frame["session"].unique().to_list()],
        schema={
            "session": pl.Date,
            "opens": pl.Datetime("us", "UTC"),
            "closes": pl.Datetime("us", "UTC"),
            "minutes_due": pl.Int64,
        },
        orient="row",
    )
    local = pl.col("new_york")
    same_day = (local.dt.date() == pl.col("session")) & pl.col("opens").is_not_null()
    regular = (pl.col("bar_start") >= pl.col("opens")) & (pl.col("bar_start") < pl.col("closes"))
    return frame.join(hours, on="session", how="left").with_columns(
        (same_day & local.dt.hour().is_between(4, 19)).fill_null(value=False).alias("is_tradable"),
        regular.fill_null(value=False).alias("is_regular"),
        pl.col("opens").dt.convert_time_zone("America/New_York").alias("opens_at"),
        pl.col("closes").dt.convert_time_zone("America/New_York").alias("closes_at"),
        pl.lit(now, dtype=pl.Datetime("us", "UTC")).alias("now"),
    )


def _hours_of(day: date, calendar: Calendar, now: datetime | None) -> tuple[Any, ...]:
    """Return session, opening, closing and the minutes due by `now`."""
    if not calendar.is_session(day):
        return (day, None, None, None)
    opens, closes = calendar.open(day), calendar.close(day)
    end = closes if now is None else min(max(now, opens), closes)
    return (day, opens, closes, int((end - opens).total_seconds() // 60))


def _with_day(frame: pl.DataFrame, daily: pl.DataFrame | None) -> pl.DataFrame:
    """Add the official daily bar, the last regular minute and the session's sums."""
    names = ("high", "low", "close", "volume")
    if daily is None or daily.is_empty():
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(f"day_{n}") for n in names)
    else:
        require_columns(daily, ("symbol", "session", *names), name="daily")
        official = daily.select(
            "symbol", "session", *(pl.col(n).cast(pl.Float64).alias(f"day_{n}") for n in names)
        ).unique(subset=["symbol", "session"], keep="last")
        frame = frame.join(official, on=["symbol", "session"], how="left")
    group = ["symbol", "session"]
    regular = pl.when(pl.col("is_regular"))
    return frame.with_columns(
        (
            pl.col("is_regular")
            & (pl.col("bar_start") == regular.then("bar_start").max().over(group))
        ).alias("is_last"),
        regular.then("volume").sum().over(group).alias("minutes_volume"),
        regular.then("bar_start").n_unique().over(group).cast(pl.Int64).alias("minutes_present"),
    ).with_columns(
        # The group of "not regular" counts as one distinct value where there is one.
        (
            pl.col("minutes_present") - (~pl.col("is_regular")).any().over(group).cast(pl.Int64)
        ).alias("minutes_present")
    )


def _with_past(frame: pl.DataFrame) -> pl.DataFrame:
    """Add how a minute stands beside the minutes before it, and beside its peers."""
    group = ["symbol", "session"]
    close = pl.when(pl.col("complete") & (pl.col("close") > 0)).then("close")
    step = (close.log() - close.log().shift(1)).abs()
    frame = frame.with_columns(
        close.rolling_median(5, min_samples=1).shift(1).over(group).alias("reference"),
        (1.4826 * step.rolling_median(30, min_samples=5).shift(1).over(group))
        .clip(lower_bound=_LEAST_SIGMA)
        .alias("sigma"),
        pl.col("volume").rolling_median(30, min_samples=5).shift(1).over(group).alias("usual"),
    )
    up = (pl.col("high") / pl.col("reference")).log()
    down = (pl.col("reference") / pl.col("low")).log()
    frame = frame.with_columns(
        (pl.col("close") / pl.col("reference")).log().alias("deviation"),
        pl.max_horizontal(up, down).alias("reach"),
        pl.when(up >= down).then(1.0).otherwise(-1.0).alias("reach_sign"),
        (pl.col("volume") / pl.col("usual")).alias("volume_ratio"),
    )
    # With one symbol its own move is the median, so peers count from three symbols on.
    crowd = pl.col("symbol").n_unique().over("bar_start") >= 3
    return frame.with_columns(
        pl.when(crowd).then(pl.col("deviation").median().over("bar_start")).alias("peers")
    )
