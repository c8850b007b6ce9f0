"""The rate of cash that stands beside a session's returns is the one that was known."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from assets.absolute import cash_rates
from assets.desk_time import decision_time
from warehouse import Warehouse, index
from warehouse.place import Place

# Thursday to Tuesday over a weekend, as days since 1970-01-01.
DAYS = (
    pl.Series([date(2012, 6, 28), date(2012, 6, 29), date(2012, 7, 2), date(2012, 7, 3)])
    .to_physical()
    .to_numpy()
)


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


def stored(warehouse: Warehouse, told: dict[date, float], *, known: date | None = None) -> None:
    rows = pl.DataFrame(
        {
            "session": list(told),
            "annual_rate": list(told.values()),
            "source": "t",
            "known_at": [decision_time(known or day) for day in told],
        }
    )
    with warehouse.writer("market.rates") as conn:
        index.append_rates(conn, rows)


def test_a_rate_stands_until_the_next_and_none_before_the_first(warehouse: Warehouse) -> None:
    stored(warehouse, {date(2012, 6, 29): 0.01, date(2012, 7, 3): 0.02})

    np.testing.assert_array_equal(cash_rates(warehouse, DAYS), [np.nan, 0.01, 0.01, 0.02])


def test_a_rate_that_was_told_after_the_last_session_is_not_known(warehouse: Warehouse) -> None:
    stored(warehouse, {date(2012, 6, 1): 0.01})
    stored(warehouse, {date(2012, 6, 29): 0.05}, known=date(2012, 7, 5))

    np.testing.assert_array_equal(cash_rates(warehouse, DAYS), np.full(4, 0.01))


def test_without_any_rate_or_session_nothing_is_known(warehouse: Warehouse) -> None:
    assert np.isnan(cash_rates(warehouse, DAYS)).all()
    assert cash_rates(warehouse, DAYS[:0]).size == 0
