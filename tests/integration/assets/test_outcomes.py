"""What became of predictions, also of symbols that left."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.predictions import _score
from config import universe
from config.universe import Listing
from quality.calendar import exchange
from tests.integration.warehouse.rows import act, append, bar, frame, judge
from warehouse import Warehouse, index, migrate, predictions
from warehouse.place import Place

SESSIONS = exchange().sessions(date(2012, 7, 5), date(2012, 7, 18))
HORIZON = 5
LAST_TRADE = SESSIONS[3]  # of GONE


@pytest.fixture
def warehouse(postgres_dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    """GONE trades four sessions, STAYS and the index all; each is forecast after the first."""
    place = Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")
    migrate.upgrade_place(place)
    made = Warehouse(place)
    for n, session in enumerate(SESSIONS):
        at = decision_time(session)
        for symbol in ("STAYS", *(("GONE",) if session <= LAST_TRADE else ())):
            append(made, bar(symbol, session, 100.0, open=100.0 - n, known_at=at))
            judge(made, symbol, session, "passed", known_at=at)
        point = bar("SPX", session, 1000.0 + 10 * n, open=1000.0, known_at=at)
        with made.writer("market.index_bars") as conn:
            index.append_bars(conn, frame(point))
    predicted(made, "GONE", SESSIONS[0])
    predicted(made, "STAYS", SESSIONS[0])
    yield made
    made.close()


def predicted(warehouse: Warehouse, symbol: str, session: date) -> None:
    row = {
        "symbol": symbol, "session": session, "model_version": "m/1", "kind": "live",
        "probability": 0.7, "margin": 0.1, "expected_return": 0.01, "low": -0.02, "high": 0.03,
        "horizon": HORIZON, "volatility": 0.2, "contributions": "[]", "feature_version": "f",
        "snapshot_id": 1, "simulated": False, "known_at": decision_time(session),
    }  # fmt: skip
    rows = pl.DataFrame([row], schema=predictions.SCHEMA)
    warehouse.write(lambda conn: predictions.record(conn, rows), "models.predictions")


def outcomes(warehouse: Warehouse, session: date) -> dict[str, tuple[object, date]]:
    """Score as of a session with STAYS no longer in the universe; return all that is scored."""
    desk = universe.load().model_copy(
        update={"symbols": (Listing(symbol="OTHER", label="o", sector="x"),)}
    )
    _score(warehouse, desk, session, decision_time(session))
    with warehouse.reader() as conn:
        found = predictions.matured(conn, as_of=decision_time(session))
    told = found.select("symbol", "excess_return", "matured_session").iter_rows()
    return {symbol: (excess, until) for symbol, excess, until in told}


def test_a_prediction_of_a_symbol_that_left_the_universe_is_scored(warehouse: Warehouse) -> None:
    told = outcomes(warehouse, SESSIONS[-1])

    # From the open of the second session, 99, to that of the seventh, 94; the index stood still.
    assert told == {"STAYS": (pytest.approx(94 / 99 - 1), SESSIONS[1 + HORIZON])}


def test_a_prediction_of_a_symbol_that_was_delisted_is_scored_to_its_last_close(
    warehouse: Warehouse,
) -> None:
    gone = SESSIONS[4]
    act(warehouse, {
        "symbol": "GONE", "ex_date": gone, "kind": "delisting", "known_at": decision_time(gone),
    })  # fmt: skip
    predicted(warehouse, "GONE", LAST_TRADE)  # nobody could enter after it

    assert outcomes(warehouse, LAST_TRADE) == {}
    # From the open of the second session, 99, to the last close, 100; the index from 1000 to 1030.
    assert outcomes(warehouse, gone) == {"GONE": (pytest.approx(100 / 99 - 1 - 0.03), LAST_TRADE)}


def test_a_symbol_that_only_has_no_bar_is_not_taken_for_gone(warehouse: Warehouse) -> None:
    assert "GONE" not in outcomes(warehouse, SESSIONS[-1])
