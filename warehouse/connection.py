"""Connections to the warehouse: consistent reads, locked short writes, recovery of lost servers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import duckdb
import psycopg

from config.settings import Settings
from warehouse import place as places
from warehouse.errors import NoRoomError, WarehouseUnavailableError, WriteConflictError

_LOCK_TIMEOUT_SECONDS = 120
_RECOVERY_SECONDS = 30.0
_WRITE_ATTEMPTS = 8
_CONFLICT = "transaction conflict"
# What the operating system says of a full disk, and an S3 server of its own.
_NO_ROOM = ("no space left on device", "disk quota exceeded", "storagefull")

Result = TypeVar("Result")


def connect(settings: Settings, *, read_only: bool = False) -> Warehouse:
    """Return the warehouse that `settings` names.

    Keep it for the life of the process: opening costs about 0.4 s, a reader some milliseconds.

    Parameters
    ----------
    settings : Settings
        Names the database, the data path and, for S3, the keys.
    read_only : bool
        Whether writes are refused.

    Raises
    ------
    WarehouseMissingError
        If `warehouse.migrate.upgrade` has not created it.
    WarehouseUnavailableError
        If PostgreSQL or the data path cannot be reached.
    """
    return Warehouse(places.from_settings(settings), read_only=read_only)


class Warehouse:
    """One attached warehouse, shared by the threads of a process."""

    def __init__(self, place: places.Place, *, read_only: bool = False) -> None:
        self._place = place
        self._read_only = read_only
        self._guard = threading.Lock()
        self._root = places.attached(place, read_only=read_only, create=False)

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection whose queries all see one snapshot; safe in any thread.

        Raises
        ------
        WarehouseUnavailableError
            If PostgreSQL stays away for longer than half a minute.
        """
        cursor = self._begun()
        try:
            yield cursor
        finally:
            _end(cursor)

    @contextmanager
    def writer(self, *tables: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection in a transaction that alone writes `tables`; commit at the end.

        Compute first and keep the block short: others wait. An exception in the block, or a lost
        lock, leaves the warehouse as it was.

        Parameters
        ----------
        tables : str
            Names like `market.daily_bars`; locked in name order, across processes and hosts.

        Raises
        ------
        WriteConflictError
            If another transaction changed a table first, or held its lock for two minutes.
        NoRoomError
            If the data files' disk or bucket is full.
        """
        if not tables:
            raise ValueError("`tables` must name each table the block writes, was empty.")
        with self._locked(tables) as lock:
            cursor = self._begun()
            try:
                yield cursor
                lock.execute("select 1")  # a lost session is a lost lock: do not commit
                cursor.execute("COMMIT")
            except duckdb.Error as e:
                self._explain(e, tables)
                raise
            except psycopg.OperationalError as e:
                raise WarehouseUnavailableError(
                    f"The lock on {', '.join(tables)} was lost; nothing was written: {e}"
                ) from e
            finally:
                _end(cursor)

    def write(self, work: Callable[[duckdb.DuckDBPyConnection], Result], *tables: str) -> Result:
        """Return what `work` returns, run in `writer`; repeated after conflicts and lost servers.

        Parameters
        ----------
        work : callable
            Takes the connection; may run several times, so it must be idempotent.
        tables : str
            As for `writer`.
        """
        for attempt in range(_WRITE_ATTEMPTS):
            try:
                with self.writer(*tables) as conn:
                    return work(conn)
            except (WriteConflictError, WarehouseUnavailableError):
                if attempt == _WRITE_ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable: the last attempt returns or raises")

    @contextmanager
    def alone(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection without a transaction, to one holder of `purpose` at a time.

        For what cannot be undone and must not be done twice at once; each statement commits.
        """
        with self._locked((purpose,)):
            cursor = self._begun()
            try:
                cursor.execute("COMMIT")
                yield cursor
            finally:
                _end(cursor)

    def snapshot(self) -> int:
        """Return the number of the newest snapshot."""
        with self.reader() as conn:
            return snapshot_of(conn)

    def close(self) -> None:
        """Close the connection; readers and writers still open keep theirs until they end."""
        with self._guard:
            self._root.close()

    def _begun(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor in a transaction whose snapshot is taken, re-attaching if need be."""
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while True:
            root = self._root
            try:
                with self._guard:
                    cursor = root.cursor()
                cursor.execute(f"USE {places.CATALOG}")
                cursor.execute("SET TimeZone = 'UTC'")
                cursor.execute("BEGIN")
                snapshot_of(cursor)
            except duckdb.Error as e:
                self._recover(root, e, deadline)
            else:
                return cursor

    def _recover(
        self, broken: duckdb.DuckDBPyConnection, cause: duckdb.Error, deadline: float
    ) -> None:
        """Attach anew unless another thread already did; wait and give up at `deadline`."""
        with self._guard:
            if self._root is not broken:
                return
            try:
                self._root = places.attached(self._place, read_only=self._read_only, create=False)
            except WarehouseUnavailableError as e:
                if time.monotonic() > deadline:
                    raise WarehouseUnavailableError(
                        f"The warehouse's database has been away for {_RECOVERY_SECONDS:.0f} s: "
                        f"{_first_line(cause)} Look at ./desk status and ./desk logs postgres."
                    ) from e
                time.sleep(random.uniform(0.2, 0.5))  # noqa: S311 - jitter

    def _explain(self, error: duckdb.Error, tables: tuple[str, ...]) -> None:
        """Raise what the desk has a word for; return where it has none."""
        said = str(error).lower()
        if _CONFLICT in said:
            raise WriteConflictError(f"{', '.join(tables)}: {_first_line(error)}") from error
        if any(words in said for words in _NO_ROOM):
            raise NoRoomError(
                f"There is no room left in {self._place.data_path}; nothing was written to "
                f"{', '.join(tables)}. Free some space, then run the step again."
            ) from error

    @contextmanager
    def _locked(self, tables: tuple[str, ...]) -> Iterator[psycopg.Connection]:
        try:
            session = psycopg.connect(self._place.dsn, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as e:
            raise WarehouseUnavailableError(
                f"No lock on {', '.join(tables)}: {_first_line(e)}"
            ) from e
        with session:
            _take_locks(session, tables)
            yield session


def snapshot_of(conn: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the snapshot that `conn` reads."""
    row = conn.execute("select id from lake.current_snapshot()").fetchone()
    assert row is not None
    return int(row[0])


def _take_locks(session: psycopg.Connection, tables: tuple[str, ...]) -> None:
    try:
        session.execute(f"set lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'")
        for table in sorted(set(tables)):
            session.execute(
                "select pg_advisory_lock(hashtextextended(%s, 0))", (f"warehouse:{table}",)
            )
    except psycopg.errors.LockNotAvailable as e:
        raise WriteConflictError(
            f"{', '.join(tables)}: another writer has held the lock for {_LOCK_TIMEOUT_SECONDS} s."
        ) from e
    except psycopg.OperationalError as e:
        raise WarehouseUnavailableError(f"No lock on {', '.join(tables)}: {_first_line(e)}") from e


def _end(cursor: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # no transaction is open after a commit or a lost server
        cursor.execute("ROLLBACK")
    cursor.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
