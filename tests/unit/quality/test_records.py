"""A file of corporate actions judged by itself."""

from datetime import date
from typing import Any

import polars as pl

from quality.calendar import exchange
from quality.rules.records import judge_actions

SCHEMA = {
    "symbol": pl.String,
    "session": pl.Date,
    "kind": pl.String,
    "ratio": pl.Float64,
    "amount": pl.Float64,
    "detail": pl.String,
}
Record = tuple[Any, ...]


def wrong(*records: Record) -> list[tuple[str, str, date]]:
    judgement = judge_actions(
        pl.DataFrame(records, schema=SCHEMA, orient="row"),
        calendar=exchange(),
        until=date(2013, 1, 7),
    )
    return [(f.rule, f.symbol, f.session) for f in judgement.findings]


def test_a_symbol_that_changes_to_itself_is_told() -> None:
    day = date(2012, 6, 6)

    changes = [
        ("FB", day, "symbol_change", None, None, "META"),
        ("BBRY", day, "symbol_change", None, None, "bbry "),
        ("RIM", day, "symbol_change", None, None, None),
    ]

    assert wrong(*changes) == [("symbol_changes", "BBRY", day)]


def test_an_action_far_ahead_has_the_wrong_year() -> None:
    announced = ("KO", date(2013, 6, 12), "dividend", None, 0.28, None)
    typo = ("KO", date(2103, 3, 12), "dividend", None, 0.28, None)

    assert wrong(announced, typo) == [("day_is_near", "KO", date(2103, 3, 12))]


def test_a_split_on_file_the_wrong_way_does_not_condemn_the_dividends_after_it() -> None:
    days = [exchange().next(date(2012, month, 8)) for month in range(1, 13)]
    # Ten shares became one: ten times as much is paid, and the ratio stands upside down.
    paid = [("A", day, "dividend", None, 1.0 if day.month > 10 else 0.1, None) for day in days]
    split = ("A", exchange().next(date(2012, 10, 24)), "split", 10.0, None, None)

    assert wrong(*paid, split) == []
    cents = [*paid[:5], (*paid[5][:4], 10.0, None), *paid[6:]]
    assert wrong(*cents, split) == [("dividend_is_in_proportion", "A", days[5])]
