"""Rules over a file of corporate actions, and the judgement they give."""

from collections.abc import Sequence, Set
from datetime import date
from typing import Final

import polars as pl

from quality.calendar import Calendar
from quality.rules.actions import ACTION_RULES
from quality.rules.daily import judge_daily
from quality.rules.judge import judge
from quality.rules.model import Finding, Judgement, Rule, Severity, require_columns
from quality.rules.words import Row, day, price, ratio

DATASET: Final = "corporate_actions"
KEY: Final = ("symbol", "session", "kind")
# A company does not split or pay twice within so many days; monthly payers leave 28 and more.
TWICE_WITHIN_DAYS: Final = 14
LARGEST_RATIO: Final = 100.0
# Of so many dividends a payer's rhythm is told; a pause this much longer is one left out.
RHYTHM_OF: Final = 6
PAUSE: Final = 1.6
# Actions are announced weeks or months ahead.
LATEST_DAYS: Final = 400
_ALIKE: Final = 0.4  # a log
_NEAR_DAYS: Final = 7
_ABOUT_ACTIONS: Final = frozenset(rule.name for rule in ACTION_RULES)
_LEAPS: Final = frozenset({"unit_is_right", "jump_is_no_unknown_split", "move_is_explained"})
_FIGURES: Final = ("kind", "ratio", "amount")


def _says(row: Row) -> str:
    what = ""
    if row["is_split"]:
        is_ratio = row["ratio"] and row["ratio"] > 0
        what = f" of {ratio(row['ratio'])}" if is_ratio else " without a usable ratio"
    elif row["is_dividend"]:
        what = f" of {price(row['amount'])} USD a share"
    return (
        f"A {row['kind'].replace('_', ' ')}{what} is recorded for {row['symbol']} on "
        f"{day(row['session'])} {row['session'].year}."
    )


def _contradiction(name: str) -> pl.Expr:
    return pl.col("contradicted").list.contains(name).fill_null(value=False)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="values_are_present",
        severity=Severity.ERROR,
        meaning="A split has a ratio, a dividend an amount, both above zero.",
        reason="Nothing can be adjusted by a hole, by zero or by less.",
        fails=(pl.col("is_split") & ~(pl.col("ratio") > 0).fill_null(value=False))
        | (pl.col("is_dividend") & ~(pl.col("amount") > 0).fill_null(value=False)),
        sentence=lambda row: f"{_says(row)} Its figure is missing or not above zero.",
        figures=_FIGURES,
    ),
    Rule(
        name="action_is_recorded_once",
        severity=Severity.ERROR,
        meaning="A symbol has one split and one dividend of a kind within two weeks.",
        reason="Adjusting by a doubled record would invent a return. A person says which is right.",
        applies=pl.col("is_split") | pl.col("is_dividend"),
        fails=(pl.col("versions") > 1) | (pl.col("copies") > 1) | pl.col("is_again"),
        sentence=lambda row: f"{_says(row)} The same is on record again within two weeks.",
        figures=(*_FIGURES, "copies", "versions"),
    ),
    Rule(
        name="ratio_is_possible",
        severity=Severity.ERROR,
        meaning="A split multiplies the shares, a reverse split joins them, by 100 at most.",
        reason="A reverse split above one or a forward split below one is inverted; a ratio of one "
        "changes nothing.",
        applies=pl.col("is_split") & (pl.col("ratio") > 0),
        fails=(pl.col("ratio") == 1.0)
        | (pl.col("ratio") > LARGEST_RATIO)
        | (pl.col("ratio") < 1.0 / LARGEST_RATIO)
        | (pl.col("kind").str.contains("reverse") & (pl.col("ratio") > 1.0))
        | (pl.col("kind").str.contains("forward") & (pl.col("ratio") < 1.0)),
        sentence=lambda row: f"{_says(row)} No such split exists, or its ratio is inverted.",
        figures=_FIGURES,
    ),
    Rule(
        name="day_is_a_session",
        severity=Severity.ERROR,
        meaning="An action takes effect on a session of the exchange.",
        reason="The exchange was closed: the date is shifted.",
        fails=~pl.col("is_session"),
        sentence=lambda row: f"{_says(row)} The exchange was closed that day.",
    ),
    Rule(
        name="day_is_near",
        severity=Severity.ERROR,
        meaning="An action takes effect within thirteen months of today.",
        reason="Splits and dividends are announced weeks or months ahead: the year is wrong.",
        applies=pl.col("until").is_not_null(),
        fails=(pl.col("session") - pl.col("until")).dt.total_days() > LATEST_DAYS,
        sentence=lambda row: f"{_says(row)} That is more than a year from now.",
    ),
    Rule(
        name="symbol_changes",
        severity=Severity.ERROR,
        meaning="A change of symbol names another symbol.",
        reason="A firm that goes on under the same symbol has not changed it.",
        applies=pl.col("renamed").is_not_null(),
        fails=pl.col("renamed").str.to_uppercase() == pl.col("symbol").str.to_uppercase(),
        sentence=lambda row: f"{_says(row)} The new symbol is the old one.",
        figures=("kind", "renamed"),
    ),
    Rule(
        name="dividend_is_in_proportion",
        severity=Severity.ERROR,
        meaning="A dividend is not five times and more the symbol's others on both sides of it.",
        reason="Ordinary dividends change by little; one alone at a multiple near ten or a hundred "
        "is in another unit. Special ones stand apart by less or by no round factor.",
        applies=pl.col("is_dividend") & pl.col("usual_amount").is_not_null(),
        fails=pl.col("is_unit_apart"),
        sentence=lambda row: (
            f"{_says(row)} The symbol usually pays {price(row['usual_amount'])}: it looks like "
            "another unit."
        ),
        figures=(*_FIGURES, "usual_amount"),
    ),
    Rule(
        name="dividends_keep_their_rhythm",
        severity=Severity.WARNING,
        meaning="Between two dividends of a steady payer none is left out.",
        reason="The pause is 1.6 times the usual one and more, of six dividends or more that came "
        "evenly: one is missing, or was not paid.",
        applies=pl.col("pause").is_not_null(),
        fails=pl.col("pause") > PAUSE * pl.col("usual_pause"),
        sentence=lambda row: (
            f"{_says(row)} The one before it is {row['pause']:,.0f} days earlier, and usually "
            f"{row['usual_pause']:,.0f} days pass: one between them looks left out."
        ),
        figures=(*_FIGURES, "pause", "usual_pause"),
    ),
    *(
        Rule(
            name=rule.name,
            severity=rule.severity,
            meaning=rule.meaning,
            reason=rule.reason,
            applies=pl.col("contradicted").is_not_null(),
            fails=_contradiction(rule.name),
            sentence=lambda row: f"{_says(row)} The price of that session did not follow it.",
            figures=_FIGURES,
        )
        for rule in ACTION_RULES
    ),
)


def judge_actions(
    actions: pl.DataFrame,
    *,
    calendar: Calendar,
    bars: pl.DataFrame | None = None,
    until: date | None = None,
) -> Judgement:
    """Judge a file of corporate actions, beside the bars they should have moved where known.

    Parameters
    ----------
    actions : frame with symbol, session (ex-date), kind, ratio, amount
        `kind` names splits and dividends by a word that holds it; other kinds are only dated.
    calendar : Calendar
        The exchange's sessions.
    bars : frame with symbol, session, open, high, low, close, volume, optional
        Unadjusted daily bars of the symbols.
    until : date, optional
        Actions dated later are announced and not yet seen in any price.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing or has a type that cannot be read.
    """
    require_columns(actions, KEY, name="actions")
    absent = [
        pl.lit(None, dtype=pl.Float64).alias(n)
        for n in ("ratio", "amount")
        if n not in actions.columns
    ]
    frame = actions.with_columns(absent).with_columns(pl.col("ratio", "amount").cast(pl.Float64))
    frame = _with_records(frame)
    days = [d for d in frame["session"].unique().to_list() if d and calendar.is_session(d)]
    late = pl.lit(value=False) if until is None else pl.col("session") > until
    frame = frame.with_columns(
        (pl.col("session").is_in(days) | late).alias("is_session"),
        pl.lit(until, dtype=pl.Date).alias("until"),
        _renamed(frame).alias("renamed"),
    )
    frame = _with_contradictions(frame, bars, calendar)
    due = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date})
    return judge(frame, dataset=DATASET, rules=RULES, columns=actions.columns, due=due)


def _renamed(frame: pl.DataFrame) -> pl.Expr:
    """Return the new symbol of a change of symbols."""
    if "detail" not in frame.columns:
        return pl.lit(None, dtype=pl.String)
    is_change = pl.col("kind").str.to_lowercase().str.contains("symbol")
    return pl.when(is_change).then(pl.col("detail").cast(pl.String).str.strip_chars())


def _with_records(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what the records of a symbol say about one another."""
    kind = pl.col("kind").str.to_lowercase()
    frame = frame.with_columns(
        kind.str.contains("split").fill_null(value=False).alias("is_split"),
        kind.str.contains("dividend").fill_null(value=False).alias("is_dividend"),
        pl.len().over(*KEY, "ratio", "amount").cast(pl.Int64).alias("copies"),
    ).unique([*KEY, "ratio", "amount"], keep="first", maintain_order=True)
    group = ["symbol", "is_split", "is_dividend"]
    frame = frame.sort("symbol", "session", maintain_order=True).with_columns(
        pl.len().over(KEY).cast(pl.Int64).alias("versions"),
        (pl.col("session") - pl.col("session").shift(1).over(group))
        .dt.total_days()
        .alias("_since"),
        (pl.col("session").shift(-1).over(group) - pl.col("session")).dt.total_days().alias("_to"),
        pl.col("amount").median().over(group).alias("usual_amount"),
        pl.len().over(group).alias("_count"),
    )
    # Even enough to speak of a rhythm: half of all pauses lie within a fifth of the usual one.
    paid = pl.col("is_dividend") & (pl.col("_count") >= RHYTHM_OF)
    usual = pl.col("_since").median().over(group)
    spread = (pl.col("_since") - usual).abs().median().over(group)
    steady = paid & (spread < 0.2 * usual)
    frame = frame.with_columns(
        pl.when(steady).then(pl.col("_since").cast(pl.Float64)).alias("pause"),
        pl.when(steady).then(usual).alias("usual_pause"),
    )
    soon = pl.col("_since").is_between(1, TWICE_WITHIN_DAYS)
    # Of a share that was split, or joined with others, as much less or more is paid.
    ratio = pl.when(pl.col("is_split") & (pl.col("ratio") > 0)).then(pl.col("ratio")).otherwise(1.0)
    frame = frame.with_columns(
        (pl.col("amount") * ratio.cum_prod().over("symbol")).alias("_of_first_share")
    )
    steady = pl.col("_of_first_share").median().over(group)
    between: list[str | pl.Expr] = [*group, pl.col("is_split").cum_sum().over("symbol")]
    return frame.with_columns(
        soon.fill_null(value=False).alias("is_again"),
        pl.when(pl.col("_count") >= 4).then("usual_amount").alias("usual_amount"),
        (
            _is_unit(pl.col("amount") / pl.col("usual_amount"))
            & _is_unit(pl.col("_of_first_share") / steady)
            & ~(_alike(between) & pl.col("is_split").any().over("symbol"))
        )
        .fill_null(value=False)
        .alias("is_unit_apart"),
    ).drop("_since", "_to", "_count", "_of_first_share")


def _alike(between: Sequence[str | pl.Expr]) -> pl.Expr:
    """Whether a dividend beside it, on the same side of the splits on file, is about as large.

    Where a split's ratio is wrong, so is what is reckoned from it, and not the dividends.
    """
    beside = [pl.col("amount").shift(by).over(between) for by in (1, -1)]
    return pl.any_horizontal(
        ((pl.col("amount") / one).log().abs() < _ALIKE).fill_null(value=False) for one in beside
    )


def _is_unit(times: pl.Expr) -> pl.Expr:
    """Whether a multiple is about ten, a hundred, or one over these."""
    power = times.log(10.0).abs()
    return (power > 0.8) & ((power - power.round()).abs() < 0.15)


def _contradicted(found: Finding, splits: Set[tuple[str, date]]) -> str | None:
    """Return the rule about actions that a finding about a bar says is not met."""
    if found.rule in _ABOUT_ACTIONS:
        return found.rule
    # The price leaped, though not as the split on file says.
    is_split = (found.symbol, found.session) in splits
    return "split_shows_in_price" if is_split and found.rule in _LEAPS else None


def _unseen(actions: pl.DataFrame, bars: pl.DataFrame) -> list[tuple[str, date]]:
    """Return symbol and day of the splits that the quoted price of their day did not follow.

    Seen by the two closes alone: beside all rows a split that is dated late looks like a level
    that returns.
    """
    beside = ["symbol", "session"]
    quoted = bars.select(
        "symbol",
        pl.col("session").cast(pl.Date),
        pl.col("close").cast(pl.Float64),
    ).sort(beside)
    near = (pl.col("session") - pl.col("session").shift(1)).dt.total_days() <= _NEAR_DAYS
    move = (pl.col("close") / pl.col("close").shift(1)).log()
    moves = quoted.select(
        *beside, pl.when((pl.col("symbol") == pl.col("symbol").shift(1)) & near).then(move)
    )
    split = pl.col("ratio").log()
    off = (pl.col("close") + split).abs() > pl.max_horizontal(pl.lit(0.15), 0.6 * split.abs())
    splits = actions.filter(pl.col("is_split") & (pl.col("ratio") > 0))
    both = splits.join(moves, left_on=["symbol", "ex_date"], right_on=beside)
    return list(both.filter(off & (split.abs() > 0.15)).select("symbol", "ex_date").iter_rows())


def _with_contradictions(
    frame: pl.DataFrame, bars: pl.DataFrame | None, calendar: Calendar
) -> pl.DataFrame:
    """Add the rules about actions that the bars of the same session do not meet."""
    if bars is None or bars.is_empty():
        return frame.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("contradicted"))
    named = ("symbol", "ex_date", "kind", "ratio", "amount", "detail")
    known = frame.rename({"session": "ex_date"})
    judgement = judge_daily(
        bars,
        calendar=calendar,
        actions=known.select(n for n in named if n in known.columns),
        whole_file=True,
    )
    splits = set(known.filter("is_split").select("symbol", "ex_date").iter_rows())
    told = [
        (f.symbol, f.session, rule)
        for f in judgement.findings
        if (rule := _contradicted(f, splits)) is not None
    ]
    said = {(symbol, day) for symbol, day, _ in told}
    told += [(*at, "split_shows_in_price") for at in _unseen(known, bars) if at not in said]
    schema = {"symbol": pl.String, "session": pl.Date, "contradicted": pl.String}
    by_session = (
        pl.DataFrame(told, schema=schema, orient="row")
        .group_by("symbol", "session")
        .agg("contradicted")
    )
    seen = bars.select("symbol", "session").unique().with_columns(pl.lit(value=True).alias("_seen"))
    joined = frame.join(
        by_session, on=["symbol", "session"], how="left", maintain_order="left"
    ).join(seen, on=["symbol", "session"], how="left", maintain_order="left")
    empty = pl.lit([], dtype=pl.List(pl.String))
    return joined.with_columns(
        pl.when(pl.col("_seen")).then(pl.coalesce("contradicted", empty)).alias("contradicted")
    ).drop("_seen")
