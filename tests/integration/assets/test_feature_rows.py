"""Features of sessions of which little or nothing is stored."""

from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets import unpayable
from assets.blocks import blocks
from assets.features import _learned_late, computed_rows
from config import universe
from config.universe import Listing
from quality.calendar import exchange
from quant.features import DAILY
from tests.integration.warehouse.rows import act, append, bar, closing, dividend, judge
from warehouse import Warehouse, features
from warehouse.place import Place

pytestmark = pytest.mark.long

SESSION = date(2012, 7, 2)


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


@pytest.mark.parametrize("status", [None, "held"])
def test_without_a_usable_bar_there_is_no_row_and_no_error(
    warehouse: Warehouse, status: str | None
) -> None:
    if status is not None:
        append(warehouse, bar("IBM", SESSION))
        judge(warehouse, "IBM", SESSION, status)

    rows = computed_rows(warehouse, universe.load(), [SESSION])

    assert rows.is_empty()
    with warehouse.writer("features.daily") as conn:
        assert features.record(conn, rows) == 0


def test_the_first_usable_bar_has_a_row(warehouse: Warehouse) -> None:
    append(warehouse, bar("IBM", SESSION))
    judge(warehouse, "IBM", SESSION, "passed")

    rows = computed_rows(warehouse, universe.load(), [SESSION])

    assert rows.select("symbol", "session").rows() == [("IBM", SESSION)]


@pytest.mark.parametrize("announced", [1, 3])
def test_a_range_has_the_rows_of_its_sessions_though_a_firm_is_renamed_within(
    warehouse: Warehouse, announced: int
) -> None:
    listed = [Listing(symbol=symbol, label=symbol, sector="x") for symbol in ("OLD", "NEW")]
    desk = universe.load().model_copy(update={"symbols": tuple(listed)})
    sessions = list(exchange().sessions(date(2012, 7, 2), date(2012, 7, 13)))
    changed = sessions[5]
    for session in sessions:
        symbol = "OLD" if session < changed else "NEW"
        append(warehouse, bar(symbol, session))
        judge(warehouse, symbol, session, "passed")
    known_at = closing(sessions[announced])
    act(warehouse, {
        "symbol": "OLD", "ex_date": changed, "kind": "symbol_change", "detail": "NEW",
        "known_at": known_at,
    })  # fmt: skip

    def keys(part: list[date]) -> set[tuple[str, date]]:
        rows = computed_rows(warehouse, desk, part).select("symbol", "session")
        return {(symbol, session) for symbol, session in rows.iter_rows()}

    for begin in (0, 4):  # the announcement lies within the range, or before it
        part = sessions[begin:]
        parted = blocks(part, _learned_late(warehouse, desk, part))
        alone = set().union(*(keys([session]) for session in part))
        assert set().union(*(keys(block) for block in parted)) == alone


def test_a_dividend_above_the_price_begins_its_own_symbol_anew_and_stops_no_other(
    warehouse: Warehouse,
) -> None:
    listed = [Listing(symbol=symbol, label=symbol, sector="x") for symbol in ("BAD", "OTHER")]
    desk = universe.load().model_copy(update={"symbols": tuple(listed)})
    sessions = list(exchange().sessions(date(2012, 7, 5), date(2012, 7, 18)))
    paid, corrected = sessions[3], sessions[7]
    for n, session in enumerate(sessions):
        for listing in listed:
            append(warehouse, bar(listing.symbol, session, 10.0 + n % 3))
            judge(warehouse, listing.symbol, session, "passed")
    act(warehouse, dividend("BAD", paid, 400.0))
    act(warehouse, dividend("BAD", paid, 0.4, known_at=closing(corrected)))

    parted = list(blocks(sessions, _learned_late(warehouse, desk, sessions)))
    together = pl.concat([computed_rows(warehouse, desk, block) for block in parted])
    alone = pl.concat([computed_rows(warehouse, desk, [session]) for session in sessions])

    assert together.height == 2 * len(sessions)
    assert_frame_equal(
        together.sort("symbol", "session"), alone.sort("symbol", "session"), check_exact=True
    )
    momentum = pl.col("values").list.get(DAILY.names.index("return_1"))
    bad = alone.filter(symbol="BAD").select("session", momentum.is_finite()).rows()
    assert [session for session, known in bad if not known] == [sessions[0], paid]


def test_a_dividend_that_no_price_can_have_paid_is_told_for_as_long_as_features_see_it(
    warehouse: Warehouse,
) -> None:
    later = date(2012, 7, 10)
    append(warehouse, bar("IBM", SESSION), bar("MSFT", SESSION))
    judge(warehouse, "IBM", SESSION, "passed")
    judge(warehouse, "MSFT", SESSION, "passed")
    act(warehouse, dividend("IBM", date(2012, 7, 5), 400.0))

    with warehouse.reader() as conn:
        told = unpayable.reasons(conn, ["IBM", "MSFT"], later, later)
        past = unpayable.reasons(conn, ["IBM", "MSFT"], date(2016, 7, 5), date(2016, 7, 5))

    assert list(told) == ["IBM"]
    assert "2012-07-05, 400.00 USD, is not below the close before it, 10.00 USD" in told["IBM"]
    assert past == {}
