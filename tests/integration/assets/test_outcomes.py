"""What became of predictions, also of symbols that left."""

from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from assets.desk_time import decision_time
from assets.predictions import GONE_AFTER, _score
from config import universe
from config.universe import Listing
from quality.calendar import exchange
from tests.integration.warehouse.rows import act, append, bar, frame
from warehouse import Warehouse, index, predictions, verdicts
from warehouse.place import Place

SESSIONS = exchange().sessions(date(2012, 7, 5), date(2012, 7, 18))
HORIZON = 5
LAST_TRADE = SESSIONS[3]  # of GONE


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    """GONE trades four sessions, STAYS and the index all; each is forecast after the first."""
    made = Warehouse(desk_place)
    trades(made, "GONE", *SESSIONS[:4])
    trades(made, "STAYS", *SESSIONS)
    points = [
        bar("SPX", day, 1000.0 + 10 * n, open=1000.0, known_at=decision_time(day))
        for n, day in enumerate(SESSIONS)
    ]
    with made.writer("market.index_bars") as conn:
        index.append_bars(conn, frame(*points))
    predicted(made, "GONE", SESSIONS[0])
    predicted(made, "STAYS", SESSIONS[0])
    yield made
    made.close()


def trades(warehouse: Warehouse, symbol: str, *days: date, status: str = "passed") -> None:
    """Bars that open one lower each session, from 100, and close at 100; and their verdicts."""
    known = {day: decision_time(day) for day in days}
    append(warehouse, *(
        bar(symbol, day, 100.0, open=100.0 - SESSIONS.index(day), known_at=at)
        for day, at in known.items()
    ))  # fmt: skip
    told = [
        {
            "dataset": "daily_bars", "symbol": symbol, "session": day, "status": status,
            "checks": 12, "checks_passed": 12, "known_at": at,
        }
        for day, at in known.items()
    ]  # fmt: skip
    with warehouse.writer("quality.verdicts") as conn:
        verdicts.record(conn, pl.DataFrame(told))


def predicted(warehouse: Warehouse, symbol: str, session: date) -> None:
    row = {
        "symbol": symbol, "session": session, "model_version": "m/1", "kind": "live",
        "probability": 0.7, "margin": 0.1, "expected_return": 0.01, "low": -0.02, "high": 0.03,
        "horizon": HORIZON, "volatility": 0.2, "contributions": "[]", "feature_version": "f",
        "snapshot_id": 1, "simulated": False, "known_at": decision_time(session),
    }  # fmt: skip
    rows = pl.DataFrame([row], schema=predictions.SCHEMA)
    warehouse.write(lambda conn: predictions.record(conn, rows), "models.predictions")


def outcomes(
    warehouse: Warehouse, session: date, *, asked: str = "OTHER", unscorable: int = 0
) -> dict[str, tuple[object, date]]:
    """Score as of a session with one symbol in the universe; return all that is scored."""
    desk = universe.load().model_copy(
        update={"symbols": (Listing(symbol=asked, label="o", sector="x"),)}
    )
    told = _score(warehouse, desk, session, decision_time(session))
    with warehouse.reader() as conn:
        found = predictions.matured(conn, as_of=decision_time(session))
    assert told.unscorable == unscorable
    scored = found.select("symbol", "excess_return", "matured_session").iter_rows()
    return {symbol: (excess, until) for symbol, excess, until in scored}


def a_month_later(warehouse: Warehouse, n_sessions: int = GONE_AFTER) -> date:
    """The index goes on for so many sessions after GONE's last one; return the last of them."""
    days = exchange().sessions(LAST_TRADE, date(2012, 12, 31))[: n_sessions + 1]
    points = [
        bar("SPX", day, 1060.0, open=1000.0, known_at=decision_time(day))
        for day in days
        if day > SESSIONS[-1]
    ]
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, frame(*points))
    return days[-1]


def changed(warehouse: Warehouse, old: str, new: str, day: date) -> None:
    act(warehouse, {
        "symbol": old, "ex_date": day, "kind": "symbol_change", "detail": new,
        "known_at": decision_time(day),
    })  # fmt: skip


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


def test_a_delisted_symbol_whose_last_bar_is_held_back_waits_for_the_steward(
    warehouse: Warehouse,
) -> None:
    """The close before the held bar may be far above what a holder was left with."""
    gone = SESSIONS[5]
    trades(warehouse, "GONE", SESSIONS[4], status="held")
    act(warehouse, {
        "symbol": "GONE", "ex_date": gone, "kind": "delisting", "known_at": decision_time(gone),
    })  # fmt: skip
    assert "GONE" not in outcomes(warehouse, gone)

    last = a_month_later(warehouse, GONE_AFTER + 1)
    assert "GONE" not in outcomes(warehouse, exchange().previous(last))
    # Nobody released it for a month: the last close that is believed counts.
    assert outcomes(warehouse, last)["GONE"] == (pytest.approx(100 / 99 - 1 - 0.03), LAST_TRADE)


def test_a_symbol_that_only_has_no_bar_is_not_taken_for_gone(warehouse: Warehouse) -> None:
    assert "GONE" not in outcomes(warehouse, SESSIONS[-1])


def test_a_prediction_of_a_symbol_that_changed_follows_the_firm(warehouse: Warehouse) -> None:
    changed(warehouse, "GONE", "NEXT", SESSIONS[4])
    changed(warehouse, "NEXT", "LAST", SESSIONS[5])
    trades(warehouse, "NEXT", SESSIONS[4])
    trades(warehouse, "LAST", *SESSIONS[5:])

    told = outcomes(warehouse, SESSIONS[-1])

    # As of STAYS, and under the ticker it was predicted by.
    assert told["GONE"] == (pytest.approx(94 / 99 - 1), SESSIONS[1 + HORIZON])
    assert told.keys() == {"GONE", "STAYS"}


def test_of_a_ticker_that_another_firm_took_over_the_first_firm_is_followed(
    warehouse: Warehouse,
) -> None:
    changed(warehouse, "GONE", "NEXT", SESSIONS[4])
    trades(warehouse, "NEXT", *SESSIONS[4:])
    trades(warehouse, "GONE", *SESSIONS[6:])

    assert outcomes(warehouse, SESSIONS[-1])["GONE"][0] == pytest.approx(94 / 99 - 1)


def test_a_symbol_without_a_bar_for_a_month_is_scored_to_its_last_close(
    warehouse: Warehouse,
) -> None:
    last = a_month_later(warehouse)

    assert "GONE" not in outcomes(warehouse, exchange().previous(last), asked="GONE")
    # As of one that was delisted: nobody announced it.
    scored = outcomes(warehouse, last, asked="GONE")
    assert scored["GONE"] == (pytest.approx(100 / 99 - 1 - 0.03), LAST_TRADE)


def test_a_symbol_whose_bars_are_held_back_is_not_gone_and_one_that_is_not_asked_for_neither(
    warehouse: Warehouse,
) -> None:
    last = a_month_later(warehouse, GONE_AFTER + HORIZON)
    assert "GONE" not in outcomes(warehouse, last, asked="OTHER", unscorable=1)

    trades(warehouse, "GONE", SESSIONS[-1], status="held")
    assert "GONE" not in outcomes(warehouse, last, asked="GONE", unscorable=1)


def test_a_prediction_that_nobody_could_enter_is_counted_a_month_after_its_horizon(
    warehouse: Warehouse,
) -> None:
    predicted(warehouse, "GONE", LAST_TRADE)
    last = a_month_later(warehouse, GONE_AFTER + HORIZON + 1)

    outcomes(warehouse, exchange().previous(last), asked="GONE", unscorable=0)
    outcomes(warehouse, last, asked="GONE", unscorable=1)
