"""The embedded PostgreSQL: made whole, private, restarted after a kill."""

import os
import signal
import stat
import time
from pathlib import Path

import psycopg
import pytest

from config.settings import DatabaseSettings
from countersign.processes import children, plan, postgres
from countersign.processes.ports import next_free
from countersign.processes.postgres import Cluster, PostgresError


def wait_ready(cluster: Cluster) -> None:
    end = time.monotonic() + 30
    while not cluster.is_ready():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", next_free(26000), postgres.new_password())
    cluster.initialise()
    spec, log = plan.database(cluster), tmp_path / "log"
    process = children.start(spec, log, {}, tmp_path)
    try:
        wait_ready(cluster)
        cluster.create_desk()
        postgres.create_databases(DatabaseSettings(dsn=cluster.url("desk")))
        with psycopg.connect(cluster.url("desk"), autocommit=True) as connection:
            connection.execute("create table desk.kept as select 42 as figure")

        os.kill(process.pid, signal.SIGKILL)
        while process.is_alive():
            time.sleep(0.02)
        end = time.monotonic() + 30
        while not cluster.is_ready():  # the dead server's children may hold on for a moment
            assert time.monotonic() < end, log.read_text()
            if not process.is_alive():
                process = children.start(spec, log, {}, tmp_path)
            time.sleep(0.2)

        with psycopg.connect(cluster.url("desk")) as connection:
            assert connection.execute("select figure from desk.kept").fetchone() == (42,)
            names = {row[0] for row in connection.execute("select datname from pg_database")}
        assert {"desk", "dagster", "mlflow", "optuna"} <= names
    finally:
        children.signal_to_stop(process, spec)
        children.wait_or_kill(process, spec, until=time.monotonic() + 20)


def test_an_interrupted_beginning_leaves_nothing_half_made(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", 26100, postgres.new_password())
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")

    cluster.initialise()

    assert (cluster.folder / "global").is_dir()
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
    assert not unfinished.exists()
    assert not (tmp_path / "postgres.secret").exists()


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("14\n")

    with pytest.raises(PostgresError, match="made by PostgreSQL 14"):
        Cluster(folder, 26200, "x").initialise()


def test_a_lock_file_of_a_dead_server_is_removed(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, 26300, "x")
    lock = tmp_path / "postmaster.pid"
    lock.write_text("1\n/somewhere\n")  # process 1 is alive and no PostgreSQL

    cluster.forget_dead_server()

    assert not lock.exists()


def test_a_server_that_cannot_be_reached_is_told_with_its_setting() -> None:
    database = DatabaseSettings(kind="server", dsn="postgresql://desk:x@127.0.0.1:1/desk")

    with pytest.raises(PostgresError, match="COUNTERSIGN_DATABASE__DSN"):
        postgres.create_databases(database)
