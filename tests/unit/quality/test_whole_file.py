"""A whole file may be read with hindsight: what follows tells what came before."""

from datetime import date, timedelta

import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Judgement, Severity
from tests.unit.quality.market import planted, rows, sample, splits

FIRST, LAST = date(2012, 1, 3), date(2012, 7, 3)
PRICES = ("open", "high", "low", "close")


def judged(frame: pl.DataFrame, **options: object) -> Judgement:
    known: dict[str, object] = {"actions": splits(), "whole_file": True}
    return judge_daily(frame, calendar=exchange(), **(known | options))  # type: ignore[arg-type]  # options of many types


def errors(judgement: Judgement) -> set[tuple[str, date, str]]:
    return {
        (f.symbol, f.session, f.rule) for f in judgement.findings if f.severity is Severity.ERROR
    }


def scaled(frame: pl.DataFrame, where: pl.Expr, factor: float) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(pl.col(n) * factor).otherwise(pl.col(n)).alias(n) for n in PRICES
    )


def test_no_real_bar_is_an_error_alone_or_among_others() -> None:
    assert errors(judged(sample())) == set()
    assert errors(judged(sample().filter(symbol="AAPL"))) == set()


def test_a_small_leap_that_comes_back_is_seen_only_with_hindsight() -> None:
    at = date(2012, 5, 16)  # 10 % in a share that moves 1 % a day
    frame = planted(rows("IBM", FIRST, LAST), at, **{n: pl.col(n) * 1.1 for n in PRICES})

    assert errors(judged(frame)) == {("IBM", at, "close_does_not_revert_alone")}
    assert errors(judged(frame, whole_file=False)) == set()


def test_a_block_in_cents_is_held_and_what_follows_is_not() -> None:
    there = pl.col("session").is_between(date(2012, 3, 1), date(2012, 3, 30))
    frame = scaled(rows("IBM", FIRST, LAST), there, 100.0)

    held = judged(frame).held

    assert held["session"].to_list() == frame.filter(there)["session"].to_list()


def test_the_first_rows_of_a_file_can_be_the_wrong_ones() -> None:
    start = pl.col("session") <= date(2012, 1, 5)
    frame = scaled(rows("IBM", FIRST, LAST), start, 0.01)

    assert {session for _, session, _ in errors(judged(frame))} == {
        date(2012, 1, 3), date(2012, 1, 4), date(2012, 1, 5),
    }  # fmt: skip


def test_an_unknown_split_condemns_its_session_only() -> None:
    later = pl.col("session") >= date(2012, 4, 2)
    frame = scaled(rows("IBM", FIRST, LAST), later, 0.5)

    assert errors(judged(frame)) == {("IBM", date(2012, 4, 2), "jump_is_no_unknown_split")}


@pytest.mark.parametrize("factor", [0.01, 0.03])
def test_volume_of_another_feed_is_held_for_as_long_as_it_lasts(factor: float) -> None:
    there = pl.col("session") >= date(2012, 4, 2)
    frame = rows("IBM", FIRST, LAST).with_columns(
        pl.when(there).then(pl.col("volume") * factor).otherwise(pl.col("volume")).alias("volume")
    )

    judgement = judged(frame)

    assert judgement.held["session"].to_list() == frame.filter(there)["session"].to_list()
    assert set(judgement.held["rule"]) == {"volume_is_in_shares"}


def test_exchanged_symbols_are_told_on_every_session_of_the_exchange() -> None:
    days = [date(2012, 3, 5), date(2012, 3, 6), date(2012, 3, 7)]
    frame = sample().filter(pl.col("session").is_between(FIRST, LAST))
    other = pl.col("symbol").replace({"IBM": "AAPL", "AAPL": "IBM"})
    frame = frame.with_columns(
        pl.when(pl.col("session").is_in(days))
        .then(other)
        .otherwise(pl.col("symbol"))
        .alias("symbol")
    )

    found = errors(judged(frame))

    assert {(s, d) for s, d, rule in found if rule == "bar_is_of_its_symbol"} == {
        (symbol, day) for symbol in ("AAPL", "IBM") for day in days
    }
    assert {(s, d) for s, d, _ in found} == {(s, d) for s in ("AAPL", "IBM") for d in days}


def test_a_symbol_dated_a_session_late_is_out_of_step() -> None:
    frame = sample().filter(pl.col("session").is_between(date(2008, 1, 2), date(2009, 12, 31)))
    ibm = frame.filter(symbol="IBM").sort("session")
    late = ibm.with_columns(pl.col("session").shift(-1)).drop_nulls("session")

    found = errors(judged(pl.concat([frame.filter(pl.col("symbol") != "IBM"), late])))

    assert {symbol for symbol, _, _ in found} == {"IBM"}
    assert len(found) > 0.9 * late.height


def test_rows_shuffled_among_dates_are_out_of_order() -> None:
    frame = rows("AAPL", FIRST, LAST)
    middle = frame.slice(30, 60)
    mixed = middle.with_columns(middle["session"].sample(fraction=1.0, shuffle=True, seed=3))

    found = errors(judged(pl.concat([frame.head(30), mixed, frame.slice(90)])))

    assert {r for _, _, r in found} >= {"rows_are_in_order"}
    assert {d for _, d, _ in found} <= set(middle["session"])


def test_rows_shuffled_among_dates_are_not_in_step_with_another_session_as_well() -> None:
    frame = sample().filter(pl.col("session").is_between(date(2009, 1, 2), date(2010, 12, 31)))
    goog = frame.filter(symbol="GOOG").sort("session")
    middle = goog.slice(200, 60)
    mixed = middle.with_columns(middle["session"].sample(fraction=1.0, shuffle=True, seed=8))

    others = frame.filter(pl.col("symbol") != "GOOG")
    found = errors(judged(pl.concat([others, goog.head(200), mixed, goog.slice(260)])))

    assert {symbol for symbol, _, _ in found} == {"GOOG"}
    assert {rule for _, _, rule in found} == {"rows_are_in_order"}


def test_a_session_left_out_is_missing_and_an_excerpt_is_not() -> None:
    frame = rows("IBM", FIRST, LAST)
    hole = frame.filter(pl.col("session") != date(2012, 5, 16))
    excerpt = pl.concat(
        [rows("IBM", FIRST, LAST), rows("IBM", date(2008, 9, 2), date(2008, 12, 1))]
    )

    assert errors(judged(hole)) == {("IBM", date(2012, 5, 16), "bar_arrived")}
    assert errors(judged(excerpt)) == set()


def test_another_company_after_an_absence_is_told() -> None:
    before, after = rows("AAPL", FIRST, date(2012, 3, 1)), rows("MSFT", date(2012, 5, 1), LAST)
    frame = pl.concat([before, after.with_columns(pl.lit("AAPL").alias("symbol"))])

    assert errors(judged(frame)) == {("AAPL", date(2012, 5, 1), "identity_is_continuous")}


def test_an_adjusted_close_states_the_splits() -> None:
    frame = rows("AAPL", date(2004, 6, 1), date(2005, 6, 1))
    halves = pl.when(pl.col("session") < date(2005, 2, 28)).then(pl.col("close") / 2)
    adjusted = frame.with_columns(halves.otherwise(pl.col("close")).alias("adjusted_close"))

    assert errors(judged(frame, actions=None)) == {
        ("AAPL", date(2005, 2, 28), "jump_is_no_unknown_split")
    }
    assert errors(judged(adjusted, actions=None)) == set()


def test_a_crash_of_all_symbols_needs_no_index() -> None:
    names = [f"S{n}" for n in range(6)]
    ibm = rows("IBM", FIRST, LAST)
    later = pl.col("session") >= date(2012, 5, 16)
    market = pl.concat([ibm.with_columns(pl.lit(n).alias("symbol")) for n in names])
    alone = pl.concat(
        [scaled(market.filter(symbol="S0"), later, 0.75), market.filter(pl.col("symbol") != "S0")]
    )

    assert errors(judged(scaled(market, later, 0.75))) == set()
    assert {symbol for symbol, _, _ in errors(judged(alone))} == {"S0"}


def test_a_doubled_dividend_as_large_as_the_price_is_told() -> None:
    day = date(2012, 5, 16)
    paid = pl.DataFrame(
        {"symbol": ["IBM"], "ex_date": [day], "kind": ["cash_dividend"], "amount": [60.0]}
    )

    assert errors(judged(rows("IBM", FIRST, LAST), actions=paid)) == {
        ("IBM", day, "dividend_shows_in_price")
    }


def test_a_session_filled_in_without_a_trade_is_held() -> None:
    day = date(2012, 5, 16)
    frame = rows("IBM", FIRST, LAST)
    last = frame.filter(pl.col("session") == day - timedelta(days=1))["close"][0]
    fill = {name: pl.lit(last) for name in PRICES} | {"volume": pl.lit(0)}

    assert errors(judged(planted(frame, day, **fill))) == {("IBM", day, "liquid_share_was_traded")}


def test_every_session_of_a_gap_filled_in_is_held() -> None:
    days = [date(2012, 5, 16), date(2012, 5, 17), date(2012, 5, 18)]
    frame = rows("IBM", FIRST, LAST)
    last = frame.filter(session=date(2012, 5, 15))["close"][0]
    for day in days:
        fill = {name: pl.lit(last) for name in PRICES} | {"volume": pl.lit(0)}
        frame = planted(frame, day, **fill)

    assert {session for _, session, _ in errors(judged(frame))} == set(days)


def test_volumes_right_again_after_weeks_in_other_units_are_not_thin() -> None:
    frame = rows("IBM", FIRST, LAST)
    weeks = frame["session"].slice(40, 20).to_list()
    off = pl.col("session").is_in(weeks)
    counted = frame.with_columns(
        volume=pl.when(off).then(pl.col("volume") * 1_000).otherwise(pl.col("volume"))
    )

    found = errors(judged(counted))

    assert found == {("IBM", day, "volume_is_in_shares") for day in weeks}
