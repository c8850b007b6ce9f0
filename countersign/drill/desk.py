"""A temporary desk: its own home, database, venue and processes, gone when the drill ends."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from adapters.brokers.venue_control import VenueControl
from config import settings as configuration
from config.settings import PREFIX, Settings
from countersign.drill import children as forked
from countersign.drill.charges import Charges, folder_of
from countersign.drill.facts import MARK, sample_universe
from countersign.drill.venue_side import Venue
from countersign.errors import CommandError
from countersign.processes import addresses, environment, homes, plan, postgres
from countersign.processes import children as spawned
from countersign.processes.children import Running, Spec
from countersign.processes.homes import Home
from countersign.processes.postgres import Cluster
from ledger.connection import engine
from ledger.migrate import upgrade

DISPATCHERS = ("first", "second")
WORKERS = ("watch", "executor")
CASH = Decimal(2_000_000)  # USD: room for some hundred orders below the limits

_PATIENCE_SECONDS = 120.0  # on a busy machine
_PAST_DAYS = 800  # calendar days, for 504 returns
_VOLUME_SESSIONS = 20
_PACE = 1.5  # market minutes per second


@dataclass
class TemporaryDesk:
    """A desk in a folder of its own; every method is about its processes."""

    root: Path
    settings: Settings
    environment: dict[str, str]
    cluster: Cluster
    symbols: tuple[str, ...]
    servers: dict[str, Running] = field(default_factory=dict)
    processes: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    ended: list[str] = field(default_factory=list)  # that nobody had killed

    def __post_init__(self) -> None:
        told = self.settings.broker
        self.home = Home(self.root)
        self.engine: sa.Engine = engine(self.settings.database.url("desk"), pool_size=8)
        self.venue = Venue(told.url, told.key_id, told.secret_key)
        self.control = VenueControl(told.url, key_id=told.key_id, secret_key=told.secret_key)
        self.charges = Charges(folder_of(self.root))
        self.charges.folder.mkdir()

    def start_servers(self) -> None:
        """Start database and venue, with empty tables and a fresh market."""
        self._begin("venue")  # it loads its market while the database is made
        self.cluster.initialise()
        self.start_server("postgres")
        self.cluster.create_desk()
        postgres.create_schemas(self.cluster.url())
        upgrade(self.cluster.url())
        self._await("venue")

    def start_desk(self) -> None:
        """Start the workers and the dispatchers."""
        self._write_facts()
        for name in (*WORKERS, *DISPATCHERS):
            self.start(name)

    def start(self, name: str) -> None:
        """Start one worker or dispatcher."""
        begin = forked.worker if name in WORKERS else forked.dispatcher
        log = self.home.logs / f"{name}.log"
        self.processes[name] = begin(name, log=log, environment=self.environment)

    def kill(self, name: str) -> None:
        """Kill -9 one worker or dispatcher; `revive` starts it again."""
        if self.processes[name].is_alive():
            os.kill(self.processes[name].pid, signal.SIGKILL)
            self.processes[name].join()

    def revive(self) -> None:
        """Start again what has died, as the desk's supervisor does."""
        for name, process in list(self.processes.items()):
            if not process.is_alive():
                process.join()
                if process.exitcode != -signal.SIGKILL:
                    self.ended.append(f"{name} ({process.exitcode})")
                self.restarts += 1
                self.start(name)

    def start_server(self, name: str) -> None:
        """Start database or venue, and wait until it answers."""
        self._begin(name)
        self._await(name)

    def kill_server(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Signal database or venue, wait for its end, and leave nothing of it."""
        running = self.servers[name]
        os.kill(running.pid, how)
        spawned.wait_or_kill(running, self._spec(name), until=time.monotonic() + 15)

    def restart_database(self) -> None:
        """Stop the database as an operator would, and start it again."""
        self.kill_server("postgres", signal.SIGINT)
        self.start_server("postgres")

    def stop(self) -> None:
        """End every process of this desk, the database last."""
        for process in self.processes.values():
            if process.is_alive():
                process.kill()
            process.join()
        self.engine.dispose()
        self.venue.close()
        self.control.close()
        for name in ("venue", "postgres"):
            if name in self.servers and self.servers[name].is_alive():
                graceful = signal.SIGTERM if name == "venue" else signal.SIGINT
                self.kill_server(name, graceful)

    def _begin(self, name: str) -> None:
        spec, log = self._spec(name), self.home.logs / f"{name}.log"
        self.servers[name] = spawned.start(spec, log, self.environment, self.root)

    def _await(self, name: str) -> None:
        complaint = f"{name} does not start, see {self.home.logs / name}.log"
        until(self._spec(name).probe, complaint, self.servers[name].is_alive)

    def _spec(self, name: str) -> Spec:
        if name == "postgres":
            return plan.database(self.cluster)
        return plan.venue(self.settings, self.home)

    def _write_facts(self) -> None:
        """Write down the volumes and returns of the venue's real past, for the checks."""
        start = (self.control.status().now - timedelta(days=_PAST_DAYS)).date()
        told = self.venue.bars(self.symbols, start.isoformat())
        sessions = min(len(bars) for bars in told.values())
        facts = {
            "volumes": {
                symbol: str(int(np.mean([bar["v"] for bar in bars[-_VOLUME_SESSIONS:]])))
                for symbol, bars in told.items()
            },
            "returns": {
                symbol: _returns([bar["c"] for bar in bars[-sessions:]])
                for symbol, bars in told.items()
            },
        }
        (self.root / MARK).write_text(json.dumps(facts), encoding="ascii")


@contextmanager
def temporary_desk(*, start: date, seed: int, keep: Callable[[], bool]) -> Iterator[TemporaryDesk]:
    """Open a desk in a new temporary folder; stop it, and delete it unless `keep` says not to.

    Parameters
    ----------
    start : date
        The session after which the market opens.
    seed : int
        Of the venue's simulated minutes.
    keep : callable
        Asked at the end.
    """
    root = Path(tempfile.mkdtemp(prefix="countersign-drill-"))
    desk = None
    try:
        desk = _laid_out(root, start=start, seed=seed)
        yield desk
    finally:
        try:
            if desk is not None:
                desk.stop()
        finally:
            if not keep():
                shutil.rmtree(root, ignore_errors=True)


def until(
    wanted: Callable[[], object],
    complaint: str,
    alive: Callable[[], bool] = lambda: True,
    *,
    seconds: float = _PATIENCE_SECONDS,
) -> None:
    """Wait until something is true.

    Raises
    ------
    CommandError
        With the complaint, when it does not become true in time or who should do it is dead.
    """
    end = time.monotonic() + seconds
    while not wanted():
        if not alive() or time.monotonic() > end:
            raise CommandError(f"The drill's desk cannot go on: {complaint}.")
        time.sleep(0.05)


def _laid_out(root: Path, *, start: date, seed: int) -> TemporaryDesk:
    """Write the files that make a folder the home of a desk; nothing runs yet."""
    forked.prepare()
    own = _untold(os.environ) | {"DESK_HOME": str(root)}
    home = Home(root)
    home.prepare()
    (root / "desk.toml").write_text(
        f"[venue]\nstart = {start}\npace = {_PACE}\nseed = {seed}\ncash = {CASH}\nfaults = true\n",
        encoding="ascii",
    )
    (root / MARK).write_text("{}", encoding="ascii")
    told = configuration.load(own, running=False)
    ports, _moved = addresses.choose(_apart(addresses.wanted(told)), {})
    secrets = home.secrets()
    cluster = Cluster(home.postgres, ports.postgres, secrets["postgres"])
    homes.write_private(home.runtime, addresses.runtime(told, ports, secrets, cluster))
    settings = configuration.load(own)
    return TemporaryDesk(
        root=root,
        settings=settings,
        environment=environment.of_children(settings, home, own),
        cluster=cluster,
        symbols=sample_universe().names,
    )


def _untold(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what it says of the real desk, its broker above all."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}


def _apart(wanted: addresses.Ports) -> addresses.Ports:
    """Ports away from the real desk's and from other drills'."""
    away = 2_000 + os.getpid() % 400 * 20
    return addresses.Ports(**{name: port + away for name, port in vars(wanted).items()})


def _returns(closes: list[float]) -> list[float]:
    prices = np.asarray(closes)
    return [float(change) for change in prices[1:] / prices[:-1] - 1.0]
