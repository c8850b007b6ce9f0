"""Rules over option quotes, and the judgement they give."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import words
from quality.rules.judge import judge
from quality.rules.known import effective
from quality.rules.model import (
    Judgement,
    Rule,
    Severity,
    UnreadableDeliveryError,
    require_columns,
)
from quality.rules.words import Row, day, price

DATASET: Final = "options"
KEY: Final = ("symbol", "session", "expiry", "strike", "right")
FIGURES: Final = ("bid", "ask", "last", "volume", "open_interest", "underlying_price")
_CONTRACT: Final = ("symbol", "expiry", "strike", "right")

# Quotes of option and share are not of the same second: this share of the share's price is let.
SLACK: Final = 0.02
LEAST_SLACK: Final = 0.05  # USD
# Early exercise, dividends and rates open put-call parity by little within this many days.
PARITY_DAYS: Final = 200
PARITY_SLACK: Final = 0.06
# An unchanged quote while the share moved by this much is stale.
STALE_MOVE: Final = 0.01
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
        meaning="A quote changes when its share has moved for two sessions.",
        reason="Bid and ask stood unchanged, well above zero, while the share moved by more than "
        "1 % and the option is worth some of it.",
        applies=pl.col("unchanged").is_not_null() & pl.col("spot").is_not_null(),
        fails=(pl.col("unchanged") >= 1)
        & (pl.col("share_move").abs() > STALE_MOVE)
        & (pl.col("bid") > 0.03 * pl.col("spot")),
        sentence=lambda row: (
            f"{_says(row)} The quote is that of the session before, though the "
            f"share moved {words.percent(row['share_move'])}."
        ),
        figures=(*_FIGURES, "spot", "share_move"),
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
    frame = _merged(_typed(quotes))
    frame = _with_place(frame, calendar, until)
    frame = _with_spot(frame, closes)
    frame = _with_parity(frame)
    frame = _with_past(frame, actions)
    due = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date})
    columns = [name for name in quotes.columns if name in frame.columns]
    return judge(
        frame.sort("symbol", "session", maintain_order=True),
        dataset=DATASET,
        rules=[replace(rule, figures=_named(rule)) for rule in RULES],
        columns=columns,
        due=due,
    )  # fmt: skip


def _named(rule: Rule) -> tuple[str, ...]:
    """Return the figures of a rule after those that name the contract."""
    contract = ("expiry", "strike", "right")
    return (*contract, *(name for name in rule.figures if name not in contract))


def _typed(quotes: pl.DataFrame) -> pl.DataFrame:
    require_columns(quotes, (*KEY, "bid", "ask"), name="quotes")
    kinds: dict[str, Any] = {"symbol": pl.String, "session": pl.Date, "expiry": pl.Date}
    kinds |= {"strike": pl.Float64, "right": pl.String}
    kinds |= dict.fromkeys(FIGURES, pl.Float64)
    absent = [pl.lit(None, dtype=kinds[n]).alias(n) for n in kinds if n not in quotes.columns]
    try:
        frame = quotes.with_columns(absent).with_columns(
            pl.col(name).cast(kind) for name, kind in kinds.items()
        )
    except pl.exceptions.PolarsError as e:
        raise UnreadableDeliveryError(f"`quotes` cannot be read: {e}. Convert it first.") from e
    word = pl.col("right").str.to_lowercase().str.slice(0, 1)
    return frame.with_columns(
        pl.when(word == "c").then(pl.lit("call")).when(word == "p").then(pl.lit("put"))
        .alias("right")
    )  # fmt: skip


def _merged(frame: pl.DataFrame) -> pl.DataFrame:
    whole = [*KEY, *FIGURES]
    figures = pl.all_horizontal(pl.col(n).is_not_null() for n in ("expiry", "strike", "right"))
    quoted = pl.col("bid").is_finite() & pl.col("ask").is_finite() & pl.col("strike").is_finite()
    return (
        frame.with_columns(pl.len().over(whole).cast(pl.Int64).alias("copies"))
        .unique(subset=whole, keep="first", maintain_order=True)
        .with_columns(
            pl.len().over(KEY).cast(pl.Int64).alias("versions"),
            (figures & quoted).fill_null(value=False).alias("complete"),
        )
    )


def _with_place(frame: pl.DataFrame, calendar: Calendar, until: date | None) -> pl.DataFrame:
    days = frame["session"].unique().drop_nulls().to_list()
    sessions = [day for day in days if calendar.is_session(day)]
    return frame.with_columns(
        pl.col("session").is_in(sessions).alias("is_session"),
        (pl.col("expiry") - pl.col("session")).dt.total_days().alias("days"),
        pl.lit(until, dtype=pl.Date).alias("until"),
    )


def _with_spot(frame: pl.DataFrame, closes: pl.DataFrame | None) -> pl.DataFrame:
    """Add the share's price: the median that the chain carries, else its close."""
    group = ["symbol", "session"]
    positive = pl.when(pl.col("underlying_price") > 0).then("underlying_price")
    frame = frame.with_columns(positive.median().over(group).alias("chain_price"))
    if closes is not None and not closes.is_empty():
        beside = closes.select(*group, pl.col("close").cast(pl.Float64).alias("_close"))
        frame = frame.join(
            beside.unique(group, keep="last"), on=group, how="left", maintain_order="left"
        )
    else:
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias("_close"))
    frame = frame.with_columns(pl.coalesce("chain_price", "_close").alias("spot")).drop("_close")
    is_call = pl.col("right") == "call"
    worth = pl.when(is_call).then(pl.col("spot") - pl.col("strike")).otherwise(
        pl.col("strike") - pl.col("spot")
    )  # fmt: skip
    return frame.with_columns(
        worth.clip(0.0).alias("intrinsic"),
        pl.when(is_call).then("spot").otherwise("strike").alias("bound"),
        (SLACK * pl.col("spot")).clip(LEAST_SLACK).alias("slack"),
        ((pl.col("bid") + pl.col("ask")) / 2).alias("middle"),
    )


def _with_parity(frame: pl.DataFrame) -> pl.DataFrame:
    """Add how far a pair of call and put is from parity, and which of the two is odd.

    The odd side is the one whose time value is further from that of the strikes beside it.
    """
    quoted = pl.col("complete") & (pl.col("ask") >= pl.col("bid")) & (pl.col("bid") >= 0)
    sides = ["symbol", "session", "expiry", "strike"]
    value = (pl.col("middle") - pl.col("intrinsic")).alias("time_value")
    chain = ["symbol", "session", "expiry", "right"]
    ordered = frame.with_columns(value).with_row_index("_row").sort(*chain, "strike")
    beside = pl.col("time_value").rolling_median(5, min_samples=3, center=True).over(chain)
    ordered = ordered.with_columns((pl.col("time_value") - beside).abs().alias("_odd"))
    other = ordered.filter(quoted & (pl.col("versions") == 1)).select(
        *sides,
        pl.when(pl.col("right") == "call")
        .then(pl.lit("put"))
        .otherwise(pl.lit("call"))
        .alias("right"),
        pl.col("middle").alias("_middle"),
        (pl.col("ask") - pl.col("bid")).alias("_spread"),
        pl.col("_odd").alias("_other_odd"),
    )
    joined = ordered.join(
        other.unique([*sides, "right"], keep="first"), on=[*sides, "right"], how="left"
    ).sort("_row")
    sign = pl.when(pl.col("right") == "call").then(1.0).otherwise(-1.0)
    parity = sign * (pl.col("middle") - pl.col("_middle")) - (pl.col("spot") - pl.col("strike"))
    spreads = (pl.col("ask") - pl.col("bid")) + pl.col("_spread")
    odd = pl.col("_odd").fill_null(0.0) >= pl.col("_other_odd").fill_null(0.0)
    return joined.with_columns(
        pl.when(quoted).then(parity).alias("parity"),
        (PARITY_SLACK * pl.col("spot") + spreads).alias("parity_slack"),
        odd.alias("is_odd_side"),
    ).drop("_row", "_middle", "_spread", "_odd", "_other_odd")


def _with_past(frame: pl.DataFrame, actions: pl.DataFrame | None) -> pl.DataFrame:
    """Add whether a quote is the one before it, and whether its strike outlived a split."""
    same = pl.all_horizontal(pl.col(n) == pl.col(n).shift(1) for n in _CONTRACT)
    near = (pl.col("session") - pl.col("session").shift(1)).dt.total_days() <= 5
    still = (pl.col("bid") == pl.col("bid").shift(1)) & (pl.col("ask") == pl.col("ask").shift(1))
    frame = frame.sort(*_CONTRACT, "session").with_columns(
        pl.when(same & near).then(still.cast(pl.Int64)).alias("unchanged"),
        pl.when(same & near)
        .then((pl.col("spot") / pl.col("spot").shift(1)).log())
        .alias("share_move"),
        pl.col("session").min().over(_CONTRACT).alias("_listed"),
    )
    none = [
        pl.lit(None, dtype=pl.Float64).alias("split_since"),
        pl.lit(value=False).alias("listed_before"),
    ]
    if actions is None or actions.is_empty():
        return frame.with_columns(none).drop("_listed")
    splits = effective(actions, as_of=None).filter(pl.col("log_ratio").abs() > 1e-9)
    told = splits.sort("effective").select(
        "symbol", pl.col("effective").alias("_split_on"), pl.col("log_ratio").exp().alias("_ratio")
    )
    frame = frame.sort("session").join_asof(
        told, left_on="session", right_on="_split_on", by="symbol", strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    return frame.with_columns(
        pl.col("_ratio").alias("split_since"),
        ((pl.col("_listed") < pl.col("_split_on")) & (pl.col("expiry") > pl.col("_split_on")))
        .fill_null(value=False)
        .alias("listed_before"),
    ).drop("_listed", "_split_on", "_ratio")
