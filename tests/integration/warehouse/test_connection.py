import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from config.settings import LakeSettings
from tests.integration.warehouse.rows import DAY, append, bar, closes, series
from warehouse import NewerSchemaError, Warehouse, WarehouseUnavailableError, migrate
from warehouse.errors import WarehouseMissingError
from warehouse.place import Bucket, Place
from warehouse.versions import Appended

RATE = "insert into market.rates values ('2012-07-02', 0.01, 't', now(), now())"


def written(place: Place) -> None:
    """Append the same rows as every other process."""
    warehouse = Warehouse(place)
    for day in range(5):
        append(warehouse, *(bar(s, DAY + timedelta(days=day)) for s in "AB"))
    warehouse.close()


def lose_locks(dsn: str) -> None:
    """End the sessions that hold the locks of this database."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' "
            "and database = (select oid from pg_database where datname = current_database())"
        )


def count(warehouse: Warehouse) -> int:
    with warehouse.reader() as conn:
        row = conn.execute("select count(*) from market.daily_bars").fetchone()
    assert row is not None
    return int(row[0])


def test_processes_that_write_the_same_rows_do_not_double_them(
    warehouse: Warehouse, place: Place
) -> None:
    processes = multiprocessing.get_context("spawn")
    writers = [processes.Process(target=written, args=(place,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert count(warehouse) == 10


def test_threads_share_one_warehouse(warehouse: Warehouse) -> None:
    def work(n: int) -> tuple[Appended, int]:
        return append(warehouse, bar(f"S{n % 4}")), count(warehouse)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(16)))

    assert sum((tally for tally, _ in done), Appended()) == Appended(new=4, unchanged=12)
    assert count(warehouse) == 4


def test_a_reader_sees_one_snapshot_whatever_others_write(warehouse: Warehouse) -> None:
    append(warehouse, bar("A"))
    with warehouse.reader() as conn:
        append(warehouse, bar("B"))

        assert conn.execute("select count(*) from market.daily_bars").fetchone() == (1,)
    assert count(warehouse) == 2


def test_an_exception_leaves_the_warehouse_as_it_was(warehouse: Warehouse) -> None:
    before = warehouse.snapshot()

    def failing() -> None:
        with warehouse.writer("market.rates") as conn:
            conn.execute(RATE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()

    assert warehouse.snapshot() == before
    with warehouse.reader() as conn:
        assert conn.execute("select count(*) from market.rates").fetchone() == (0,)


def test_a_writer_waits_for_the_lock_of_its_table_only(warehouse: Warehouse) -> None:
    entered = threading.Event()

    def other() -> None:
        with warehouse.writer("market.rates"):
            entered.set()

    with warehouse.writer("market.daily_bars"):
        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(10)
    thread.join()
    entered.clear()
    with warehouse.writer("market.rates"):
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.5)
    assert entered.wait(10)
    thread.join()


def test_writing_without_naming_a_table_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="must name each table"), warehouse.writer():
        pass


def test_lost_connections_are_made_again(warehouse: Warehouse, desk_dsn: str) -> None:
    append(warehouse, bar("A"))
    with psycopg.connect(desk_dsn, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )

    assert closes(warehouse) == [10.0]
    assert append(warehouse, bar("B")) == Appended(new=1)


def test_a_lost_lock_writes_nothing(warehouse: Warehouse, desk_dsn: str) -> None:
    def losing() -> None:
        with warehouse.writer("market.rates") as conn:
            conn.execute(RATE)
            lose_locks(desk_dsn)

    with pytest.raises(WarehouseUnavailableError, match="was lost; nothing was written"):
        losing()

    with warehouse.reader() as conn:
        assert conn.execute("select count(*) from market.rates").fetchone() == (0,)


def test_a_repeated_write_is_run_again_after_a_lost_lock(
    warehouse: Warehouse, desk_dsn: str
) -> None:
    attempts = []

    def work(conn: duckdb.DuckDBPyConnection) -> int:
        attempts.append(1)
        conn.execute(RATE)
        if len(attempts) == 1:
            lose_locks(desk_dsn)
        return len(attempts)

    assert warehouse.write(work, "market.rates") == 2
    with warehouse.reader() as conn:
        assert conn.execute("select count(*) from market.rates").fetchone() == (1,)


def test_a_warehouse_opened_for_reading_refuses_writes(warehouse: Warehouse, place: Place) -> None:
    append(warehouse, bar("A"))
    reading = Warehouse(place, read_only=True)

    assert closes(reading) == [10.0]
    with pytest.raises(duckdb.Error, match="read-only"):
        append(reading, bar("B"))


def test_a_missing_warehouse_is_not_made_by_opening_it(empty_place: Place) -> None:
    with pytest.raises(WarehouseMissingError, match=r"Run \./desk up"):
        Warehouse(empty_place)


def test_another_data_path_is_refused_with_what_to_do(warehouse: Warehouse, place: Place) -> None:
    with pytest.raises(WarehouseMissingError, match="names another data path"):
        Warehouse(Place(place.dsn, "/elsewhere/"))


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    away = Place("postgresql://desk:secret@127.0.0.1:9/desk", f"{tmp_path}/")

    with pytest.raises(WarehouseUnavailableError, match="cannot be opened") as caught:
        Warehouse(away)
    assert "secret" not in str(caught.value)
    with pytest.raises(WarehouseUnavailableError, match="Is PostgreSQL running"):
        migrate.upgrade_place(away)


def test_upgrading_twice_and_at_once_applies_each_migration_once(
    empty_place: Place,
) -> None:
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(lambda _: migrate.upgrade_place(empty_place), range(3)))

    assert sorted(len(a) for a in applied) == [0, 0, len(migrate.migrations())]
    with psycopg.connect(empty_place.dsn) as session:
        rows = session.execute("select name from desk.warehouse_migrations").fetchall()
    assert [name for (name,) in rows] == [m.name for m in migrate.migrations()]


def test_older_code_refuses_a_newer_schema(warehouse: Warehouse, place: Place) -> None:
    with psycopg.connect(place.dsn, autocommit=True) as session:
        session.execute(
            "insert into desk.warehouse_migrations values (999, '999_future', 'x', now())"
        )

    with pytest.raises(NewerSchemaError, match="999_future"):
        migrate.upgrade_place(place)


def test_every_table_of_the_dictionary_is_there(warehouse: Warehouse) -> None:
    with warehouse.reader() as conn:
        rows = conn.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'lake'"
        ).fetchall()

    assert {name for (name,) in rows} == set(migrate.tables())


@pytest.fixture
def on_s3(postgres_dsn: str, s3_settings: LakeSettings) -> Iterator[Warehouse]:
    keys = Bucket(
        s3_settings.endpoint,
        s3_settings.region,
        s3_settings.secure,
        s3_settings.access_key,
        s3_settings.secret_key,
    )
    place = Place(postgres_dsn, f"s3://{s3_settings.bucket}/warehouse/", keys)
    migrate.upgrade_place(place)
    made = Warehouse(place)
    yield made
    made.close()


@pytest.mark.s3
def test_the_data_may_lie_in_a_bucket(on_s3: Warehouse) -> None:
    rows = series("A", [float(n) for n in range(10, 60)])

    assert append(on_s3, *rows) == Appended(new=50)
    assert append(on_s3, *rows) == Appended(unchanged=50)
    assert closes(on_s3) == [float(n) for n in range(10, 60)]
