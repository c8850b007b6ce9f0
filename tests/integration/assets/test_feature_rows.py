"""Features of sessions of which little or nothing is stored."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets.blocks import blocks
from assets.features import _learned_late, computed_rows
from config import universe
from config.universe import Listing
from quality.calendar import exchange
from tests.integration.warehouse.rows import act, append, bar, closing, judge
from warehouse import Warehouse, features, migrate
from warehouse.place import Place

pytestmark = pytest.mark.long

SESSION = date(2012, 7, 2)


@pytest.fixture
def warehouse(postgres_dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    place = Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")
    migrate.upgrade_place(place)
    made = Warehouse(place)
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
