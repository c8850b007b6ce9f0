"""Minute bars into the warehouse, in small batches; a batch is kept until it is stored."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
import polars as pl

from trading.errors import RetryError
from warehouse import Warehouse, bars
from warehouse.versions import Appended
from worker import tape as tapes
from worker.tape import Origin, Tape

log = logging.getLogger(__name__)


class NotStoredError(RetryError):
    """The warehouse or its files went away while it was used; nothing was written."""


@contextmanager
def patiently() -> Iterator[None]:
    """Make a warehouse that goes away in the middle something to wait for."""
    try:
        yield
    except duckdb.Error as e:
        raise NotStoredError(
            f"The warehouse failed ({str(e).splitlines()[0]}); the same is tried again. See "
            "./desk status and ./desk logs postgres if it lasts."
        ) from e


def write_minutes(
    warehouse: Warehouse, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Append minute bars in one transaction; the same rows again change nothing."""
    with patiently():
        return warehouse.write(
            lambda conn: bars.append_minutes(conn, frame, learned_at=learned_at),
            "market.minute_bars",
        )


class Storer:
    """Empties the tape into the warehouse, from any thread."""

    def __init__(self, tape: Tape, warehouse: Warehouse, origin: Origin) -> None:
        self._tape, self._warehouse, self._origin = tape, warehouse, origin
        self._one_at_a_time = threading.Lock()
        self.batches = 0
        self.restated = 0

    def store(self) -> None:
        """Store what waits; what cannot be stored now waits on."""
        with self._one_at_a_time:
            told = self._tape.take()
            if not told:
                return
            is_stored = False
            try:
                tally = write_minutes(self._warehouse, tapes.rows(told, self._origin))
                is_stored = True
            finally:
                if is_stored:
                    self._tape.stored()
                else:
                    self._tape.put_back()
        self.batches += 1
        self.restated += tally.restated
        log.info(
            "minute bars: %s new, %s unchanged, %s restated",
            tally.new, tally.unchanged, tally.restated,
        )  # fmt: skip
