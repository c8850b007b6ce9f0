"""A dispatcher of the drill: what runs of `submit_orders` do, tick after tick, until killed.

It sends by the desk's own `send_signed`, and dies by SIGKILL at the named points of
`trading.dispatch` when a charge says so. It runs on a temporary desk only.
"""

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from adapters.brokers.alpaca import AlpacaBroker
from assets.desk_time import LedgerClock
from config.limits import Limits
from config.settings import Settings
from countersign.drill import charges
from countersign.drill.facts import DrillFacts, drill_limits, stored_facts, temporary_settings
from ledger.connection import engine
from ledger.desk import DeskLedger
from trading.dispatch import Sender, send_signed
from worker.loop import Task, run, stopped_by_signal

log = logging.getLogger(__name__)

ENVIRONMENT = "replay"
TIMEOUT = (1.0, 1.5)
"""Seconds to connect to the venue, and to wait for its answer."""

_TICK_SECONDS = 0.25
_TICKS_LOST = 8
_RUNS_OF_A_REPEATED_TICK = 3


@dataclass
class LeapingClock:
    """The machine's time and an offset that charges change."""

    folder: Path
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return this dispatcher's time in UTC."""
        return datetime.now(UTC) + self.offset

    def leap(self) -> None:
        """Leap if a charge says so."""
        told = charges.take(self.folder, "clock_desk")
        if told is not None:
            self.offset = timedelta(seconds=float(told))


@dataclass
class Dispatcher:
    """One dispatcher process."""

    name: str
    settings: Settings
    engine: sa.Engine
    facts: DrillFacts
    ticks_to_lose: int = 0
    runs: int = 0
    limits: Limits = field(default_factory=drill_limits)

    def __post_init__(self) -> None:
        self.folder = charges.folder_of(self.settings.home)
        self.clock = LeapingClock(self.folder)
        self.ledger = DeskLedger(self.engine)
        self.broker = _connected(self.settings)

    def tick(self) -> None:
        """Ask whether signed legs wait, and send them; as the sensor and its run do."""
        self.clock.leap()
        self._wait_for_the_other()
        if charges.take(self.folder, "ticks_lost") is not None:
            self.ticks_to_lose = _TICKS_LOST
        if self.ticks_to_lose:
            self.ticks_to_lose -= 1
            return
        if not self.ledger.waiting_legs(not_leased_at=self.clock.now()):
            return
        if charges.take(self.folder, "ticks_repeated") is not None:
            self._send_thrice()
        else:
            self._send(self.broker)

    def _send(self, broker: AlpacaBroker) -> None:
        self.runs += 1
        report = send_signed(
            self.ledger,
            broker,
            sender=Sender(
                owner=f"{self.name}/{os.getpid()}/{self.runs}",
                build=self.settings.build,
                environment=ENVIRONMENT,
                limits=self.limits,
                facts=self.facts,
                reached=self._reached,
            ),
            desk=self.clock,
            market=LedgerClock(self.engine),
        )
        log.info("%s", report)

    def _send_thrice(self) -> None:
        """Three runs of one tick; each has its own connection, as runs have."""
        runs = [
            threading.Thread(target=self._send, args=(_connected(self.settings),))
            for _ in range(_RUNS_OF_A_REPEATED_TICK)
        ]
        for each in runs:
            each.start()
        for each in runs:
            each.join()

    def _wait_for_the_other(self) -> None:
        told = charges.take(self.folder, f"together_{self.name}")
        if told is not None:
            time.sleep(max(float(told) - time.time(), 0.0))

    def _reached(self, point: str) -> None:
        if charges.take(self.folder, f"kill_{point}") is not None:
            os.kill(os.getpid(), signal.SIGKILL)


def _connected(settings: Settings) -> AlpacaBroker:
    told = settings.broker
    return AlpacaBroker(
        key_id=told.key_id,
        secret_key=told.secret_key,
        url=told.url,
        data_url=told.data_url,
        feed=told.feed,
        paper=True,
        timeout=TIMEOUT,
    )


def main(name: str) -> None:
    """Dispatch until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = temporary_settings()
    stop, parent = stopped_by_signal(), os.getppid()
    dispatcher = Dispatcher(
        name=name,
        settings=settings,
        engine=engine(settings.database.url("desk")),
        facts=stored_facts(settings.home),
    )

    def tick() -> None:
        if os.getppid() != parent:  # the drill is gone, so nobody would ever stop this
            stop.set()
            return
        dispatcher.tick()

    run(Task(name, tick, _TICK_SECONDS), stop)
