"""Days made from a half-day's minutes, beside official bars worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from assets.minute_days import days_made
from quality.calendar import exchange
from quality.rules.model import Severity

HALF_DAY = date(2012, 7, 3)  # 09:30 to 13:00, 210 minutes
OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)


def minutes(symbol: str, first: int = 0, last: int = 209, factor: float = 1.0) -> pl.DataFrame:
    """A price of 100 that rises by a cent a minute; 100 shares each."""
    rows = [
        {
            "symbol": symbol, "session": HALF_DAY, "bar_start": OPEN + timedelta(minutes=n),
            "open": (100 + n / 100) * factor, "high": (100 + n / 100) * factor,
            "low": (100 + n / 100) * factor, "close": (100 + n / 100) * factor, "volume": 100.0,
        }
        for n in range(first, last + 1)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.col("bar_start").cast(pl.Datetime("us", "UTC")))


def official(*symbols: str) -> pl.DataFrame:
    bar: dict[str, Any] = {
        "session": HALF_DAY, "open": 100.0, "high": 102.09, "low": 100.0, "close": 102.09,
        "volume": 21_000,
    }  # fmt: skip
    return pl.DataFrame([{"symbol": symbol} | bar for symbol in symbols])


def test_days_that_agree_are_counted_and_nobody_is_told() -> None:
    # Minutes before the opening and after the early close are no part of the day.
    found = days_made(minutes("A", first=-5, last=215), official("A"), exchange())

    assert dict(found.reasons) == {"agrees": 1}
    assert found.findings == ()


def test_each_symbol_has_its_own_reason() -> None:
    delivered = pl.concat(
        [minutes("WHOLE"), minutes("SHORT", last=149), minutes("SPLIT", factor=0.5)]
    )

    found = days_made(delivered, official("SHORT", "SPLIT", "WHOLE", "ABSENT"), exchange())

    assert dict(found.reasons) == {"agrees": 1, "minutes_missing": 1, "other_basis": 1}
    short, split = found.findings
    assert (short.symbol, short.session, short.severity) == ("SHORT", HALF_DAY, Severity.NOTE)
    assert (short.figures["minutes_present"], short.figures["reason"]) == (150, "minutes_missing")
    # 150 of 210 minutes have 15,000 of 21,000 shares.
    assert "make a volume of 15,000.00, the official day has 21,000.00" in short.message
    assert (split.symbol, split.severity) == ("SPLIT", Severity.WARNING)
    assert split.figures["close_differs"] == -0.5


def test_the_same_delivery_has_the_same_findings_again() -> None:
    delivered = minutes("A", last=100)

    once, again = (days_made(delivered, official("A"), exchange()) for _ in range(2))

    assert [f.finding_id for f in once.findings] == [f.finding_id for f in again.findings]


def test_without_official_bars_there_is_nothing_to_compare() -> None:
    found = days_made(minutes("A"), official("B"), exchange())

    assert (dict(found.reasons), found.findings) == ({}, ())
