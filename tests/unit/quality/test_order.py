"""Rows sorted as numbers lie as rows sorted as words do."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.rules.order import by_time, in_order

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
INSTANTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
SYMBOLS = st.sampled_from(["A", "A\x1f2", "AA", "B", "BRK.B", "Ä", "", "Z"])


@given(st.lists(st.tuples(SYMBOLS, DAYS)) | st.lists(st.tuples(SYMBOLS, INSTANTS)))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_rows_lie_as_a_stable_sort_of_words_lays_them(keys: list[tuple[str, Any]]) -> None:
    kind = pl.Datetime("us", "UTC") if keys and isinstance(keys[0][1], datetime) else pl.Date()
    schema = {"symbol": pl.String(), "at": kind}
    frame = pl.DataFrame(keys, schema=schema, orient="row").with_row_index("row")

    assert in_order(frame, "at").equals(frame.sort("symbol", "at", maintain_order=True))
    assert by_time(frame, "at").equals(frame.sort("at", "symbol", maintain_order=True))


@pytest.mark.parametrize("sorted_by", [in_order, by_time])
def test_more_keys_than_one_number_tells_apart_are_sorted_all_the_same(
    sorted_by: Callable[[pl.DataFrame, str], pl.DataFrame],
) -> None:
    ends = [datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
    frame = pl.DataFrame(
        [(f"S{n:02}", end) for end in ends for n in reversed(range(40))],
        schema={"symbol": pl.String, "at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    keys = ("symbol", "at") if sorted_by is in_order else ("at", "symbol")

    assert sorted_by(frame, "at").equals(frame.sort(keys))
