"""Maintenance takes nothing away that anybody still needs, while others write."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.integration.warehouse.rows import DAY, append, bar, closes
from tests.integration.warehouse.test_subjects import MODEL, put
from warehouse import Warehouse, models
from warehouse.maintenance import maintain
from warehouse.place import Place

pytestmark = pytest.mark.long

SOON = datetime.now(UTC) + timedelta(days=30)


def files(place: Place) -> set[Path]:
    return set(Path(place.data_path).rglob("*.parquet"))


def at_snapshot(warehouse: Warehouse, snapshot: int) -> list[float]:
    with warehouse.reader() as conn:
        found = conn.execute(
            f"select close from market.daily_bars at (version => {snapshot}) order by session"
        ).fetchall()
    return [close for (close,) in found]


def test_small_files_become_few_and_say_the_same(warehouse: Warehouse, place: Place) -> None:
    for n in range(12):
        append(warehouse, *(bar("A", DAY + timedelta(days=n), 10.0 + n) for _ in range(1)))
    before = closes(warehouse)

    done = maintain(warehouse, pinned=(), now=SOON)

    assert closes(warehouse) == before
    assert done.expired > 0
    assert len([f for f in files(place) if "daily_bars" in str(f)]) <= 1


def test_what_models_and_proposals_refer_to_can_still_be_read(warehouse: Warehouse) -> None:
    append(warehouse, bar("A", DAY, 10.0))
    of_a_model = warehouse.snapshot()
    append(warehouse, bar("A", DAY + timedelta(days=1), 11.0))
    of_a_proposal = warehouse.snapshot()
    append(warehouse, bar("A", DAY + timedelta(days=2), 12.0))
    of_nobody = warehouse.snapshot()
    append(warehouse, bar("A", DAY + timedelta(days=3), 13.0))
    put(warehouse, "models.versions", models.record_version, MODEL | {"snapshot_id": of_a_model})

    maintain(warehouse, pinned={of_a_proposal}, now=SOON)

    assert at_snapshot(warehouse, of_a_model) == [10.0]
    assert at_snapshot(warehouse, of_a_proposal) == [10.0, 11.0]
    with warehouse.reader() as conn:
        left = {row[0] for row in conn.execute(
            "select snapshot_id from ducklake_snapshots('lake')").fetchall()}  # fmt: skip
    assert of_nobody not in left
    assert closes(warehouse) == [10.0, 11.0, 12.0, 13.0]


def test_a_young_file_nobody_names_yet_stays(warehouse: Warehouse, place: Place) -> None:
    append(warehouse, bar("A"))
    on_its_way = Path(place.data_path) / "market" / "daily_bars" / "on-its-way.parquet"
    on_its_way.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"a": [1]}).write_parquet(on_its_way)

    maintain(warehouse, pinned=(), now=datetime.now(UTC))
    assert on_its_way.exists()
    maintain(warehouse, pinned=(), now=SOON)
    assert not on_its_way.exists()


def test_writers_and_readers_go_on_while_it_works(warehouse: Warehouse) -> None:
    stop, failures, written = threading.Event(), [], []

    def write(symbol: str) -> None:
        day = 0
        while not stop.is_set():
            try:
                append(warehouse, bar(symbol, date(2000, 1, 3) + timedelta(days=day), 10.0))
                assert closes(warehouse, symbol) == [10.0] * (day + 1)
            except Exception as e:  # noqa: BLE001 - whatever it is, the test tells it
                failures.append(e)
                return
            day += 1
        written.append((symbol, day))

    threads = [threading.Thread(target=write, args=(symbol,)) for symbol in "AB"]
    for thread in threads:
        thread.start()
    for _ in range(4):
        maintain(
            warehouse, pinned=(), now=datetime.now(UTC), kept=timedelta(0)
        )  # fmt: skip
    stop.set()
    for thread in threads:
        thread.join(60)

    assert not failures
    for symbol, days in written:
        assert closes(warehouse, symbol) == [10.0] * days
