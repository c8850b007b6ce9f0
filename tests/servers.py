"""Real servers for tests: one PostgreSQL and one MinIO per run, a database or bucket per test.

With pytest-xdist all workers share the servers: the first that needs one starts it, the last to
leave stops it. A server that cannot be had means a visible skip, or a failure when
COUNTERSIGN_REQUIRE_SERVERS=1.

Databases lie in memory where there is room for some: of the hundreds of files that each one has,
ext4 steps over all that were deleted in the minute before, whenever it makes one.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil
import psycopg
import pytest
import urllib3
from psycopg import sql

from config.settings import LakeSettings
from countersign.processes import postgres
from countersign.processes.ports import LOOPBACK, next_free
from countersign.processes.postgres import Cluster
from ledger import migrate as ledger_migrate
from warehouse import migrate as warehouse_migrate
from warehouse.place import Place

_TEMPLATE, _WITH_TABLES = "fresh_desk", "desk_with_tables"
_QUICK = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
    "min_wal_size=64MB", "max_wal_size=256MB",
)  # fmt: skip
_MEMORY, _ROOM = Path("/dev/shm"), 1 << 29  # bytes; the databases of a run take a fifth of it
_NAME = "countersign-tests-"


@dataclass(frozen=True)
class Shared:
    """A server that all workers of a test run use; `facts` tell how to reach it."""

    folder: Path

    @contextmanager
    def use(self, start: Callable[[Path], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Start the server unless another worker has; stop it when the last one leaves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone() as state:
            if not _is_alive(state.get("pid")):
                state.update(start(self.folder), users=[])
            state["users"] = [*state["users"], os.getpid()]
            facts = dict(state)
        try:
            yield facts
        finally:
            with self._alone() as state:
                state["users"] = [
                    user for user in state["users"] if user != os.getpid() and _is_alive(user)
                ]
                if not state["users"]:
                    _stop(state["pid"])
                    if state.get("memory"):
                        shutil.rmtree(state["memory"], ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[dict[str, Any]]:
        with (self.folder / "shared.json").open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            state: dict[str, Any] = json.loads(file.read() or "{}")
            yield state
            file.seek(0)
            file.truncate()
            file.write(json.dumps(state))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The run's PostgreSQL."""
    with Shared(_run_folder(tmp_path_factory) / "postgres").use(_start_postgres) as facts:
        yield Cluster(Path(facts["data"]), facts["port"], facts["password"])


@contextmanager
def fresh_database(server: Cluster, *, template: str = _TEMPLATE) -> Iterator[str]:
    """Make a database with the empty schemas `desk` and `ducklake`; yield its address."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        _run(connection, "create database {} template {}", name, template)
    yield server.url(name)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        _run(connection, "drop database {} with (force)", name)


@pytest.fixture
def postgres_dsn(postgres_server: Cluster) -> Iterator[str]:
    """The address of a fresh database with the empty schemas `desk` and `ducklake`."""
    with fresh_database(postgres_server) as dsn:
        yield dsn


@pytest.fixture
def desk_place(postgres_server: Cluster, tmp_path: Path) -> Iterator[Place]:
    """A ledger and a warehouse without rows in a fresh database: all their tables are there.

    They are copied: migrating a database of its own for each test would take seconds.
    """
    data = tmp_path / "warehouse"
    data.mkdir(exist_ok=True)
    with fresh_database(postgres_server, template=_WITH_TABLES) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "update ducklake.ducklake_metadata set value = %s where key = 'data_path'",
                [f"{data}/"],
            )
        yield Place(dsn, f"{data}/")


@pytest.fixture
def desk_dsn(desk_place: Place) -> str:
    """The address of `desk_place`'s database."""
    return desk_place.dsn


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeSettings]:
    """The run's MinIO, as the settings of a lake whose bucket does not exist yet."""
    minio = os.environ.get("COUNTERSIGN_MINIO") or shutil.which("minio")
    if not minio:
        _missing("a MinIO server: put `minio` on PATH or name it in COUNTERSIGN_MINIO")

    def start(folder: Path) -> dict[str, Any]:
        return _start_minio(str(minio), folder)

    with Shared(_run_folder(tmp_path_factory) / "minio").use(start) as facts:
        yield LakeSettings(
            kind="s3",
            path=Path(facts["data"]),
            endpoint=f"{LOOPBACK}:{facts['port']}",
            access_key=facts["access_key"],
            secret_key=facts["secret_key"],
        )


@pytest.fixture
def minio_bucket(minio_server: LakeSettings) -> str:
    """The name of a fresh, empty bucket on the run's MinIO."""
    from minio import Minio

    name = f"t-{uuid.uuid4().hex[:16]}"
    client = Minio(
        minio_server.endpoint,
        access_key=minio_server.access_key,
        secret_key=minio_server.secret_key,
        secure=False,
    )
    client.make_bucket(name)
    return name


@pytest.fixture
def s3_settings(minio_server: LakeSettings, minio_bucket: str) -> LakeSettings:
    """Settings of a lake on the run's MinIO, with a bucket of its own."""
    return minio_server.model_copy(update={"bucket": minio_bucket})


def _start_postgres(folder: Path) -> dict[str, Any]:
    memory = _in_memory()
    data = (memory or folder) / "data"
    cluster = Cluster(data, next_free(_first_port()), postgres.new_password())
    shutil.rmtree(cluster.folder, ignore_errors=True)
    try:
        cluster.initialise()
    except (postgres.PostgresError, OSError, subprocess.SubprocessError) as e:
        _missing(f"a PostgreSQL server: {e}")
    server = _start(cluster.command(*_QUICK), folder / "log", identity=postgres.identity())
    _wait(cluster.is_ready, server, folder / "log")
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        _run(connection, "create database {}", _TEMPLATE)
    postgres.create_schemas(cluster.url(_TEMPLATE))
    _make_tables(cluster, folder / "no-data")
    return {
        "pid": server.pid,
        "memory": memory and str(memory),
        "data": str(cluster.folder),
        "port": cluster.port,
        "password": cluster.password,
    }


def _in_memory() -> Path | None:
    """Return a folder in memory, clear of what runs that were killed left; None without room."""
    if not os.access(_MEMORY, os.W_OK):
        return None
    for old in _MEMORY.glob(f"{_NAME}*"):
        if not _is_alive(int(old.name.rpartition("-")[2])) and not _is_served(old / "data"):
            shutil.rmtree(old, ignore_errors=True)
    if shutil.disk_usage(_MEMORY).free < _ROOM:
        return None
    made = _MEMORY / f"{_NAME}{os.getpid()}"
    made.mkdir(exist_ok=True)
    made.chmod(0o755)  # the server may have to run as somebody else
    return made


def _is_served(data: Path) -> bool:
    """Whether the server of a data folder is alive: who started it may have left."""
    try:
        return _is_alive(int((data / "postmaster.pid").read_text().split()[0]))
    except (OSError, ValueError, IndexError):
        return False


def _make_tables(cluster: Cluster, data: Path) -> None:
    """Make the database that `desk_place` copies."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        _run(connection, "create database {} template {}", _WITH_TABLES, _TEMPLATE)
    dsn = cluster.url(_WITH_TABLES)
    ledger_migrate.upgrade(dsn)
    warehouse_migrate.upgrade_place(Place(dsn, f"{data}/"))


def _start_minio(minio: str, folder: Path) -> dict[str, Any]:
    port, console = next_free(_first_port() + 1000), next_free(_first_port() + 1500)
    keys = {"access_key": "countersign", "secret_key": uuid.uuid4().hex}
    data = folder / "data"
    data.mkdir(exist_ok=True)
    server = _start(
        [
            minio,
            "server",
            str(data),
            f"--address={LOOPBACK}:{port}",
            f"--console-address={LOOPBACK}:{console}",
        ],
        folder / "log",
        environment={
            "MINIO_ROOT_USER": keys["access_key"],
            "MINIO_ROOT_PASSWORD": keys["secret_key"],
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        },
    )

    _wait(lambda: _serves_buckets(f"{LOOPBACK}:{port}", keys), server, folder / "log")
    return {"pid": server.pid, "data": str(data), "port": port} | keys


def _serves_buckets(endpoint: str, keys: dict[str, str]) -> bool:
    """Whether it answers a question about buckets: its health page says yes seconds before."""
    from minio import Minio
    from minio.error import MinioException

    impatient = urllib3.PoolManager(timeout=1, retries=False)
    try:
        Minio(
            endpoint, keys["access_key"], keys["secret_key"], secure=False, http_client=impatient
        ).list_buckets()
    except (urllib3.exceptions.HTTPError, MinioException):
        return False
    return True


def _start(
    command: list[str],
    log: Path,
    *,
    identity: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | (environment or {}),
            **(identity or {}),
        )


def _wait(is_ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while not is_ready():
        if server.poll() is not None or time.monotonic() > until:
            pytest.fail(f"{server.args!r} did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _stop(pid: int) -> None:
    """Stop a server, whoever started it: the dead child of a worker that has left is a zombie."""
    until = time.monotonic() + 20
    with contextlib.suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        server.send_signal(signal.SIGINT)  # PostgreSQL: disconnect everyone, then stop
        while _is_alive(pid) and time.monotonic() < until:
            time.sleep(0.05)
        if _is_alive(pid):
            server.kill()


def _is_alive(pid: int | None) -> bool:
    if pid is None or not psutil.pid_exists(pid):
        return False
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _run(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _run_folder(factory: pytest.TempPathFactory) -> Path:
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _first_port() -> int:
    """Return where to look for ports: apart from a running desk's and other test runs'."""
    return 20_000 + os.getpid() % 300 * 25


def _missing(what: str) -> NoReturn:
    if os.environ.get("COUNTERSIGN_REQUIRE_SERVERS") == "1":
        pytest.fail(f"This run requires {what}.")
    pytest.skip(f"Needs {what}.")
