"""Rules over daily bars, and the judgement they give."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import bar, jumps, words
from quality.rules.actions import ACTION_RULES
from quality.rules.crowd import CROWD_RULES
from quality.rules.dating import DATING_RULES
from quality.rules.halts import RESUMED
from quality.rules.judge import judge
from quality.rules.missing import absent
from quality.rules.model import Judgement, Room, Rule, Severity
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
    *bar.rules(says=_says, when=lambda row: day(row["session"]), one="session"),
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
        fails=_code(jumps.UNIT),
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
        fails=_code(jumps.SPLIT_LIKE),
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
        fails=_code(jumps.UNEXPLAINED),
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
        fails=_code(jumps.UNRESOLVED),
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
        fails=_code(jumps.NEW_LEVEL),
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
        fails=_code(jumps.UNUSUAL),
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
        name="close_does_not_revert_alone",
        severity=Severity.ERROR,
        meaning="No close leaps away and comes back within three sessions with nothing behind it.",
        reason="Asked of a whole file only, which shows the return: beyond four deviations no real "
        "close of thirteen years came back so at less than 1.6 times its usual volume.",
        applies=_HAS_PAST & pl.col("whole_file"),
        fails=_code(jumps.SPIKE),
        sentence=lambda row: (
            f"{arrival(row)} The next sessions are back where it was. {turnover(row)} It looks "
            "like a wrong price."
        ),
        figures=_JUMP,
    ),
    Rule(
        name="identity_is_continuous",
        severity=Severity.ERROR,
        meaning="After an absence a symbol comes back near the price and volume it left with.",
        reason="Beyond five deviations over the whole absence, at thrice the price, at a third, or "
        "at six times more or less volume, the symbol is likely another company's.",
        applies=_HAS_PAST,
        fails=_code(jumps.IDENTITY),
        sentence=lambda row: (
            f"{arrival(row)} {row['symbol']} was absent for "
            f"{row['step_no'] - row['reference_no'] - 1:,.0f} sessions. {turnover(row)} The symbol "
            "may have passed to another company; no record says so."
        ),
        figures=_JUMP,
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
        name="liquid_share_was_traded",
        severity=Severity.ERROR,
        meaning="A share that trades every session is not filled in without a trade.",
        reason="With 20,000 shares and 100,000 USD a session and more usual, none at all is a gap "
        "filled in with the last price.",
        applies=_HAS_PAST,
        fails=(pl.col("volume_code") == jumps.UNTRADED) & ~pl.col("halted").fill_null(value=False),
        sentence=lambda row: (
            f"No share is reported traded on {day(row['session'])} at {price(row['close'])}, in a "
            "share that trades every session. It looks like a gap filled in."
        ),
        figures=_BAR,
    ),
    Rule(
        name="volume_is_in_shares",
        severity=Severity.ERROR,
        meaning="A liquid share's volume is not a ninth of its usual or less, nor sixteen "
        "times it in a calm session.",
        reason="No session of the sample comes near: volume so low is counted in lots or by one "
        "thin feed, volume so high without a move in other units.",
        applies=_HAS_PAST & (pl.col("volume") > 0),
        fails=pl.col("volume_code").is_in([float(jumps.THIN), float(jumps.SWOLLEN)]),
        sentence=lambda row: (
            f"{words.shares(row['volume'])} are reported for {day(row['session'])}, "
            f"{row['volume_ratio']:.3g} times the usual, while the price moved as on any day. The "
            "volume looks counted in other units or on another feed."
        ),
        figures=("volume", "volume_ratio", "move", "sigma"),
    ),
    Rule(
        name="volume_is_usual",
        severity=Severity.WARNING,
        meaning="Volume is between a fiftieth and fifty times its usual.",
        reason="Beyond that it is more often counted in lots or in another feed than traded.",
        applies=_HAS_PAST & (pl.col("volume") > 0),
        fails=~pl.col("volume_ratio").is_between(0.02, 50.0) & (pl.col("volume_code") == 0),
        sentence=lambda row: (
            f"{words.shares(row['volume'])} were traded on {day(row['session'])}, "
            f"{row['volume_ratio']:.3g} times the usual. It may be counted in other units."
        ),
        figures=("volume", "volume_ratio"),
    ),
    RESUMED,
    *CROWD_RULES,
    *DATING_RULES,
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
    whole_file: bool = False,
    room: Room | None = None,
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
        bars, previous=previous, calendar=calendar, actions=actions, index=index, until=until,
        as_of=as_of, hindsight=whole_file,
    )  # fmt: skip
    frame = frame.with_columns(
        session_dates(frame["reference_no"], calendar).alias("reference_session")
    )
    due = absent(
        frame, previous=previous, expected=expected, sessions=sessions, calendar=calendar,
        whole_file=whole_file,
    )  # fmt: skip
    return judge(
        frame, dataset=DATASET, rules=_rules(bars), columns=bars.columns, due=due, room=room
    )


def _rules(bars: pl.DataFrame) -> tuple[Rule, ...]:
    """Return the rules that can be asked of the columns of a delivery."""
    return (*RULES, bar.QUOTES_ARE_NOT_CROSSED) if {"bid", "ask"} <= set(bars.columns) else RULES
