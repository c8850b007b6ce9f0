from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.frames import conformed, in_order, registered, require_aware, selected

SCHEMA = {"symbol": pl.String, "volume": pl.Int64, "feed": pl.String}


def test_rows_take_the_types_and_order_of_the_table() -> None:
    frame = pl.DataFrame({"volume": [1.0], "extra": [0], "symbol": ["A"]})

    rows = conformed(frame, SCHEMA, table="t", defaults={"feed": None})

    assert rows.schema == pl.Schema(SCHEMA)
    assert rows.row(0) == ("A", 1, None)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"Rows for t must have the columns volume, feed"):
        conformed(pl.DataFrame({"symbol": ["A"]}), SCHEMA, table="t")


def test_a_null_where_a_value_is_needed_is_refused() -> None:
    frame = pl.DataFrame({"symbol": ["A", None], "volume": [1, 2]})

    with pytest.raises(ValueError, match="must have a value in symbol"):
        conformed(frame, SCHEMA, table="t", defaults={"feed": None})


def test_a_value_that_does_not_fit_is_refused() -> None:
    frame = pl.DataFrame({"symbol": ["A"], "volume": ["many"]})

    with pytest.raises(ValueError, match="do not fit its columns"):
        conformed(frame, SCHEMA, table="t", defaults={"feed": None})


def test_a_registered_frame_is_readable_within_its_block_only() -> None:
    con = duckdb.connect()

    with registered(con, "delivered", pl.DataFrame({"n": [1, 2]})):
        assert selected(con, "select sum(n)::int as s from delivered").row(0) == (3,)
    with pytest.raises(duckdb.CatalogException):
        con.execute("select * from delivered")


def test_an_instant_needs_a_time_zone() -> None:
    assert require_aware(datetime(2012, 7, 2, tzinfo=UTC), name="as_of").year == 2012
    with pytest.raises(ValueError, match="`as_of` must be an aware instant"):
        require_aware(datetime(2012, 7, 2, tzinfo=UTC).replace(tzinfo=None), name="as_of")


@pytest.mark.parametrize("by", [("symbol", "session"), ("session", "symbol")])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    keys=st.lists(
        st.tuples(
            st.sampled_from(["A", "AA", "B", "ÄG", "Z9"]),
            st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        )
    )
)
def test_rows_are_sorted_as_words_and_days_are_and_equal_ones_stay_in_their_order(
    by: tuple[str, str], keys: list[tuple[str, date]]
) -> None:
    schema = {"symbol": pl.String, "session": pl.Date}
    frame = pl.DataFrame(keys, schema=schema, orient="row").with_row_index()

    assert in_order(frame, by).equals(frame.sort(by, maintain_order=True))
