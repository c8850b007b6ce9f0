"""What firms were worth, by what was known of their shares after each close."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest

from adapters.market_data import fundamentals
from assets.capitals import capitals
from tests.integration.warehouse.rows import act, split
from warehouse import Warehouse
from warehouse.place import Place

BEFORE, AFTER = date(2005, 2, 25), date(2005, 2, 28)  # a 2-for-1 split of AAPL between the two


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


def firm(symbol: str, known: date, **figures: float) -> pl.DataFrame:
    row = {"symbol": symbol, "known_at": datetime(known.year, known.month, known.day, tzinfo=UTC)}
    return pl.concat([fundamentals.none(), pl.DataFrame([row | figures])], how="diagonal")


def test_a_value_is_the_shares_known_then_times_the_close(warehouse: Warehouse) -> None:
    act(warehouse, split("AAPL", AFTER, 2.0))
    firms = pl.concat(
        [
            firm("AAPL", date(2005, 2, 1), shares_outstanding=400e6),
            firm("AAPL", date(2005, 5, 1), shares_outstanding=830e6),
            firm("MSFT", date(2005, 2, 1), market_cap=280e9),
        ]
    )
    closes = {"AAPL": 89.0, "MSFT": None, "IBM": 92.8}

    assert capitals(warehouse, firms, closes, BEFORE) == {"AAPL": 400e6 * 89.0, "MSFT": 280e9}
    # Shares counted before the split have doubled; the later count holds them already.
    assert capitals(warehouse, firms, closes | {"AAPL": 44.5}, AFTER)["AAPL"] == 800e6 * 44.5
    assert capitals(warehouse, firms, {"AAPL": 37.0}, date(2005, 6, 1)) == {"AAPL": 830e6 * 37.0}


def test_nothing_is_made_up_without_a_source_or_a_close(warehouse: Warehouse) -> None:
    firms = firm("AAPL", date(2005, 3, 1), shares_outstanding=400e6)

    assert capitals(warehouse, firms, {"AAPL": 89.0, "IBM": 92.8}, BEFORE) == {}  # known later
    assert capitals(warehouse, firms, {"AAPL": None}, date(2005, 3, 2)) == {}
    assert capitals(warehouse, fundamentals.none(), {"IBM": 92.8}, AFTER) == {}
