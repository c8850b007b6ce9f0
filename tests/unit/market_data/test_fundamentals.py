"""What a person tells of firms' shares and value, and since when it is known."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import fundamentals
from adapters.market_data.errors import UnusableTableError


def read(home: Path, text: str) -> pl.DataFrame:
    file = home / "fundamentals.csv"
    file.write_text(text)
    return fundamentals.table(file)


def test_the_newest_row_that_was_known_counts(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "symbol,known_at,shares_outstanding,market_cap\n"
        "IBM,2012-04-24,1160000000,\n"
        "IBM,2012-07-31T21:00Z,1140000000,\n"
        "MSFT,2012-04-19,,271000000000\n",
    )

    def shares(day: int, hour: int) -> list[float]:
        known = fundamentals.known(rows, as_of=datetime(2012, 7, day, hour, tzinfo=UTC))
        return known.filter(symbol="IBM")["shares_outstanding"].to_list()

    assert shares(31, 20) == [1.16e9]
    assert shares(31, 21) == [1.14e9]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol,known_at,eps\nIBM,2012-04-24,3\n", "lacks shares_outstanding and market_cap"),
        ("symbol,shares_outstanding\nIBM,3\n", "lacks known_at"),
        ("symbol,known_at,market_cap\nIBM,2012-04-24,-3\n", "Line 2 .* '-3'"),
        ("symbol,known_at,market_cap\nIBM,,3\n", "Line 2 .* known_at None"),
    ],
)
def test_a_table_that_is_none_is_refused_by_name_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UnusableTableError, match=told):
        read(tmp_path, text)
