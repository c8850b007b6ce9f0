from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.model import Judgement
from quality.rules.options import judge_options
from quality.rules.records import judge_actions
from tests.unit.quality.market import rows

SESSION = date(2012, 6, 6)


def chain() -> pl.DataFrame:
    """Calls and puts on a share at 100, worth their exercise value and two dollars."""
    rows = [
        ("IBM", SESSION, date(2012, 7, 20), float(strike), right, value + 1.9, value + 2.1, 100.0)
        for strike in range(80, 125, 5)
        for right, value in (("call", max(100.0 - strike, 0)), ("put", max(strike - 100.0, 0)))
    ]
    names = ["symbol", "session", "expiry", "strike", "right", "bid", "ask", "underlying_price"]
    return pl.DataFrame(rows, schema=names, orient="row")


def found(judgement: Judgement) -> list[tuple[str, object, object]]:
    return [(f.rule, f.figures["strike"], f.figures["right"]) for f in judgement.findings]


def test_a_sound_chain_passes() -> None:
    judgement = judge_options(chain(), calendar=exchange())

    assert judgement.findings == ()
    assert judgement.passed.height == 18


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"bid": pl.col("ask") + 0.5}, "quotes_are_not_crossed"),
        ({"bid": pl.lit(-0.1)}, "prices_are_not_negative"),
        ({"expiry": pl.lit(date(2012, 6, 1))}, "option_is_alive"),
        ({"expiry": pl.lit(date(2016, 6, 18))}, "expiry_is_listed"),
        # The call at 90 is worth 10 at once: 5 asked is a gift.
        ({"bid": pl.lit(4.8), "ask": pl.lit(5.0)}, "ask_covers_intrinsic_value"),
        ({"bid": pl.lit(120.0), "ask": pl.lit(121.0)}, "option_costs_less_than_its_bound"),
        # Call less put is 10 by their strike; 25 - 2 is not.
        ({"bid": pl.lit(24.9), "ask": pl.lit(25.1)}, "calls_and_puts_agree"),
        ({"underlying_price": pl.lit(150.0)}, "underlying_is_one_price"),
        ({"strike": pl.lit(None, pl.Float64)}, "values_are_present"),
    ],
)
def test_a_defect_of_one_quote_is_named(changes: dict[str, pl.Expr], rule: str) -> None:
    there = (pl.col("strike") == 90.0) & (pl.col("right") == "call")
    frame = chain().with_columns(
        pl.when(there).then(to).otherwise(pl.col(name)).alias(name) for name, to in changes.items()
    )

    rules = {name for name, _, right in found(judge_options(frame, calendar=exchange()))}

    assert rule in rules


def test_a_strike_that_did_not_follow_a_split_is_told() -> None:
    # Two for one on 8 June: the share is at 50, the old strikes are still quoted.
    after = chain().with_columns(
        pl.lit(date(2012, 6, 8)).alias("session"), pl.lit(50.0).alias("underlying_price")
    )
    split = pl.DataFrame(
        {"symbol": ["IBM"], "ex_date": [date(2012, 6, 8)], "kind": ["split"], "ratio": [2.0]}
    )

    judgement = judge_options(pl.concat([chain(), after]), calendar=exchange(), actions=split)

    told = [f for f in judgement.findings if f.rule == "strike_follows_a_split"]
    assert {f.session for f in told} == {date(2012, 6, 8)}
    assert len(told) == 18


def test_doubled_inverted_and_misdated_actions_are_told() -> None:
    actions = pl.DataFrame(
        {
            "symbol": ["A", "A", "B", "C", "D"],
            "session": [
                date(2012, 6, 1),
                date(2012, 6, 5),
                date(2012, 6, 4),
                date(2012, 6, 3),
                SESSION,
            ],
            "kind": ["split", "split", "reverse_split", "split", "cash_dividend"],
            "ratio": [2.0, 2.0, 5.0, 3.0, None],
            "amount": [None, None, None, None, -0.5],
        }
    )

    judgement = judge_actions(actions, calendar=exchange())

    assert [(f.symbol, f.rule) for f in judgement.findings] == [
        ("D", "values_are_present"), ("A", "action_is_recorded_once"), ("B", "ratio_is_possible"),
        ("C", "day_is_a_session"),
    ]  # fmt: skip


def test_a_phantom_split_is_told_by_the_bars_beside_it() -> None:
    bars = rows("IBM", date(2012, 1, 3), date(2012, 7, 3))
    ghost = pl.DataFrame(
        {"symbol": ["IBM"], "session": [SESSION], "kind": ["split"], "ratio": [2.0]}
    )

    judgement = judge_actions(ghost, calendar=exchange(), bars=bars)

    assert [f.rule for f in judgement.findings] == ["split_shows_in_price"]


def test_a_strike_listed_again_as_another_contract_divided_is_no_relic_of_a_split() -> None:
    # Strikes 80 to 120 every 5 become 40 to 60; 80 and more are gone, and 60 was 120.
    before = chain().with_columns(pl.lit(date(2012, 6, 5)).alias("session"))
    wide = pl.concat([before, before.with_columns(pl.col("strike") / 2)])  # 40 to 60 stood too
    after = before.with_columns(
        pl.lit(SESSION).alias("session"),
        *(pl.col(name) / 2 for name in ("strike", "bid", "ask", "underlying_price")),
    )
    split = pl.DataFrame(
        {"symbol": ["IBM"], "ex_date": [SESSION], "kind": ["split"], "ratio": [2.0]}
    )

    both = judge_options(pl.concat([wide, after]), calendar=exchange(), actions=split)
    kept = before.with_columns(pl.lit(SESSION).alias("session"))
    stayed = judge_options(pl.concat([before, kept]), calendar=exchange(), actions=split)

    told = [f for f in both.findings if f.rule == "strike_follows_a_split"]
    assert told == []
    relics = [f for f in stayed.findings if f.rule == "strike_follows_a_split"]
    assert len(relics) == kept.height


def test_a_quote_that_cannot_be_does_not_accuse_its_counterpart() -> None:
    there = (pl.col("right") == "call") & (pl.col("strike") < 100)
    frame = chain().with_columns(
        pl.when(there).then(pl.col(name) * 100).otherwise(pl.col(name)).alias(name)
        for name in ("bid", "ask")
    )

    accused = {right for _, _, right in found(judge_options(frame, calendar=exchange()))}

    assert accused == {"call"}


@pytest.mark.parametrize(("ratio", "at"), [(200.0, 0), (0.5, 0), (3.0, 0), (2.0, 4), (2.0, -3)])
def test_a_split_whose_ratio_or_day_the_price_does_not_show_is_told(ratio: float, at: int) -> None:
    bars = rows("AAPL", date(2004, 11, 1), date(2005, 6, 30))
    days = bars["session"].to_list()
    day = days[days.index(date(2005, 2, 28)) + at]
    file = pl.DataFrame({"symbol": ["AAPL"], "session": [day], "kind": ["split"], "ratio": [ratio]})

    judgement = judge_actions(file, calendar=exchange(), bars=bars)

    assert {(f.session, str(f.severity)) for f in judgement.findings} == {(day, "error")}


def test_a_dividend_left_out_of_a_steady_row_is_warned_of() -> None:
    days = [date(year, month, 8) for year in (2010, 2011, 2012) for month in (2, 5, 8, 11)]
    paid = pl.DataFrame({"session": [*days[:6], *days[7:]]}).with_columns(
        symbol=pl.lit("IBM"), kind=pl.lit("dividend"), amount=pl.lit(0.75)
    )

    findings = judge_actions(paid, calendar=exchange()).findings

    told = [
        (f.session, str(f.severity)) for f in findings if f.rule == "dividends_keep_their_rhythm"
    ]
    assert told == [(days[7], "warning")]


def index_chain(rate: float, days: int = 198) -> pl.DataFrame:
    """Puts deep in the money that cannot be exercised early, by discounted exercise value."""
    paid = float(np.exp(-rate * days / 365))
    rows = [
        ("SPX", SESSION, SESSION + timedelta(days=days), float(strike), "put", value - 0.5, value)
        for strike in range(1_600, 2_000, 50)
        for value in (strike * paid - 1_300 + 1.0,)
    ]
    names = ["symbol", "session", "expiry", "strike", "right", "bid", "ask"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(pl.lit(1_300.0).alias("underlying_price"))


def test_options_of_an_index_may_cost_less_than_exercise_by_the_rate_alone() -> None:
    cheap = pl.when(pl.col("strike") == 1_900).then(pl.col("bid") * 0.8).otherwise("bid")

    assert judge_options(index_chain(0.05), calendar=exchange()).findings == ()
    one = index_chain(0.05).with_columns(cheap.alias("bid"), (cheap + 0.5).alias("ask"))
    told = found(judge_options(one, calendar=exchange()))
    assert ("ask_covers_intrinsic_value", 1_900.0, "put") in told
    assert {strike for _, strike, _ in told} == {1_900.0}
    assert judge_options(index_chain(0.30), calendar=exchange()).findings != ()


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"strike": pl.col("strike") * 10}, ("call", 900.0)),
        ({"right": pl.lit("put")}, ("put", 85.0)),
    ],
)
def test_a_strike_or_side_that_its_neighbours_contradict_is_told_without_its_counterpart(
    changes: dict[str, pl.Expr], at: tuple[str, float]
) -> None:
    right, strike = at
    own = 90.0 if right == "call" else 85.0
    there = (pl.col("strike") == own) & (pl.col("right") == "call")
    alone = chain().filter((pl.col("strike") != own) | (pl.col("right") == "call"))
    spoiled = alone.drop("underlying_price").with_columns(
        pl.when(there).then(to).otherwise(pl.col(name)).alias(name) for name, to in changes.items()
    )

    told = found(judge_options(spoiled, calendar=exchange()))

    assert told == [("price_follows_the_strike", strike, right)]
    assert judge_options(chain().drop("underlying_price"), calendar=exchange()).findings == ()


def test_a_dividend_ten_times_higher_after_a_reverse_split_is_none_in_another_unit() -> None:
    days = [date(2012, month, 8) for month in range(1, 13)]
    days = [exchange().next(day) for day in days]
    paid = [("A", day, "dividend", None, 0.10 if day.month < 5 else 1.0) for day in days]
    joined = ("A", exchange().next(date(2012, 4, 24)), "split", 0.1, None)
    names = ["symbol", "session", "kind", "ratio", "amount"]
    file = pl.DataFrame([*paid, joined], schema=names, orient="row", infer_schema_length=None)

    def wrong(frame: pl.DataFrame) -> list[tuple[str, date]]:
        return [(f.rule, f.session) for f in judge_actions(frame, calendar=exchange()).findings]

    assert wrong(file) == []
    cents = pl.when(pl.col("session") == days[8]).then(100.0).otherwise("amount")
    assert wrong(file.with_columns(cents.alias("amount"))) == [
        ("dividend_is_in_proportion", days[8])
    ]
