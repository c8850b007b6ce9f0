"""Connections to the ledger."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

# PostgreSQL's codes for "try the transaction again": serialization failure, deadlock,
# cannot connect now (starting up or shutting down), administrator's shutdown, crash shutdown.
_AGAIN = frozenset({"40001", "40P01", "57P03", "57P01", "57P02"})


def new_id() -> str:
    """Return a new UUIDv7 (sortable by time of making) as text."""
    return str(uuid_utils.compat.uuid7())


def engine(dsn: str, *, pool_size: int = 5) -> sa.Engine:
    """Return an engine on the ledger's database.

    Parameters
    ----------
    dsn : str
        ``postgresql://user:password@host:port/desk``; the psycopg 3 driver is used
        whatever driver it names.
    pool_size : int
        Connections kept open; as many again may be opened at a peak.

    Returns
    -------
    sqlalchemy.Engine
        A connection found dead when it is taken from the pool is replaced. Instants
        come back in UTC.
    """
    url = sa.make_url(dsn).set(drivername="postgresql+psycopg")
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 5},
    )


@contextmanager
def snapshot(ledger: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for reading whose every query sees the ledger of one instant.

    Else what is written between two queries would look like a contradiction of both.
    """
    with ledger.connect() as conn:
        yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def transact(
    ledger: sa.Engine, work: Callable[[sa.Connection], T], *, attempts: int = 6, wait: float = 0.2
) -> T:
    """Run `work` in one transaction; again when the connection was lost or it deadlocked.

    Parameters
    ----------
    ledger : sqlalchemy.Engine
        From `engine`.
    work : callable
        Takes the connection. It may run more than once, and a commit whose answer was
        lost is repeated too, so it must be idempotent.
    attempts : int
        How often to try in all.
    wait : float
        Seconds before the second try; doubled each time, with jitter.

    Returns
    -------
    object
        What `work` returned.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        The last failure, or at once one that a repetition would not cure.
    """
    for attempt in range(1, attempts + 1):
        try:
            with ledger.begin() as conn:
                return work(conn)
        except DBAPIError as e:
            if attempt == attempts or not worth_repeating(e):
                raise
            time.sleep(wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
    raise AssertionError("unreachable: the last attempt returns or raises")


def worth_repeating(error: DBAPIError) -> bool:
    """Return whether the same transaction may succeed when run again."""
    code = getattr(error.orig, "sqlstate", None)
    lost = error.connection_invalidated or (
        isinstance(error, sa.exc.OperationalError) and code is None
    )
    return lost or code in _AGAIN
