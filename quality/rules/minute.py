"""Rules over the minute bars of a session, and the judgement they give."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from quality.calendar import Calendar
from quality.rules import bar, jumps, words
from quality.rules.judge import judge
from quality.rules.minute_facts import NEW_YORK, facts
from quality.rules.minute_levels import LEVEL_RULES
from quality.rules.minute_nights import NIGHT_RULES
from quality.rules.minute_order import PATH_RULES
from quality.rules.minute_sessions import SESSION_RULES
from quality.rules.missing import absent
from quality.rules.model import Judgement, Room, Rule, Severity
from quality.rules.words import Row, percent, price

DATASET: Final = "minute_bars"
_NEW_YORK: Final = ZoneInfo(NEW_YORK)
_FIGURES: Final = bar.FIGURES

_HAS_PAST: Final = pl.col("reference").is_not_null()
_TICKS: Final = (
    jumps.SPLIT_LIKE, jumps.UNEXPLAINED, jumps.PHANTOM, jumps.INVERTED, jumps.SPIKE, jumps.IDENTITY,
)  # fmt: skip
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


def _furthest(row: Row) -> str:
    return percent(math.expm1(max(row["reach"], abs(row["move"]))))


def _trusted(row: Row) -> str:
    return "first" if row["reference_no"] > row["step_no"] else "last"


def _hours(row: Row) -> str:
    if row["opens_at"] is None:
        return f"{words.day(row['session'])} is no session of the exchange."
    return f"That session ran from {row['opens_at']:%H:%M} to {row['closes_at']:%H:%M}."


def _shifted(row: Row) -> str:
    side = "after" if row["shift"] > 0 else "before"
    if row["is_part"]:
        moved = "late" if row["shift"] > 0 else "early"
        return (
            f"The minutes of {row['symbol']} {side} a hole as long lie {abs(row['shift'])} minutes "
            f"{moved}"
        )
    return f"All minutes of {row['symbol']} lie {abs(row['shift'])} minutes {side} it"


def _outside(row: Row) -> str:
    first, last = row["new_york"], row["until"].astimezone(_NEW_YORK)
    if row["failing"] == 1:
        return f"One minute, {first:%H:%M}, lies"
    return f"{row['failing']:,} minutes from {first:%H:%M} to {last:%H:%M} lie"


RULES: Final[tuple[Rule, ...]] = (
    *bar.rules(says=_bar, when=_clock, one="minute"),
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
        sentence=lambda row: (
            f"{_outside(row)} outside the regular hours of {words.day(row['session'])}. "
            f"{_hours(row)}"
        ),
        figures=("failing", "until"),
        told_once=True,
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
        name="time_zone_is_right",
        severity=Severity.ERROR,
        meaning="A session's minutes do not all lie apart from it by the same hours.",
        reason="Asked of a whole file only: first and last minute are off by the same whole half "
        "hours, or one of them is by as much as the session has a hole, so the stamps are of "
        "another time zone.",
        applies=pl.col("whole_file") & pl.col("opens").is_not_null(),
        fails=pl.col("shift").is_not_null(),
        sentence=lambda row: (
            f"A bar is stamped {_clock(row)}, New York time. {_hours(row)} {_shifted(row)}: the "
            "time zone looks wrong."
        ),
        figures=("shift",),
    ),
    Rule(
        name="minute_ends_with_its_session",
        severity=Severity.ERROR,
        meaning="No minute stands alone outside the session, nor goes on after an early close.",
        reason="Asked of a whole file only: fewer than 2 % of its bars lie outside regular hours, "
        "so it holds regular hours and these are stray; or the minutes go on unbroken to the "
        "usual close of a half-day.",
        applies=pl.col("whole_file") & pl.col("is_tradable") & ~pl.col("is_regular"),
        fails=pl.col("is_stray") | pl.col("goes_on"),
        sentence=lambda row: (
            f"A bar is stamped {_clock(row)}, New York time, in a file of regular hours. "
            f"{_hours(row)}"
        ),
    ),
    Rule(
        name="minute_is_no_bad_tick",
        severity=Severity.ERROR,
        meaning="A move beyond ten robust deviations and 4 % from the last trusted minute is "
        "confirmed by volume or by the other symbols of that minute.",
        reason="Bad ticks come alone and with the usual volume; real moves of that size do not. In "
        "a whole file eight deviations and 0.8 % that the next minutes take back are enough, and "
        "for a first or last minute 4 %, whatever its auction trades; a level that comes with the "
        "end of a halt and stays is none.",
        applies=_HAS_PAST & pl.col("complete"),
        fails=(
            pl.col("code").is_in([float(code) for code in _TICKS])
            & ~pl.col("reopens")
            & pl.col("untold_split").is_null()
        )
        | (pl.col("reach_code") > 0)
        | pl.col("is_lone_end").fill_null(value=False),
        sentence=lambda row: (
            f"{_bar(row)} One of them lies {_furthest(row)} away from {price(row['reference'])}, "
            f"the {_trusted(row)} trusted minute, at "
            f"{row['volume_ratio'] or 0.0:.1f} times the usual volume; the other symbols did "
            "not move so. It looks like a bad tick."
        ),
        figures=(*_FIGURES, "reference", "reach", "sigma", "volume_ratio", "index_move"),
    ),
    Rule(
        name="unit_is_right",
        severity=Severity.ERROR,
        meaning="The close is not off by a power of ten.",
        reason="Within 15 to 25 % of ten, a hundred or a thousand times the last trusted close, "
        "without the volume that a real move of that size draws.",
        applies=_HAS_PAST,
        fails=pl.col("code") == float(jumps.UNIT),
        sentence=lambda row: f"{_bar(row)} {words.unit(row)}",
        figures=(*_FIGURES, "reference", "factor"),
    ),
    Rule(
        name="level_is_explained",
        severity=Severity.ERROR,
        meaning="The price is not still at a level that nobody has explained.",
        reason="The minute agrees with a held one before it, so the jump is still open.",
        applies=_HAS_PAST,
        fails=pl.col("code") == float(jumps.UNRESOLVED),
        sentence=lambda row: (
            f"{_bar(row)} It stays at the level of a jump from {price(row['reference'])} that "
            "nobody has explained yet."
        ),
        figures=(*_FIGURES, "reference"),
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
    *SESSION_RULES,
    *PATH_RULES,
    *LEVEL_RULES,
    *NIGHT_RULES,
)


def judge_minutes(
    bars: pl.DataFrame,
    *,
    calendar: Calendar,
    daily: pl.DataFrame | None = None,
    expected: pl.DataFrame | Sequence[str] | None = None,
    sessions: Sequence[date] | None = None,
    now: datetime | None = None,
    actions: pl.DataFrame | None = None,
    whole_file: bool = False,
    room: Room | None = None,
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
    actions : frame with symbol, ex_date, kind, ratio, amount, known_at, optional
        Splits that a delivery of several sessions runs over.
    whole_file : bool
        Whether `bars` is a whole file, of which later rows may explain earlier ones. The gate of
        the pipeline leaves it false: then nothing looks ahead.
    room : callable, optional
        How many findings of a rule may be made; all are counted.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing or has a type that cannot be read.
    """
    frame = facts(
        bars, calendar=calendar, daily=daily, actions=actions, now=now, whole_file=whole_file
    )
    due = absent(
        frame, previous=None, expected=expected, sessions=sessions, calendar=calendar,
        whole_file=whole_file,
    )  # fmt: skip
    return judge(frame, dataset=DATASET, rules=RULES, columns=bars.columns, due=due, room=room)
