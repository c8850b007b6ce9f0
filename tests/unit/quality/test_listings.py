"""Tickers that end, change and are given to other firms: no firm is judged by another's past."""

from datetime import date

import polars as pl
import pytest

from adapters.market_data import generated
from quality.calendar import exchange
from quality.rules.daily import judge_daily
from quality.rules.model import Finding, Judgement, Severity
from tests.unit.quality.market import quiet

DAYS = exchange().sessions(date(2015, 1, 2), date(2015, 12, 31))
EVENTFUL = generated.Events(
    listed_late=0.6, delisted=1.5, renamed=1.5, reused=1.0, idle=4, distressed=0.4,
)  # fmt: skip


def told(*rows: tuple[str, date, str, str | None]) -> pl.DataFrame:
    schema = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "detail": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def errors(judgement: Judgement) -> list[Finding]:
    return [f for f in judgement.findings if f.severity is Severity.ERROR]


def judged(frame: pl.DataFrame, actions: pl.DataFrame | None, *, whole_file: bool) -> Judgement:
    return judge_daily(frame, calendar=exchange(), actions=actions, whole_file=whole_file)


def times(frame: pl.DataFrame, symbol: str, day: date, factor: float) -> pl.DataFrame:
    there = (pl.col("symbol") == symbol) & (pl.col("session") == day)
    return frame.with_columns(
        pl.when(there).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close")
    )


REUSED = pl.concat([quiet("A", DAYS[:80], 100.0), quiet("A", DAYS[95:200], 12.0, seed=2)])


@pytest.mark.parametrize("whole_file", [True, False])
@pytest.mark.parametrize("at", [79, 80, 84])  # the last trade, the day after, the filing
def test_a_reused_ticker_is_another_firm_where_its_end_is_on_file(
    at: int, *, whole_file: bool
) -> None:
    judgement = judged(REUSED, told(("A", DAYS[at], "delisting", None)), whole_file=whole_file)

    assert errors(judgement) == []
    assert set(judgement.verdicts["symbol"]) == {"A"}
    assert judgement.passed.height == REUSED.height


@pytest.mark.parametrize("whole_file", [True, False])
def test_a_reuse_that_nobody_announced_is_found(*, whole_file: bool) -> None:
    found = sorted(errors(judged(REUSED, None, whole_file=whole_file)), key=lambda f: f.session)

    assert (found[0].session, found[0].rule) == (DAYS[95], "identity_is_continuous")
    # Who trades another company's name next misses no bar of the first one's.
    assert {f.rule for f in found} <= {"identity_is_continuous", "level_is_explained"}


def test_a_delisting_that_did_not_happen_parts_nothing() -> None:
    frame = times(quiet("A", DAYS[:120], 50.0), "A", DAYS[60], 1.6)

    found = errors(judged(frame, told(("A", DAYS[60], "delisting", None)), whole_file=True))

    assert [f.session for f in found] == [DAYS[60]]


@pytest.mark.parametrize("whole_file", [True, False])
def test_a_firm_is_measured_by_its_history_under_the_old_symbol(*, whole_file: bool) -> None:
    whole = quiet("OLD", DAYS[:120], 40.0)
    later = pl.when(pl.col("session") >= DAYS[60]).then(pl.lit("NEW")).otherwise(pl.lit("OLD"))
    frame = times(whole.with_columns(later.alias("symbol")), "NEW", DAYS[60], 100.0)

    found = errors(
        judged(frame, told(("OLD", DAYS[60], "symbol_change", "NEW")), whole_file=whole_file)
    )

    assert [(f.symbol, f.session, f.rule) for f in found] == [("NEW", DAYS[60], "unit_is_right")]
    assert "\x1f" not in found[0].message


def test_a_symbol_given_up_and_taken_on_the_same_day_is_two_firms() -> None:
    # As GOOG became GOOGL on 2014-04-03 and the new class took GOOG; here at another price.
    first = quiet("GOOG", DAYS[:60], 1100.0)
    renamed = quiet("GOOGL", DAYS[60:120], 1100.0, seed=3)
    other = quiet("GOOG", DAYS[60:120], 30.0, seed=4)
    level = first["close"][-1] / renamed["open"][0]
    renamed = renamed.with_columns(pl.col("open", "high", "low", "close") * level)
    actions = told(("GOOG", DAYS[60], "symbol_change", "GOOGL"))

    assert errors(judged(pl.concat([first, renamed, other]), actions, whole_file=True)) == []


def test_a_gap_over_a_change_of_symbols_names_the_ticker_of_each_day() -> None:
    kept = [*DAYS[:58], *DAYS[62:120]]
    later = pl.when(pl.col("session") >= DAYS[60]).then(pl.lit("NEW")).otherwise(pl.lit("OLD"))
    frame = quiet("OLD", kept, 40.0).with_columns(later.alias("symbol"))

    found = errors(judged(frame, told(("OLD", DAYS[60], "symbol_change", "NEW")), whole_file=True))

    assert [(f.symbol, f.session) for f in found] == [
        ("OLD", DAYS[58]), ("OLD", DAYS[59]), ("NEW", DAYS[60]), ("NEW", DAYS[61]),
    ]  # fmt: skip


def test_nobody_expects_a_bar_between_two_holders_of_a_ticker() -> None:
    actions = told(("A", DAYS[80], "delisting", None))

    judgement = judge_daily(
        REUSED, calendar=exchange(), actions=actions, expected=["A"], sessions=DAYS[:200]
    )

    assert errors(judgement) == []


@pytest.mark.parametrize("whole_file", [True, False])
def test_no_bar_of_a_market_full_of_changes_is_called_wrong(*, whole_file: bool) -> None:
    market = generated.market(
        exchange().sessions(date(2014, 1, 2), date(2015, 6, 30)), symbols=60, seed=1,
        events=EVENTFUL,
    )  # fmt: skip
    actions = market.actions.rename({"session": "ex_date"})

    judgement = judged(market.daily.select(REUSED.columns), actions, whole_file=whole_file)

    assert errors(judgement) == []
    assert judgement.passed.height == market.daily.height


def test_an_unannounced_heir_of_a_generated_market_is_found() -> None:
    market = generated.market(
        exchange().sessions(date(2014, 1, 2), date(2015, 6, 30)), symbols=60, seed=1,
        events=EVENTFUL,
    )  # fmt: skip
    told_of = market.actions.rename({"session": "ex_date"})
    silent = told_of.filter(pl.col("kind").is_in(["split", "cash_dividend"]))
    frame = market.daily.select(REUSED.columns)
    # A ticker's next holder trades at less than half or more than twice the price.
    holders = market.firms.sort("symbol", "first").with_columns(
        pl.col("last").shift(1).over("symbol").alias("left")
    )
    heirs = holders.filter(pl.col("left").is_not_null()).select("symbol", "first", "left")
    close = frame.select("symbol", "session", "close")
    far = (
        heirs.join(close, left_on=["symbol", "first"], right_on=["symbol", "session"])
        .join(close, left_on=["symbol", "left"], right_on=["symbol", "session"], suffix="_left")
        .filter((pl.col("close") / pl.col("close_left")).log().abs() > 1.0)
    )

    found = {(f.symbol, f.session) for f in errors(judged(frame, silent, whole_file=False))}

    assert far.height >= 5
    assert set(far.select("symbol", "first").iter_rows()) <= found
