"""Rules over daily bars, and the judgement they give."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import history, words
from quality.rules.actions import ACTION_RULES
from quality.rules.judge import judge
from quality.rules.missing import absent
from quality.rules.model import Judgement, Rule, Severity
from quality.rules.prepare import facts, session_dates
from quality.rules.words import Row, arrival, day, no_split, price, turnover

DATASET: Final = "daily_bars"

_HAS_PAST: Final = pl.col("reference").is_not_null()
_BAR: Final = ("open", "high", "low", "close", "volume")
_JUMP: Final = (
    "close",
    "reference",
    "move",
    "adjusted_move",
    "sigma",
    "volume_ratio",
    "index_move",
)


def _code(*codes: int) -> pl.Expr:
    return pl.col("code").is_in([float(code) for code in codes])


def _says(row: Row) -> str:
    return (
        f"The bar of {day(row['session'])} arrived with open {price(row['open'])}, "
        f"high {price(row['high'])}, low {price(row['low'])}, close {price(row['close'])}."
    )


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="values_are_present",
        severity=Severity.ERROR,
        meaning="Open, high, low, close and volume are there and are finite numbers.",
        reason="A bar with a hole cannot be priced or ranked; guessing the hole is worse.",
        fails=~pl.col("complete"),
        sentence=lambda row: f"{_says(row)} A price or the volume is missing or is not a number.",
        figures=_BAR,
    ),
    Rule(
        name="keys_are_unique",
        severity=Severity.ERROR,
        meaning="One bar per symbol and session.",
        reason="Two different bars for one session: nobody can say which is true.",
        fails=pl.col("versions") > 1,
        sentence=lambda row: (
            f"{row['versions']} different bars arrived for {day(row['session'])}; this one closes "
            f"at {price(row['close'])}. None is used until a person chooses."
        ),
        figures=(*_BAR, "versions"),
    ),
    Rule(
        name="repeats_are_merged",
        severity=Severity.NOTE,
        meaning="A bar arrives once.",
        reason="An identical repeat says nothing new: it is merged and told.",
        fails=pl.col("copies") > 1,
        sentence=lambda row: (
            f"The bar of {day(row['session'])} arrived {row['copies']} times, identical each time. "
            "The copies were merged."
        ),
        figures=("copies",),
    ),
    Rule(
        name="prices_are_positive",
        severity=Severity.ERROR,
        meaning="All four prices are above zero.",
        reason="A share never trades at zero or less; vendors write zero for 'unknown'.",
        applies=pl.col("complete"),
        fails=~pl.col("positive"),
        sentence=lambda row: f"{_says(row)} A price at or below zero cannot have traded.",
        figures=_BAR,
    ),
    Rule(
        name="volume_is_not_negative",
        severity=Severity.ERROR,
        meaning="Volume is zero or more.",
        reason="Shares traded are counted.",
        applies=pl.col("complete"),
        fails=~pl.col("counted"),
        sentence=lambda row: (
            f"The volume of {day(row['session'])} arrived as {row['volume']:,.0f}. "
            "A count of shares cannot be negative."
        ),
        figures=("volume",),
    ),
    Rule(
        name="prices_are_consistent",
        severity=Severity.ERROR,
        meaning="High is the highest and low the lowest of the four prices.",
        reason="Holds by definition; a hundredth of a cent is allowed for rounding.",
        applies=pl.col("complete"),
        fails=~pl.col("consistent"),
        sentence=lambda row: (
            f"{_says(row)} Open and close must lie between low and high; they do not."
        ),
        figures=_BAR,
    ),
    Rule(
        name="day_is_not_a_weekend",
        severity=Severity.ERROR,
        meaning="No bar is dated on a Saturday or Sunday.",
        reason="The exchange never trades then: dates are shifted or belong to another market.",
        fails=pl.col("is_weekend"),
        sentence=lambda row: (
            f"A bar is dated {day(row['session'])}, a weekend. Its date is likely shifted."
        ),
        figures=("close", "volume"),
    ),
    Rule(
        name="day_is_a_session",
        severity=Severity.ERROR,
        meaning="No bar is dated on an exchange holiday or an unscheduled closure.",
        reason="The exchange was closed: the bar is a fill-in or a shifted date.",
        applies=~pl.col("is_weekend"),
        fails=~pl.col("is_session"),
        sentence=lambda row: f"A bar is dated {day(row['session'])}, when the exchange was closed.",
        figures=("close", "volume"),
    ),
    Rule(
        name="day_is_not_in_the_future",
        severity=Severity.ERROR,
        meaning="No bar is dated after the market's newest session.",
        reason="What has not happened cannot have a price.",
        applies=pl.col("until").is_not_null(),
        fails=pl.col("is_future"),
        sentence=lambda row: (
            f"A bar is dated {day(row['session'])}, but the market's newest session is "
            f"{day(row['until'])}."
        ),
        figures=("close",),
    ),
    Rule(
        name="unit_is_right",
        severity=Severity.ERROR,
        meaning="The close is not off by a power of ten.",
        reason="Within 15 to 25 % of ten, a hundred or a thousand times the last trusted close, "
        "with no split on file and without the volume that a real move of that size draws.",
        applies=_HAS_PAST,
        fails=_code(history.UNIT),
        sentence=lambda row: f"{arrival(row)} {no_split(row)} {words.unit(row)}",
        figures=(*_JUMP, "factor"),
    ),
    Rule(
        name="jump_is_no_unknown_split",
        severity=Severity.ERROR,
        meaning="No overnight jump by a split's ratio without that split on file.",
        reason="Open and close both stand at a usual split ratio of the last close, more than five "
        "robust deviations away, and volume and index do not confirm a real move.",
        applies=_HAS_PAST,
        fails=_code(history.SPLIT_LIKE),
        sentence=lambda row: (
            f"{arrival(row)} {no_split(row)} It looks like a split of "
            f"{words.ratio(1 / row['factor'])} that nobody told us."
        ),
        figures=(*_JUMP, "factor"),
    ),
    Rule(
        name="move_is_explained",
        severity=Severity.ERROR,
        meaning="A move beyond eight robust deviations and 18 % is confirmed by volume or index.",
        reason="Every real move of that size in thirteen years of five shares traded three times "
        "its usual volume or came with the whole market; wrong prices do neither.",
        applies=_HAS_PAST,
        fails=_code(history.UNEXPLAINED),
        sentence=lambda row: (
            f"{arrival(row)} {no_split(row)} {turnover(row)} A move this large should show in "
            "volume or in the market; it looks like a wrong price."
        ),
        figures=_JUMP,
    ),
    Rule(
        name="level_is_explained",
        severity=Severity.ERROR,
        meaning="The price is not still at a level that nobody has explained.",
        reason="The row agrees with a held row before it, so the jump is still open: a split, a "
        "wrong unit. It is released with that row, or when the action arrives.",
        applies=_HAS_PAST,
        fails=_code(history.UNRESOLVED),
        sentence=lambda row: (
            f"{arrival(row)} It stays at the level of a jump that nobody has explained yet."
        ),
        figures=_JUMP,
    ),
    Rule(
        name="new_level_is_believed",
        severity=Severity.WARNING,
        meaning="No new price level had to be believed without an explanation.",
        reason="Five sessions in a row agreed with one another at no known split's ratio.",
        applies=_HAS_PAST,
        fails=_code(history.NEW_LEVEL),
        sentence=lambda row: (
            f"{arrival(row)} Five sessions agree on this level, so it is believed from here on; "
            "the jump itself has no explanation."
        ),
        figures=_JUMP,
    ),
    Rule(
        name="move_is_usual",
        severity=Severity.WARNING,
        meaning="The close moves less than five robust deviations, or less than 8 %.",
        reason="Real events pass, but a person should know of them.",
        applies=_HAS_PAST,
        fails=_code(history.UNUSUAL),
        sentence=lambda row: (
            f"{arrival(row)} {words.market(row)} {turnover(row)} Unusual, and not refused."
        ),
        figures=_JUMP,
    ),
    Rule(
        name="range_is_explained",
        severity=Severity.ERROR,
        meaning="High and low beyond 15 % and eight robust deviations of close and last close are "
        "confirmed by volume or by the market's own range.",
        reason="A single bad print sets a session's high or low and leaves its volume as it was.",
        applies=_HAS_PAST & pl.col("complete"),
        fails=pl.col("reach_code") > 0,
        sentence=lambda row: (
            f"{_says(row)} One of them lies {words.percent(2.718281828 ** row['reach'] - 1)} "
            f"beyond the close and the last trusted close of {price(row['reference'])}. "
            f"{turnover(row)} It looks like a bad tick."
        ),
        figures=(*_BAR, "reference", "reach", "sigma", "volume_ratio"),
    ),
    Rule(
        name="bar_is_not_stale",
        severity=Severity.ERROR,
        meaning="A bar does not repeat all five figures of the bar before it.",
        reason="Four prices and the volume never fall alike on two sessions by chance.",
        applies=_HAS_PAST & (pl.col("volume") > 0),
        fails=pl.col("repeat") > 0,
        sentence=lambda row: (
            f"The bar of {day(row['session'])} repeats the bar before it to the last share: close "
            f"{price(row['close'])}, {words.shares(row['volume'])}. It looks like an old bar sent "
            "again."
        ),
        figures=_BAR,
    ),
    Rule(
        name="prices_moved_with_trades",
        severity=Severity.ERROR,
        meaning="A session without volume has one price only.",
        reason="A range needs at least two trades.",
        applies=pl.col("complete"),
        fails=(pl.col("volume") == 0) & (pl.col("high") > pl.col("low")),
        sentence=lambda row: f"{_says(row)} No share traded, yet the price moved.",
        figures=_BAR,
    ),
    Rule(
        name="shares_were_traded",
        severity=Severity.WARNING,
        meaning="Volume is above zero.",
        reason="A listed share of this universe trades every session.",
        applies=pl.col("complete"),
        fails=(pl.col("volume") == 0) & (pl.col("high") == pl.col("low")),
        sentence=lambda row: (
            f"No share is reported traded on {day(row['session'])}; the price stands at "
            f"{price(row['close'])}."
        ),
        figures=_BAR,
    ),
    Rule(
        name="volume_is_usual",
        severity=Severity.WARNING,
        meaning="Volume is between a fiftieth and fifty times its usual.",
        reason="Beyond that it is more often counted in lots or in another feed than traded.",
        applies=_HAS_PAST & (pl.col("volume") > 0),
        fails=~pl.col("volume_ratio").is_between(0.02, 50.0),
        sentence=lambda row: (
            f"{words.shares(row['volume'])} were traded on {day(row['session'])}, "
            f"{row['volume_ratio']:.3g} times the usual. It may be counted in other units."
        ),
        figures=("volume", "volume_ratio"),
    ),
    *ACTION_RULES,
)


def judge_daily(
    bars: pl.DataFrame,
    *,
    calendar: Calendar,
    previous: pl.DataFrame | None = None,
    actions: pl.DataFrame | None = None,
    index: pl.DataFrame | None = None,
    expected: pl.DataFrame | Sequence[str] | None = None,
    sessions: Sequence[date] | None = None,
    until: date | None = None,
    as_of: datetime | None = None,
) -> Judgement:
    """Judge delivered daily bars row by row.

    Parameters
    ----------
    bars : frame with symbol, session, open, high, low, close, volume and any other columns
        The delivery: unadjusted prices (USD per share), volume in shares.
    calendar : Calendar
        The exchange's sessions.
    previous : frame with the same seven columns, optional
        Rows judged before, about a year per symbol. A column `trusted` (default true) marks
        the held ones false: they measure nothing, yet a jump they began stays open.
    actions : frame with symbol, ex_date, kind, ratio, amount, known_at, optional
    index : frame with session, close and if known high and low, optional
    expected : symbols, or frame with symbol, from_session, to_session, optional
        Who should have delivered; a symbol is due from its first row when nothing is said.
    sessions : dates, optional
        The sessions this delivery covers; the distinct sessions of `bars` otherwise.
    until : date, optional
        The market's newest session; later rows are of the future.
    as_of : aware datetime, optional
        Actions known by then count for every row; otherwise each row knows what its own close
        knew.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing or has a type that cannot be read.
    """
    frame = facts(
        bars, previous=previous, calendar=calendar, actions=actions, index=index, until=until,
        as_of=as_of,
    )  # fmt: skip
    frame = frame.with_columns(
        session_dates(frame["reference_no"], calendar).alias("reference_session")
    )
    due = absent(frame, previous=previous, expected=expected, sessions=sessions, calendar=calendar)
    return judge(frame, dataset=DATASET, rules=RULES, columns=bars.columns, due=due)
