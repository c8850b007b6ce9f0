"""What a worker works with, in memory where a service would be."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from adapters.brokers.venue_control import ReplayStatus
from assets.desk_time import LedgerClock
from config import limits, settings, universe
from ledger import market, new_id, people, requests
from ledger.connection import engine
from ledger.desk import DeskLedger
from ledger.requests import Request
from tests.integration.sending.desk import FakeBroker, StandingClock
from trading.errors import AskError
from worker.desk import Desk, WallClock
from worker.executor import carry_out_next

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # desk time
SESSION = date(2012, 7, 3)
OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)
CLOSE = datetime(2012, 7, 3, 17, 0, tzinfo=UTC)


@dataclass
class FakeVenue:
    """Notes what it was asked; stands inside a session until told otherwise."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: str = ""
    told: ReplayStatus = field(
        default_factory=lambda: ReplayStatus(
            state="paused",
            hold_reason=None,
            now=OPEN,
            session=SESSION,
            is_open=True,
            next_open=None,
            next_close=CLOSE,
            pace=Decimal(1),
            first_session=date(2012, 7, 2),
            last_session=date(2013, 3, 1),
            sessions_done=0,
        )
    )

    def status(self) -> ReplayStatus:
        return self.told

    def closed(self) -> None:
        self.told = replace(self.told, now=CLOSE, is_open=False)

    def run(self) -> None:
        self._note("run")

    def pause(self) -> None:
        self._note("pause")

    def step(self, minutes: int) -> None:
        self._note("step", minutes)

    def jump(self, to: str) -> None:
        self._note("jump", to)

    def pace(self, minutes_per_second: Decimal) -> None:
        self._note("pace", minutes_per_second)

    def hold(self, name: str, *, reason: str) -> None:
        self._note("hold", name, reason)

    def release(self, name: str) -> None:
        self._note("release", name)

    def session_done(self, session: date) -> None:
        self._note("session_done", session)

    def _note(self, *what: Any) -> None:
        if self.refuses:
            raise AskError(self.refuses)
        self.asked.append(what)


@dataclass
class WorkerDesk:
    """The desk and the hands of the test on what is behind it."""

    desk: Desk
    broker: FakeBroker
    venue: FakeVenue
    people: dict[str, str]

    def asks(
        self, kind: str, payload: dict[str, Any] | None = None, *, by: str | None = "maria"
    ) -> Request:
        """Ask for something, let the executor work once, and return what came of it."""
        with self.desk.engine.begin() as conn:
            asked = requests.add(
                conn, kind=kind, payload=payload or {}, idempotency_key=new_id(), desk_at=NOON,
                person_id=None if by is None else self.people[by],
            )  # fmt: skip
        carry_out_next(self.desk)
        with self.desk.engine.connect() as conn:
            found = requests.by_id(conn, asked.request_id)
        assert found is not None
        return found


def opened(dsn: str, home: Path) -> WorkerDesk:
    told = settings.load({"DESK_HOME": str(home), "COUNTERSIGN_DATABASE__DSN": dsn})
    database = engine(dsn)
    clock = StandingClock(NOON)
    broker, venue = FakeBroker(StandingClock(OPEN)), FakeVenue()
    desk = Desk(
        settings=told, limits=limits.load(), universe=universe.load(), engine=database,
        ledger=DeskLedger(database), broker=cast("Any", broker), venue=cast("Any", venue),
        market=LedgerClock(database), clock=cast("WallClock", clock),
    )  # fmt: skip
    with database.begin() as conn:
        market.record_clock(conn, clock_at(OPEN))
        made = {
            login: people.add(
                conn, login=login, display_name=login.title(), roles=(role,), desk_at=NOON,
                origin="os",
            ).person_id
            for login, role in (("maria", "signatory"), ("eva", "viewer"))
        }  # fmt: skip
    return WorkerDesk(desk, broker, venue, made)


def clock_at(now: datetime) -> market.Clock:
    return market.Clock(
        now=now, session=SESSION, is_open=now < CLOSE, next_open=None, next_close=CLOSE,
        early_close=True, replay=True, state="paused", hold_reason=None, pace=Decimal(1),
        first_session=None, last_session=None, received_at=NOON,
    )  # fmt: skip
