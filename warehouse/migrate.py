"""Bring a warehouse to the schema of this code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from config.settings import Settings
from warehouse import place as places
from warehouse.errors import NewerSchemaError, WarehouseUnavailableError

_ROOM = Path(__file__).parent
_RECORD = """
create schema if not exists desk;
create schema if not exists ducklake;
create table if not exists desk.warehouse_migrations (
    version    integer     primary key,            -- number of the migration's file
    name       text        not null,               -- the file's name
    sha256     text        not null,               -- of the file as it was applied
    applied_at timestamptz not null default now()  -- wall time
);
"""


@dataclass(frozen=True)
class Migration:
    """One numbered file of statements."""

    version: int
    name: str
    sql: str


def upgrade(settings: Settings) -> tuple[str, ...]:
    """Create or upgrade the warehouse that `settings` names; return the migrations applied.

    Safe to repeat and to run at the same time from several processes.

    Raises
    ------
    NewerSchemaError
        If newer code has upgraded the warehouse before.
    WarehouseUnavailableError
        If PostgreSQL or the data path cannot be reached.
    """
    return upgrade_place(places.from_settings(settings))


def upgrade_place(place: places.Place) -> tuple[str, ...]:
    """Create or upgrade the warehouse at `place`; see `upgrade`."""
    try:
        with psycopg.connect(place.dsn, autocommit=True, connect_timeout=10) as session:
            session.execute("select pg_advisory_lock(hashtextextended('warehouse:migrate', 0))")
            session.execute(_RECORD)
            waiting = _waiting(session)
            _prepare_folder(place)
            _apply(place, session, waiting)
    except psycopg.OperationalError as e:
        raise WarehouseUnavailableError(
            f"The warehouse's database cannot be reached: {e}. Is PostgreSQL running (./desk up)?"
        ) from e
    return tuple(m.name for m in waiting)


def migrations() -> tuple[Migration, ...]:
    """Return the numbered migrations of this code, lowest first."""
    files = sorted((_ROOM / "migrations").glob("[0-9][0-9][0-9]_*.sql"))
    return tuple(Migration(int(f.name[:3]), f.stem, f.read_text(encoding="utf-8")) for f in files)


def tables() -> dict[str, str]:
    """Return the statement that creates each table, by name (`market.daily_bars`)."""
    files = sorted((_ROOM / "tables").glob("*.sql"))
    return {f.stem.replace("_", ".", 1): f.read_text(encoding="utf-8") for f in files}


def _waiting(session: psycopg.Connection) -> tuple[Migration, ...]:
    rows = session.execute("select version, name from desk.warehouse_migrations").fetchall()
    applied = {int(version): str(name) for version, name in rows}
    known = migrations()
    newest = max(applied, default=0)
    if newest > known[-1].version:
        raise NewerSchemaError(
            f"The warehouse has migration {applied[newest]}; this code ends with "
            f"{known[-1].name}. Run the newer code, or restore the backup made before it."
        )
    return tuple(m for m in known if m.version not in applied)


def _prepare_folder(place: places.Place) -> None:
    if place.bucket is not None:
        return
    folder = Path(place.data_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as e:
        raise WarehouseUnavailableError(
            f"The warehouse's folder {folder} cannot be written ({e.strerror}). Give the desk's "
            "user the right to, or name another folder in [warehouse] path."
        ) from e


def _apply(
    place: places.Place, session: psycopg.Connection, waiting: tuple[Migration, ...]
) -> None:
    """Run schemas, tables and alterations; each can be repeated, so a killed run is completed."""
    con = places.attached(place, read_only=False, create=True)
    try:
        con.execute(f"USE {places.CATALOG}")
        con.execute("SET TimeZone = 'UTC'")
        con.execute("BEGIN")
        for name, sql in (*_first(waiting), *tables().items(), *_rest(waiting)):
            _run(con, name, sql)
        con.execute("COMMIT")
    finally:
        con.close()
    for m in waiting:
        session.execute(
            "insert into desk.warehouse_migrations (version, name, sha256) values (%s, %s, %s)"
            " on conflict do nothing",
            (m.version, m.name, hashlib.sha256(m.sql.encode()).hexdigest()),
        )


def _first(waiting: tuple[Migration, ...]) -> list[tuple[str, str]]:
    """Return migration 1, the schemas: the tables stand in them."""
    return [(m.name, m.sql) for m in waiting if m.version == 1]


def _rest(waiting: tuple[Migration, ...]) -> list[tuple[str, str]]:
    return [(m.name, m.sql) for m in waiting if m.version > 1]


def _run(con: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    try:
        con.execute(sql)
    except duckdb.Error as e:
        raise WarehouseUnavailableError(f"{name} failed, nothing was changed: {e}") from e
