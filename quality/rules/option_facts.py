"""From delivered option quotes to the frame that the option rules read."""

from datetime import date
from typing import Any, Final

import polars as pl

from quality.calendar import Calendar
from quality.rules.known import effective
from quality.rules.model import UnreadableDeliveryError, require_columns
from quality.rules.option_stale import with_stale

KEY: Final = ("symbol", "session", "expiry", "strike", "right")
FIGURES: Final = ("bid", "ask", "last", "volume", "open_interest", "underlying_price")
_CONTRACT: Final = ("symbol", "expiry", "strike", "right")

# Quotes of option and share are not of the same second: this share of the share's price is let.
SLACK: Final = 0.02
LEAST_SLACK: Final = 0.05  # USD
# What cannot be exercised early costs less than exercise brings: by no more a year than these.
MOST_RATE: Final = 0.07
MOST_PAID: Final = 0.04
DEEP: Final = 0.1  # in the money, as a share of the price, so many quotes of which tell
DEEP_LEAST: Final = 3
# Early exercise, dividends and rates open put-call parity by little.
PARITY_SLACK: Final = 0.06
PARITY_YEAR: Final = 366  # days
# So many pairs of call and put, and this share of them, tell that the sides were exchanged.
SWAPPED_LEAST: Final = 3
SWAPPED: Final = 0.6
# Of so many pairs within these days, whose share's price agrees within this, parity tells it: what
# borrowing a share costs is less there than a tenth of it.
IMPLIED_LEAST: Final = 5
IMPLIED_DAYS: Final = 20
IMPLIED_SPREAD: Final = 0.02


def facts(
    quotes: pl.DataFrame,
    *,
    calendar: Calendar,
    actions: pl.DataFrame | None,
    closes: pl.DataFrame | None,
    until: date | None,
) -> pl.DataFrame:
    """Return the delivered quotes with everything a rule asks of them beside them."""
    frame = _merged(_typed(quotes))
    frame = _with_place(frame, calendar, until)
    frame = _with_ladder(_with_carry(_with_spot(frame, closes)))
    frame = _with_pairs(_with_parity(frame))
    return with_stale(_with_past(frame, actions)).sort("symbol", "session", maintain_order=True)


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


def _with_carry(frame: pl.DataFrame) -> pl.DataFrame:
    """Widen the slack of chains that cannot be exercised early, as those of an index.

    Their options in the money are worth less than exercise would bring, by the rate on the strike
    or by the dividends: all of them, and by no more than that.
    """
    years = pl.col("days").clip(0) / 365.0
    is_call = pl.col("right") == "call"
    carry = pl.when(is_call).then(pl.col("spot") * (1 - (-MOST_PAID * years).exp())).otherwise(
        pl.col("strike") * (1 - (-MOST_RATE * years).exp())
    )  # fmt: skip
    short = pl.col("intrinsic") - pl.col("middle")
    deep = (pl.col("intrinsic") > DEEP * pl.col("spot")) & pl.col("complete")
    chain = ["symbol", "session", "expiry", "right"]
    of_deep = pl.when(deep).then((short > 0) & (short <= carry + pl.col("slack")))
    late = (of_deep.mean().over(chain) > 0.5) & (of_deep.count().over(chain) >= DEEP_LEAST)
    return frame.with_columns(
        (pl.col("slack") + pl.when(late).then(carry).otherwise(0.0)).alias("slack")
    )


def _with_ladder(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `off_ladder`: dearer than both rights beside it worth more, or cheaper than both less.

    The higher its strike the less a call is worth, and the more a put.
    """
    chain = ["symbol", "session", "expiry", "right"]
    fall = pl.when(pl.col("right") == "call").then(pl.col("strike")).otherwise(-pl.col("strike"))
    ordered = frame.with_row_index("_row").with_columns(fall.alias("_fall")).sort(*chain, "_fall")
    sound = pl.col("complete") & (pl.col("versions") == 1) & (pl.col("ask") > 0)
    bid, ask = (pl.when(sound).then(pl.col(name)) for name in ("bid", "ask"))
    asked = [ask.shift(n).over(chain) for n in (1, 2)]
    offered = [bid.shift(-n).over(chain) for n in (1, 2)]
    slack = (SLACK * pl.col("strike").median().over(chain)).clip(2 * LEAST_SLACK)
    dear = pl.all_horizontal(bid > one + slack for one in asked)
    cheap = pl.all_horizontal(ask < one - slack for one in offered)
    told = ordered.with_columns(
        pl.when(sound)
        .then(dear.fill_null(value=False) | cheap.fill_null(value=False))
        .alias("off_ladder")
    )
    return told.sort("_row").drop("_row", "_fall")


def _with_parity(frame: pl.DataFrame) -> pl.DataFrame:
    """Add how far a pair of call and put is from parity, and which of the two is odd.

    The odd side is the one whose time value is further from that of the strikes beside it.
    """
    quoted = pl.col("complete") & (pl.col("ask") >= pl.col("bid")) & (pl.col("bid") >= 0)
    # A quote beyond what any right can cost says nothing of its counterpart.
    possible = pl.col("bid") <= pl.col("bound") + pl.col("slack")
    possible &= pl.col("ask") >= pl.col("intrinsic") - pl.col("slack")
    sides = ["symbol", "session", "expiry", "strike"]
    value = (pl.col("middle") - pl.col("intrinsic")).alias("time_value")
    chain = ["symbol", "session", "expiry", "right"]
    ordered = frame.with_columns(value).with_row_index("_row").sort(*chain, "strike")
    beside = pl.col("time_value").rolling_median(5, min_samples=3, center=True).over(chain)
    ordered = ordered.with_columns((pl.col("time_value") - beside).abs().alias("_odd"))
    other = ordered.filter(quoted & possible & (pl.col("versions") == 1)).select(
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


def _with_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what calls and puts of one strike say together of their chain.

    `is_exchanged`: parity holds with the sides exchanged only. `implied`: the share's price by the
    pairs that expire soon, where they agree.
    """
    pairs = _pairs(frame)
    chain = ["symbol", "session", "expiry"]
    apart, slack = pl.col("spot") - pl.col("strike"), pl.col("_slack")
    tells = (apart.abs() > slack) & (pl.col("days") <= PARITY_YEAR)
    only = ((pl.col("_less") - apart).abs() > slack) & ((pl.col("_less") + apart).abs() <= slack)
    exchanged = (
        pairs.filter(tells)
        .group_by(chain)
        .agg(((pl.len() >= SWAPPED_LEAST) & (only.mean() >= SWAPPED)).alias("is_exchanged"))
    )
    implied = pl.col("strike") + pl.col("_less")
    middle = implied.median()
    agree = (implied / middle - 1).abs().median() < IMPLIED_SPREAD
    soon = (
        pairs.join(exchanged.filter("is_exchanged"), on=chain, how="anti")
        .filter(pl.col("days").is_between(1, IMPLIED_DAYS))
        .group_by(chain[:2])
        .agg(pl.when((pl.len() >= IMPLIED_LEAST) & agree).then(middle).alias("implied"))
    )
    return frame.join(exchanged, on=chain, how="left", maintain_order="left").join(
        soon, on=chain[:2], how="left", maintain_order="left"
    )


def _pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Return each strike with both sides: call less put, and what parity may miss it by."""
    sides = ["symbol", "session", "expiry", "strike"]
    quoted = pl.col("complete") & (pl.col("bid") > 0) & (pl.col("ask") >= pl.col("bid"))
    sound = frame.filter(quoted & (pl.col("versions") == 1) & (pl.col("spot") > 0))
    calls, puts = (sound.filter(pl.col("right") == right) for right in ("call", "put"))
    spreads = pl.col("ask") - pl.col("bid") + pl.col("ask_put") - pl.col("bid_put")
    return calls.join(puts, on=sides, suffix="_put").select(
        *sides, "days", "spot",
        (pl.col("middle") - pl.col("middle_put")).alias("_less"),
        (PARITY_SLACK * pl.col("spot") + spreads).alias("_slack"),
    )  # fmt: skip


def _with_past(frame: pl.DataFrame, actions: pl.DataFrame | None) -> pl.DataFrame:
    """Add how a quote changed since the one before it, and whether its strike outlived a split."""
    same = pl.all_horizontal(pl.col(n) == pl.col(n).shift(1) for n in _CONTRACT)
    near = (pl.col("session") - pl.col("session").shift(1)).dt.total_days() <= 5
    near &= pl.col("is_session").shift(1)  # a fill-in does not make the next one stale
    changes = {name: pl.col(name) - pl.col(name).shift(1) for name in ("middle", "spot")}
    still = [pl.col(n) == pl.col(n).shift(1) for n in ("bid", "ask", "volume", "open_interest")]
    frame = frame.sort(*_CONTRACT, "session").with_columns(
        pl.when(same & near).then(pl.all_horizontal(still[:2]).cast(pl.Int64)).alias("unchanged"),
        (same & near & pl.all_horizontal(still)).fill_null(value=False).alias("is_repeated"),
        *(pl.when(same & near).then(by).alias(f"{name}_change") for name, by in changes.items()),
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
    outlived = (pl.col("_listed") < pl.col("_split_on")) & (pl.col("expiry") > pl.col("_split_on"))
    return _followed(frame).select(
        pl.exclude("_listed", "_split_on", "_ratio", "_followed"),
        pl.col("_ratio").alias("split_since"),
        (outlived & ~pl.col("_followed")).fill_null(value=False).alias("listed_before"),
    )


def _followed(frame: pl.DataFrame) -> pl.DataFrame:
    """Add whether a strike is there anew, its contract of before the split being divided.

    A chain that followed a split has strikes, at half the price of old ones, that old ones had.
    """
    chain = ["symbol", "session", "expiry", "right"]
    contract = ["symbol", "expiry", "right", "_strike"]
    # To a tenth: a third of 100 is written 33.33.
    frame = frame.with_columns(pl.col("strike").round(1).alias("_strike"))
    old = frame.filter(pl.col("_listed") < pl.col("_split_on")).select(contract)
    before = pl.concat([old, frame.filter(pl.col("_split_on").is_null()).select(contract)]).unique()
    undivided = frame.filter(pl.col("_split_on").is_not_null()).with_columns(
        (pl.col("strike") * pl.col("_ratio")).round(1).alias("_strike")
    )
    divided = undivided.join(before, on=contract, how="semi")
    # Of a chain that followed, each strike is an old one divided; of one that did not, few are.
    rows = undivided.group_by(chain).len("_rows")
    share = divided.group_by(chain).len("_divided").join(rows, on=chain)
    followed = share.filter(pl.col("_divided") > 0.5 * pl.col("_rows")).select(chain)
    anew = divided.join(followed, on=chain, how="semi")
    # Neither an old strike that was divided nor one that others became is a relic.
    became = anew.select(*chain, pl.col("strike").round(1).alias("_strike"))
    told = pl.concat([anew.select(*chain, "_strike"), became]).unique()
    told = told.with_columns(pl.lit(value=True).alias("_followed"))
    joined = frame.join(told, on=[*chain, "_strike"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("_followed").fill_null(value=False)).drop("_strike")
