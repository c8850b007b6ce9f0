"""A file judged as a whole: real bars are clean, and what is planted is told with its line."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from adapters.market_data.files import read
from quality import inspection, told
from quality.calendar import exchange
from quality.context import Context
from quality.rules.model import UnreadableDeliveryError
from quality.told import Inspection, Told
from tests.unit.quality.market import index, rows, splits

FIRST, LAST = date(2005, 1, 3), date(2005, 6, 30)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def inspected(
    data: str | bytes, *, kind: Any = "daily", name: str = "AAPL.csv", **known: Any
) -> Inspection:
    raw = data.encode() if isinstance(data, str) else data
    delivery = read(io.BytesIO(raw), kind=kind, name=name)
    return inspection.inspect(delivery, context=Context(exchange(), now=NOW, **known))


def lines(symbol: str = "AAPL", first: date = FIRST, last: date = LAST) -> list[str]:
    return rows(symbol, first, last).write_csv().splitlines()


def of_rule(found: Inspection, rule: str) -> list[Told]:
    return [one for one in found.findings if one.rule == rule]


def errors(found: Inspection) -> set[str]:
    return {one.rule for one in found.findings if one.severity == "error"}


def test_real_bars_with_their_split_on_file_have_no_error() -> None:
    found = inspected("\n".join(lines()), actions=splits(), index=index())

    assert errors(found) == set()
    assert (found.rows, found.symbols) == (len(exchange().sessions(FIRST, LAST)), 1)
    assert (found.first_session, found.last_session) == (FIRST, LAST)


def test_a_file_whose_ticker_passed_to_another_firm_is_clean_where_the_actions_say_so() -> None:
    held = rows("AAPL", date(2005, 3, 1), date(2005, 6, 30))
    taken = rows("IBM", date(2005, 9, 1), date(2005, 12, 30)).with_columns(symbol=pl.lit("AAPL"))
    text = pl.concat([held, taken]).write_csv()
    raw = "Ticker,Date,Type,New Symbol\nAAPL,2005-07-01,Symbol Change,APPL\n"
    told_of = read(io.BytesIO(raw.encode()), kind="actions", name="actions.csv").frame

    assert errors(inspected(text)) == {"identity_is_continuous"}
    assert inspected(text, actions=told_of).is_clean


def test_a_finding_names_the_line_of_its_row() -> None:
    text = lines(last=date(2005, 2, 18))
    fields = text[20].split(",")
    text[20] = ",".join([*fields[:5], str(100 * float(fields[5])), fields[6]])

    found = inspected("\n".join(text), index=index())

    (unit,) = of_rule(found, "unit_is_right")
    assert unit.line == 21
    assert str(unit.session) == fields[1]
    assert not found.is_clean


def test_a_row_that_cannot_be_read_is_an_error_on_its_line() -> None:
    text = [*lines()[:40], "AAPL,someday,1,2,3,4,5"]

    (unread,) = of_rule(inspected("\n".join(text)), "row_is_readable")

    assert (unread.symbol, unread.session, unread.line) == ("AAPL", None, 41)
    assert unread.message == "Line 41 cannot be read: its session 'someday' is no date."


def test_a_session_left_out_is_told_and_a_month_of_silence_once() -> None:
    text = lines(first=date(2006, 1, 3), last=date(2006, 12, 29))
    gap = [line for line in text if not ("2006-05-01" <= line.split(",")[1] <= "2006-08-31")]
    hole = [line for line in gap if "2006-02-14" not in line]

    found = inspected("\n".join(hole), index=index())

    assert [str(one.session) for one in of_rule(found, "bar_arrived")] == ["2006-02-14"]
    (silent,) = of_rule(found, "history_has_no_gap")
    assert str(silent.session) == "2006-09-01"
    assert silent.figures["silent"] == 87


def test_a_split_in_the_file_itself_explains_its_jump() -> None:
    bars = rows("AAPL", FIRST, LAST).with_columns(
        pl.when(pl.col("session") == date(2005, 2, 28))
        .then(2.0)
        .otherwise(1.0)
        .alias("split_ratio")
    )

    told = inspected(bars.write_csv(), index=index())
    silent = inspected(bars.drop("split_ratio").write_csv(), index=index())

    assert errors(told) == set()
    assert "jump_is_no_unknown_split" in errors(silent)
    assert "1 corporate actions were taken from its columns." in told.notes


def test_an_adjusted_close_beside_the_raw_one_explains_a_split() -> None:
    before = pl.col("session") < date(2005, 2, 28)
    bars = rows("AAPL", FIRST, LAST).with_columns(
        (pl.col("close") / pl.when(before).then(2.0).otherwise(1.0)).alias("Adj Close")
    )

    assert errors(inspected(bars.write_csv(), index=index())) == set()


def test_actions_are_not_applied_to_prices_that_hold_them() -> None:
    old, one = date(2000, 6, 1), date(2005, 2, 28)
    factor = pl.when(pl.col("session") < date(2000, 6, 21)).then(4.0).when(pl.col("session") < one)
    adjusted = rows("AAPL", old, LAST).with_columns(
        pl.col("open", "high", "low", "close") / factor.then(2.0).otherwise(1.0),
        pl.col("volume") * factor.then(2).otherwise(1),
    )

    found = inspected(adjusted.write_csv(), actions=splits(), index=index())

    assert not {"split_shows_in_price", "split_ratio_is_not_inverted"} & errors(found)
    assert any("adjusted" in note for note in found.notes)


def test_a_close_that_leaves_its_ratio_to_the_adjusted_one_is_told() -> None:
    bars = rows("AAPL", FIRST, date(2005, 2, 18)).with_columns(
        (pl.col("close") / 2).alias("adj_close"),
        pl.when(pl.col("session") == date(2005, 2, 1))
        .then(pl.col("close") * 1.05)
        .otherwise("close")
        .alias("close"),
    )

    found = of_rule(inspected(bars.write_csv(), index=index()), "close_agrees_with_adjusted")

    assert [one.session for one in found] == [date(2005, 2, 1)]


def _minutes(sessions: list[date], symbol: str = "AAPL") -> pl.DataFrame:
    calendar = exchange()
    stamps = [calendar.open(day) + timedelta(minutes=n) for day in sessions for n in range(390)]
    price = [600 + 0.01 * (n % 7) for n in range(len(stamps))]
    return pl.DataFrame(
        {"symbol": symbol, "bar_start": stamps, "open": price, "high": [p + 0.02 for p in price],
         "low": [p - 0.02 for p in price], "close": price,
         "volume": [1000 + 13 * (n % 11) for n in range(len(stamps))]}
    )  # fmt: skip


def test_minutes_judged_in_parts_are_judged_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    days = list(exchange().sessions(date(2012, 7, 2), date(2012, 7, 10)))[1:]
    days.remove(date(2012, 7, 3))  # a half day
    bars = _minutes(days)
    bad = pl.col("bar_start") == exchange().open(days[2]) + timedelta(minutes=200)
    planted = bars.with_columns(
        pl.when(bad).then(pl.col("high") * 1.2).otherwise("high").alias("high")
    ).write_csv()

    whole = inspected(planted, kind="minute")
    monkeypatch.setattr(inspection, "_ROWS_AT_ONCE", 500)
    parts = inspected(planted, kind="minute")

    assert parts.by_rule == whole.by_rule
    assert [(f.bar_start, f.line) for f in parts.findings] == [
        (f.bar_start, f.line) for f in whole.findings
    ]
    (tick,) = of_rule(parts, "minute_is_no_bad_tick")
    assert tick.bar_start == exchange().open(days[2]) + timedelta(minutes=200)


def test_the_findings_listed_are_limited_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(told, "MOST_OF_A_RULE", 5)
    text = lines()
    broken = [text[0], *(line.rpartition(",")[0] + ",-1" for line in text[1:])]

    found = inspected("\n".join(broken))

    assert found.by_rule["volume_is_not_negative"] == len(text) - 1
    assert len(of_rule(found, "volume_is_not_negative")) == 5


def test_notes_alone_are_clean() -> None:
    text = lines(last=date(2005, 1, 20))

    found = inspected("\n".join([*text, text[-1]]))

    assert found.by_severity() == {"error": 0, "warning": 0, "note": 1}
    assert found.is_clean


def test_a_file_of_which_no_row_names_its_symbol_is_unreadable() -> None:
    nameless = "symbol,session,open,high,low,close,volume\n,2012-07-13,1,1,1,1,9\n"

    with pytest.raises(UnreadableDeliveryError, match="None of the 1 rows names both"):
        inspected(nameless)


def in_one_file(*symbols: str) -> pl.DataFrame:
    return pl.concat(rows(symbol, FIRST, LAST) for symbol in symbols)


def test_a_symbol_in_cents_from_end_to_end_is_told_once_beside_others_in_dollars() -> None:
    prices = ("open", "high", "low", "close")
    frame = in_one_file("IBM", "GOOG", "MSFT")
    cents = [
        pl.when(pl.col("symbol") == "MSFT").then((pl.col(n) * 100).round(0)).otherwise(n).alias(n)
        for n in prices
    ]

    found = inspected(frame.with_columns(cents).write_csv(), name="three.csv")

    (told_of,) = of_rule(found, "prices_have_cents")
    assert (told_of.symbol, told_of.severity) == ("MSFT", "warning")
    assert errors(found) == set()


def test_a_dear_share_without_cents_that_hardly_trades_is_no_symbol_in_cents() -> None:
    frame = in_one_file("IBM", "GOOG", "MSFT")
    dear = [
        *((pl.col(n) * 1_000).round(0).alias(n) for n in ("open", "high", "low", "close")),
        (pl.col("volume") // 100_000).alias("volume"),
        pl.lit("BRKA").alias("symbol"),
    ]
    both = pl.concat([frame, rows("IBM", FIRST, LAST).with_columns(dear)])

    assert of_rule(inspected(both.write_csv(), name="four.csv"), "prices_have_cents") == []
