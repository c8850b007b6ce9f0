"""What research says of a session, and which symbols nothing can be decided about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.desk_time import decision_time
from assets.proposing import Known, known_of, why_not
from config import universe
from quality.calendar import exchange
from quant.features import DAILY
from tests.integration.warehouse.rows import DAY, act, append, bar, dividend, judge
from warehouse import Warehouse, features, migrate
from warehouse.place import Place

SESSION = exchange().next(DAY)


@pytest.fixture
def warehouse(postgres_dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    """Two judged sessions of IBM and MSFT."""
    place = Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")
    migrate.upgrade_place(place)
    made = Warehouse(place)
    with made.writer("features.versions") as conn:
        features.register(conn, DAILY.version, DAILY.names)
    for symbol in ("IBM", "MSFT"):
        for session in (DAY, SESSION):
            append(made, bar(symbol, session, known_at=decision_time(session)))
            judge(made, symbol, session, "passed", known_at=decision_time(session))
    yield made
    made.close()


def known(warehouse: Warehouse) -> Known:
    return known_of(warehouse, universe.load(), SESSION, ("model",))


def test_a_symbol_with_a_dividend_above_its_price_is_held_back_and_says_why(
    warehouse: Warehouse,
) -> None:
    act(warehouse, dividend("IBM", SESSION, 400.0))

    told = known(warehouse)

    assert set(told.held_back) == {"IBM", *universe.load().names} - {"MSFT"}
    code, sentence = why_not(told, "IBM", is_held=True) or ("", "")
    assert code == "data_held_back"
    assert "400.00 USD, is not below the close before it, 10.00 USD" in sentence
    assert (why_not(told, "MSFT", is_held=True) or ("",))[0] == "no_prediction"
