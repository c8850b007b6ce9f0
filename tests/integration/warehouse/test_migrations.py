"""A warehouse of older code keeps its rows, and they say what is known of them now."""

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl
import psycopg
import pytest

from tests.integration.warehouse.test_subjects import GATE, MODEL
from warehouse import Warehouse, migrate, models
from warehouse.place import Place

TRAINED = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)


@pytest.fixture(name="older")
def _older(place: Place) -> Iterator[Warehouse]:
    """A warehouse that kept no ends of waivers, with three champions of three names."""
    made = Warehouse(place)
    with made.writer("models.versions") as conn:
        for name in ("met", "missed", "cured"):
            champion = MODEL | {"model_version": f"{name}/1", "status": "champion"}
            models.record_version(conn, pl.DataFrame([champion]))
        for column in ("waived_until", "promoted_at"):
            conn.execute(f"alter table models.versions drop column {column}")
    for name, passed in (("met", True), ("missed", False), ("cured", False), ("cured", True)):
        verdict = GATE | {"model_version": f"{name}/1", "passed": passed}
        with made.writer("models.gates") as conn:
            models.record_gates(conn, pl.DataFrame([verdict]))
    with psycopg.connect(place.dsn, autocommit=True) as session:
        session.execute("delete from desk.warehouse_migrations where version >= 4")
    yield made
    made.close()


def test_an_earlier_champion_that_misses_a_gate_has_no_waiver_left(
    older: Warehouse, place: Place
) -> None:
    migrate.upgrade_place(place)

    with older.reader() as conn:
        known = models.known_versions(conn, as_of=TRAINED)
    ends = dict(known.select("model_version", "waived_until").iter_rows())
    assert ends == {"met/1": None, "missed/1": TRAINED, "cured/1": None}
    assert known["status"].unique().to_list() == ["champion"]
    assert known["promoted_at"].null_count() == known.height
