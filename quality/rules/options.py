"""Rules over option quotes, and the judgement they give."""

from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import words
from quality.rules.judge import judge
from quality.rules.model import Judgement, Rule, Severity
from quality.rules.option_facts import FIGURES, facts
from quality.rules.words import Row, day, price

DATASET: Final = "options"
# Early exercise, dividends and rates open put-call parity by little within this many days.
PARITY_DAYS: Final = 200
LONGEST_DAYS: Final = 1_200
_FARTHEST_STRIKE: Final = 2.3  # a log: strikes are listed from a tenth to ten times the price


def _says(row: Row) -> str:
    return (
        f"The {row['right']} on {row['symbol']} at {price(row['strike'])}, expiring "
        f"{day(row['expiry'])} {row['expiry'].year}, was quoted {price(row['bid'])} bid, "
        f"{price(row['ask'])} asked on {day(row['session'])}."
    )


_FIGURES: Final = ("strike", "bid", "ask", "last", "underlying_price", "right")

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="values_are_present",
        severity=Severity.ERROR,
        meaning="A quote names expiry, strike and right, and has a price.",
        reason="Without them nobody knows what is quoted.",
        fails=~pl.col("complete"),
        sentence=lambda row: (
            f"A quote on {row['symbol']} of {day(row['session'])} is not whole: "
            f"expiry {row['expiry']}, strike {row['strike']}, right {row['right']}, "
            f"bid {row['bid']}, ask {row['ask']}."
        ),
        figures=_FIGURES,
    ),
    Rule(
        name="keys_are_unique",
        severity=Severity.ERROR,
        meaning="One quote per contract and session.",
        reason="Two different quotes of one contract: nobody can say which is true.",
        fails=pl.col("versions") > 1,
        sentence=lambda row: f"{_says(row)} {row['versions']} different quotes arrived.",
        figures=(*_FIGURES, "versions"),
    ),
    Rule(
        name="repeats_are_merged",
        severity=Severity.NOTE,
        meaning="A quote arrives once.",
        reason="An identical repeat says nothing new: it is merged and told.",
        fails=pl.col("copies") > 1,
        sentence=lambda row: f"{_says(row)} It arrived {row['copies']} times; merged.",
        figures=("copies",),
    ),
    Rule(
        name="prices_are_not_negative",
        severity=Severity.ERROR,
        meaning="Bid, ask, last, volume and open interest are not negative; strike is above zero.",
        reason="An option is a right and never costs less than nothing.",
        applies=pl.col("complete"),
        fails=pl.any_horizontal(pl.col(name) < 0 for name in FIGURES) | (pl.col("strike") <= 0),
        sentence=lambda row: f"{_says(row)} A figure is below zero.",
        figures=(*_FIGURES, "volume", "open_interest"),
    ),
    Rule(
        name="quotes_are_not_crossed",
        severity=Severity.ERROR,
        meaning="The bid does not lie above the ask.",
        reason="Two people who would trade have traded: a crossed quote is stale or swapped.",
        applies=pl.col("complete"),
        fails=(pl.col("ask") > 0) & (pl.col("bid") > pl.col("ask")),
        sentence=lambda row: f"{_says(row)} A bid above the ask would have traded.",
        figures=_FIGURES,
    ),
    Rule(
        name="option_is_alive",
        severity=Severity.ERROR,
        meaning="A quote is not of a day after its expiry.",
        reason="The right is gone.",
        applies=pl.col("complete"),
        fails=pl.col("expiry") < pl.col("session"),
        sentence=lambda row: f"{_says(row)} The option had expired.",
        figures=("expiry",),
    ),
    Rule(
        name="expiry_is_listed",
        severity=Severity.ERROR,
        meaning="An option expires on a weekday, within about three years.",
        reason="Contracts expire on sessions; before 2015 some were dated the Saturday after.",
        applies=pl.col("complete"),
        fails=(pl.col("expiry").dt.weekday() == 7)
        | ((pl.col("expiry").dt.weekday() == 6) & (pl.col("expiry").dt.year() > 2015))
        | (pl.col("days") > LONGEST_DAYS),
        sentence=lambda row: f"{_says(row)} No such expiry is listed.",
        figures=("expiry", "days"),
    ),
    Rule(
        name="day_is_a_session",
        severity=Severity.ERROR,
        meaning="A quote is of a session of the exchange.",
        reason="The exchange was closed: the quote is a fill-in or has a shifted date.",
        fails=~pl.col("is_session"),
        sentence=lambda row: (
            f"A quote is dated {day(row['session'])}, when the exchange was closed."
        ),
    ),
    Rule(
        name="day_is_not_in_the_future",
        severity=Severity.ERROR,
        meaning="No quote is dated after the market's newest session.",
        reason="What has not happened cannot have a price.",
        applies=pl.col("until").is_not_null(),
        fails=pl.col("session") > pl.col("until"),
        sentence=lambda row: (
            f"A quote is dated {day(row['session'])}, but the market's newest "
            f"session is {day(row['until'])}."
        ),
    ),
    Rule(
        name="underlying_is_one_price",
        severity=Severity.ERROR,
        meaning="All quotes of a session carry one price of their share.",
        reason="Ten per cent from the median of the chain is no difference of seconds.",
        applies=pl.col("chain_price").is_not_null() & (pl.col("underlying_price") > 0),
        fails=(pl.col("underlying_price") / pl.col("chain_price")).log().abs() > 0.1,
        sentence=lambda row: (
            f"{_says(row)} Its share is given as "
            f"{price(row['underlying_price'])}, the rest of the chain says "
            f"{price(row['chain_price'])}."
        ),
        figures=("underlying_price", "chain_price"),
    ),
    Rule(
        name="strike_is_of_its_share",
        severity=Severity.ERROR,
        meaning="A strike lies between a tenth and ten times the share's price.",
        reason="Others are not listed: the strike is in another unit or not adjusted for a split.",
        applies=pl.col("spot").is_not_null() & (pl.col("strike") > 0),
        fails=(pl.col("strike") / pl.col("spot")).log().abs() > _FARTHEST_STRIKE,
        sentence=lambda row: (
            f"{_says(row)} The share stood at {price(row['spot'])}; the strike "
            "looks wrong by a unit or a split."
        ),
        figures=("strike", "spot"),
    ),
    Rule(
        name="ask_covers_intrinsic_value",
        severity=Severity.ERROR,
        meaning="An option is not offered below what its exercise brings.",
        reason="Two per cent of the share and five cents are allowed for quotes of different "
        "seconds; beyond that the quote, the strike or the share's price is wrong.",
        applies=pl.col("spot").is_not_null() & pl.col("complete") & (pl.col("ask") > 0),
        fails=pl.col("ask") < pl.col("intrinsic") - pl.col("slack"),
        sentence=lambda row: (
            f"{_says(row)} Exercise brings {price(row['intrinsic'])} with the "
            f"share at {price(row['spot'])}."
        ),
        figures=(*_FIGURES, "spot", "intrinsic"),
    ),
    Rule(
        name="option_costs_less_than_its_bound",
        severity=Severity.ERROR,
        meaning="A call costs less than its share, a put less than its strike.",
        reason="Nobody pays more for the right than for the thing.",
        applies=pl.col("spot").is_not_null() & pl.col("complete"),
        fails=pl.col("bid") > pl.col("bound") + pl.col("slack"),
        sentence=lambda row: f"{_says(row)} It cannot be worth more than {price(row['bound'])}.",
        figures=(*_FIGURES, "spot", "bound"),
    ),
    Rule(
        name="price_follows_the_strike",
        severity=Severity.ERROR,
        meaning="The higher the strike the cheaper a call, and the dearer a put.",
        reason="It is bid above what both contracts beside it that are worth more are offered for, "
        "or offered below what is bid for both that are worth less, by 2 % of the strike and "
        "more: its strike, its side or its quote is wrong.",
        applies=pl.col("off_ladder").is_not_null(),
        fails=pl.col("off_ladder"),
        sentence=lambda row: (
            f"{_says(row)} The contracts of the next strikes cost less where they must cost more, "
            "or more where they must cost less."
        ),
        figures=_FIGURES,
    ),
    Rule(
        name="calls_and_puts_agree",
        severity=Severity.ERROR,
        meaning="Call less put is share less strike, within 6 % of the share and both spreads.",
        reason="Put-call parity holds up to rates, dividends and early exercise, which are smaller "
        "within 200 days. The side whose own time value is out of line is held.",
        applies=pl.col("parity").is_not_null() & (pl.col("days") <= PARITY_DAYS),
        fails=(pl.col("parity").abs() > pl.col("parity_slack")) & pl.col("is_odd_side"),
        sentence=lambda row: (
            f"{_says(row)} With its counterpart it breaks put-call parity by "
            f"{price(abs(row['parity']))}, the share at {price(row['spot'])}."
        ),
        figures=(*_FIGURES, "spot", "parity", "parity_slack"),
    ),
    Rule(
        name="quote_is_not_stale",
        severity=Severity.ERROR,
        meaning="A quote changes when its share and its chain do.",
        reason="Bid and ask stood unchanged while the share moved by 1 % and the strikes beside by "
        "more than two spreads; or most of an expiry's rights in the money did, though half the "
        "share's move is two ticks and more; or a whole chain has the volume and open interest of "
        "the session before.",
        applies=pl.col("is_stale").is_not_null(),
        fails=pl.col("is_stale"),
        sentence=lambda row: (
            f"{_says(row)} The quote is that of the session before, though the "
            f"share moved {words.percent(row['share_move'] or 0.0)}."
        ),
        figures=(*_FIGURES, "spot", "share_move"),
    ),
    Rule(
        name="sides_are_not_exchanged",
        severity=Severity.ERROR,
        meaning="A chain's calls are its calls, and its puts its puts.",
        reason="Put-call parity fails for six of ten strikes of an expiry and holds for them with "
        "calls and puts exchanged.",
        applies=pl.col("is_exchanged").is_not_null(),
        fails=pl.col("is_exchanged"),
        sentence=lambda row: (
            f"{_says(row)} With the share at {price(row['spot'])} the calls and puts of this "
            "expiry look exchanged."
        ),
        figures=(*_FIGURES, "spot"),
    ),
    Rule(
        name="share_price_fits_its_options",
        severity=Severity.ERROR,
        meaning="The share's price is the one that its calls and puts agree on, within a tenth.",
        reason="Five pairs and more that expire within three weeks agree on another price: that of "
        "another day, unit or share stands beside them.",
        applies=pl.col("implied").is_not_null() & pl.col("spot").is_not_null(),
        fails=(pl.col("spot") / pl.col("implied")).log().abs() > 0.1,
        sentence=lambda row: (
            f"{_says(row)} The share is given at {price(row['spot'])}, its calls and puts agree on "
            f"{price(row['implied'])}."
        ),
        figures=(*_FIGURES, "spot", "implied"),
    ),
    Rule(
        name="strike_follows_a_split",
        severity=Severity.ERROR,
        meaning="After a split the strikes listed before it are divided by its ratio.",
        reason="A contract listed before the split keeps its old strike after it.",
        applies=pl.col("split_since").is_not_null(),
        fails=pl.col("listed_before"),
        sentence=lambda row: (
            f"{_says(row)} The share split {words.ratio(row['split_since'])} "
            "since this contract was listed, and its strike did not follow."
        ),
        figures=("strike", "split_since", "spot"),
    ),
)


def judge_options(
    quotes: pl.DataFrame,
    *,
    calendar: Calendar,
    actions: pl.DataFrame | None = None,
    closes: pl.DataFrame | None = None,
    until: date | None = None,
) -> Judgement:
    """Judge delivered option quotes row by row.

    Parameters
    ----------
    quotes : frame with symbol (of the share), session, expiry, strike, right, bid, ask
        `right` is call or put; last, volume, open_interest and underlying_price if known.
    calendar : Calendar
        The exchange's sessions.
    actions : frame with symbol, ex_date, kind, ratio, amount, known_at, optional
        Splits that strikes must follow.
    closes : frame with symbol, session, close, optional
        The shares' prices, where the quotes do not carry them.
    until : date, optional
        The market's newest session; later rows are of the future.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing or has a type that cannot be read.
    """
    frame = facts(quotes, calendar=calendar, actions=actions, closes=closes, until=until)
    due = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date})
    columns = [name for name in quotes.columns if name in frame.columns]
    return judge(
        frame,
        dataset=DATASET,
        rules=[replace(rule, figures=_named(rule)) for rule in RULES],
        columns=columns,
        due=due,
    )


def _named(rule: Rule) -> tuple[str, ...]:
    """Return the figures of a rule after those that name the contract."""
    contract = ("expiry", "strike", "right")
    return (*contract, *(name for name in rule.figures if name not in contract))
