"""The first sessions of a file have nothing before them: those that follow tell what they are."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Severity
from tests.unit.quality.market import PRICES, quiet

DAYS = exchange().sessions(date(2021, 1, 4), date(2021, 12, 31))
NAMES = [f"S{n}" for n in range(8)]


def market() -> pl.DataFrame:
    """Eight quiet shares, told to the cent."""
    frames = [quiet(name, DAYS, 40.0 + 20.0 * n, seed=n) for n, name in enumerate(NAMES)]
    return pl.concat(frames).with_columns(pl.col(PRICES).round(2))


def times(frame: pl.DataFrame, where: pl.Expr, factor: float, *names: str) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
        for name in names
    )


def wrong(frame: pl.DataFrame) -> set[tuple[str, date]]:
    judgement = judge_daily(frame, calendar=exchange(), whole_file=True)
    return {(f.symbol, f.session) for f in judgement.findings if f.severity is Severity.ERROR}


@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_a_crash_of_many_symbols_and_its_return_pass_in_the_first_sessions(at: int) -> None:
    fell, back = pl.col("session") == DAYS[at], pl.col("session") == DAYS[at + 1]
    frame = times(times(market(), fell, 0.6, "low", "close"), back, 0.6, "open", "low")

    assert wrong(times(frame, fell | back, 2.5, "volume")) == set()


@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_lows_of_half_the_price_in_all_symbols_pass_in_the_first_sessions(at: int) -> None:
    there = pl.col("session") == DAYS[at]
    frame = times(times(market(), there, 0.45, "low"), there, 6.0, "volume")

    assert wrong(frame) == set()


@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_a_low_of_half_the_price_in_one_symbol_alone_is_an_error_there(at: int) -> None:
    there = (pl.col("session") == DAYS[at]) & (pl.col("symbol") == "S3")

    assert wrong(times(market(), there, 0.45, "low")) == {("S3", DAYS[at])}


@pytest.mark.parametrize("rows", [3, 12, 60, 200])
@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_start_in_another_unit_is_the_error_and_not_the_rest(rows: int, factor: float) -> None:
    start = (pl.col("session") < DAYS[rows]) & (pl.col("symbol") == "S3")
    everywhere = pl.col("session") < DAYS[rows]

    assert wrong(times(market(), start, factor, *PRICES)) == {("S3", d) for d in DAYS[:rows]}
    assert wrong(times(market(), everywhere, factor, *PRICES)) == {
        (name, day) for name in NAMES for day in DAYS[:rows]
    }


def test_a_rest_in_another_unit_is_the_error_although_it_is_longer() -> None:
    rest = (pl.col("session") >= DAYS[5]) & (pl.col("symbol") == "S3")

    assert wrong(times(market(), rest, 100.0, *PRICES)) == {("S3", d) for d in DAYS[5:]}


def test_ten_shares_of_a_few_cents_joined_into_one_are_an_error_on_their_day_only() -> None:
    joined = pl.col("session") >= DAYS[100]
    cheap = times(quiet("S0", DAYS, 0.4), joined, 10.0, *PRICES)
    told = [
        pl.when(joined).then(pl.col(n).round(2)).otherwise(pl.col(n).round(4)).alias(n)
        for n in PRICES
    ]

    assert wrong(cheap.with_columns(told)) == {("S0", DAYS[100])}


def test_a_start_of_odd_prices_is_right_beside_weeks_in_cents() -> None:
    weeks = np.arange(len(DAYS)) // 5 % 2 == 1
    days = [day for day, odd in zip(DAYS, weeks, strict=True) if odd and day >= DAYS[60]]
    odd = pl.col("session") == DAYS[58]
    frame = times(market().filter(symbol="S3"), odd, 1.00137, *PRICES)

    spoiled = times(frame, pl.col("session").is_in(days), 100.0, *PRICES)
    judgement = judge_daily(spoiled, calendar=exchange(), whole_file=True)

    assert [f.session for f in judgement.findings if f.rule == "unit_is_right"] == days


@pytest.mark.parametrize("whole_file", [True, False])
def test_a_file_without_a_row_has_no_findings(*, whole_file: bool) -> None:
    empty = market().clear()

    judgement = judge_daily(empty, calendar=exchange(), whole_file=whole_file)

    assert judgement.findings == ()
    assert judgement.verdicts.is_empty()
