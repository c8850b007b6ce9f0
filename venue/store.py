"""The venue's memory: one SQLite file, one commit per accepted change."""

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    client_order_id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS activities (seq INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS equity (at REAL PRIMARY KEY, dollars TEXT NOT NULL);
"""


class StateInUseError(RuntimeError):
    """Another venue works on the same state."""


class Store:
    """State in `folder`/venue.sqlite3; only one process may hold it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / "venue.lock")
        self._db = sqlite3.connect(
            folder / "venue.sqlite3", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def facts(self) -> dict[str, Any]:
        """Clock, book, counters and settings of the replay, by name."""
        rows = self._db.execute("SELECT name, value FROM facts")
        return {name: json.loads(value) for name, value in rows}

    def orders(self) -> list[dict[str, Any]]:
        """Every order ever accepted."""
        rows = self._db.execute("SELECT record FROM orders")
        return [json.loads(record) for (record,) in rows]

    def activities(self) -> list[dict[str, Any]]:
        """Fills, dividends and splits, oldest first."""
        rows = self._db.execute("SELECT record FROM activities ORDER BY seq")
        return [json.loads(record) for (record,) in rows]

    def equity(self) -> list[tuple[float, str]]:
        """Marks of the account's equity as (UTC seconds, dollars), oldest first."""
        return list(self._db.execute("SELECT at, dollars FROM equity ORDER BY at"))

    def write(
        self,
        *,
        facts: Mapping[str, Any],
        orders: Iterable[Mapping[str, Any]] = (),
        activities: Iterable[tuple[int, Mapping[str, Any]]] = (),
        equity: Iterable[tuple[float, str]] = (),
    ) -> None:
        """Write everything in one transaction, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in facts.items()],
            )
            self._db.executemany(
                "INSERT INTO orders VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                [(o["id"], o["client_order_id"], json.dumps(o)) for o in orders],
            )
            self._db.executemany(
                "INSERT INTO activities VALUES (?, ?)",
                [(seq, json.dumps(record)) for seq, record in activities],
            )
            self._db.executemany("INSERT OR REPLACE INTO equity VALUES (?, ?)", equity)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        self._lock.close()


def _locked(path: Path) -> IO[str]:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        lock.close()
        raise StateInUseError(
            f"The state in {path.parent} is in use by another venue. Stop that one, "
            "or give this one its own --state."
        ) from e
    return lock
