"""Carries a plan out: signs legs, commits faults, keeps processes alive, waits for rest."""

import random
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from countersign.drill import befall, ledger_side
from countersign.drill.compare import Finding
from countersign.drill.desk import TemporaryDesk, until
from countersign.drill.plan import Step
from countersign.drill.signing import People, Seen
from ledger import requests, state, transact
from quality.calendar import exchange
from trading.state import TradingState

_BETWEEN_LEGS_SECONDS = 0.3
_REST_SECONDS = 25.0
_DUTY_SECONDS = 3.0  # a person is not quicker
_EXPIRY_MINUTES = 3  # market minutes
OF_SIGNATURES = frozenset({"kill_signing", "race", "tampered", "expiry"})
"""Fault classes that strike while a leg is signed."""


@dataclass
class Conductor:
    """One drill under way; `say` tells the person who watches."""

    desk: TemporaryDesk
    people: People
    chance: random.Random
    say: Callable[[str], None]
    struck: Counter[str] = field(default_factory=Counter)
    strangers: set[str] = field(default_factory=set)
    signing: deque[str] = field(default_factory=deque)  # faults of the next signatures
    owed: int = 0  # cancels that wait for an order to be working
    findings: list[Finding] = field(default_factory=list)
    resumed: int = 0
    _resumed_at: float = 0.0

    def begin(self) -> None:
        """Open the market and wait until the desk has seen everything it needs."""
        self.next_session()
        self.desk.start_desk()
        until(self._is_ready, "it did not hear the market")

    def next_session(self) -> None:
        """Go to a minute after the next opening."""
        self.desk.control.session_done(self.desk.control.status().session)
        self.desk.control.jump("next_open")
        self.desk.control.step(1)
        self.desk.control.run()

    def step(self, step: Step) -> None:
        """Commit a fault, or have a proposal made and signed."""
        self.desk.revive()
        self.on_duty()
        if self.owed:
            befall.ask_to_cancel(self)
        if step.fault in OF_SIGNATURES:
            self.signing.append(step.fault)
        elif step.fault is not None:
            self.say(step.fault)
            befall.BEFALLS[step.fault](self)
        else:
            self._sign(step)
            time.sleep(_BETWEEN_LEGS_SECONDS * self.chance.uniform(0.2, 1.8))

    def split(self, ratio: int) -> None:
        """Have a held share split before the next opening, stops and targets open."""
        seen = self._seen()
        held = [symbol for symbol in self.desk.symbols if seen.held.get(symbol)]
        symbol = self.chance.choice(held or list(self.desk.symbols))
        session = self.desk.control.status().session
        ex_date = exchange().sessions(session, session + timedelta(days=10))[1]
        self.desk.control.plant(
            {"kind": "split", "symbol": symbol, "ex_date": ex_date.isoformat(), "ratio": ratio}
        )
        self.struck["split"] += 1
        self.say(f"{symbol} will split on {ex_date}")

    def rest(self) -> bool:
        """Wait until nothing waits and nothing is in doubt; False when it does not come to that."""
        end = time.monotonic() + _REST_SECONDS
        while time.monotonic() < end:
            self.desk.revive()
            self.on_duty()
            if not transact(self.desk.engine, ledger_side.unfinished):
                if self.owed:  # no order comes after these
                    self.wait(befall.ask_to_cancel(self), seconds=_DUTY_SECONDS)
                return True
            time.sleep(0.2)
        return False

    def close(self) -> None:
        """Let the session end, and the desk see that it did."""
        self.desk.control.jump("close")
        closed = self.desk.control.status().now

        def heard() -> bool:
            self.desk.revive()
            seen = self.people.seen()
            return seen is not None and seen.clock.now >= closed

        until(heard, "it did not hear of the close")

    def calm(self) -> None:
        """Take every fault away, and let a desk that is whole come to rest and compare itself."""
        self.desk.venue.disarm()
        self.desk.charges.clear()
        self.rest()
        self.desk.kill("watch")  # a new one compares at its start, not within half a minute
        begun = datetime.now(UTC)
        if not self.wait(lambda: self._compared(begun)):
            said = "The desk could not compare itself with the venue in the end; see watch.log."
            self.findings.append(Finding("unexplained", "reconciliation", said))

    def on_duty(self) -> None:
        """Do what a person would: when the desk has tightened itself, look why and resume."""
        now = transact(self.desk.engine, state.current)
        if now.state is TradingState.ACTIVE:
            return
        if time.monotonic() - self._resumed_at < _DUTY_SECONDS:
            return
        self.resumed, self._resumed_at = self.resumed + 1, time.monotonic()
        self.say(f"{now.state} by {now.set_by}: {now.reason}")
        self.people.set_state(TradingState.ACTIVE, "the drill goes on")

    def ask(self, kind: str, payload: dict[str, str]) -> Callable[[], bool]:
        """Ask the executor for something; returns whether it has answered."""
        asked = transact(
            self.desk.engine,
            lambda conn: requests.add(
                conn,
                kind=kind,
                payload=payload,
                person_id=self.people.ids["maria"],
                idempotency_key=uuid.uuid4().hex,
                desk_at=datetime.now(UTC),
            ),
        )

        def answered() -> bool:
            found = transact(self.desk.engine, lambda conn: requests.by_id(conn, asked.request_id))
            return found is not None and found.state in {"done", "refused"}

        return answered

    def wait(self, wanted: Callable[[], bool], *, seconds: float = _REST_SECONDS) -> bool:
        """Wait until something is true, processes kept alive; False when it does not come."""
        end = time.monotonic() + seconds
        while not wanted():
            if time.monotonic() > end:
                return False
            self.desk.revive()
            time.sleep(0.1)
        return True

    def faults(self) -> Counter[str]:
        """Return how often each class struck so far."""
        return self.struck + self.desk.venue.count() + self.desk.charges.count()

    def _sign(self, step: Step) -> None:
        """Have a proposal signed; one that was vetoed is made again, so that the count holds."""
        fault = self.signing.popleft() if self.signing else None
        seen = self._seen()
        # What is to be cancelled must work for a while.
        legs = [replace(leg, kind="passive") if self.owed else leg for leg in step.legs]
        proposal = self.people.propose(
            legs, seen, minutes=_EXPIRY_MINUTES if fault == "expiry" else None
        )
        if fault is not None:
            self.struck[fault] += 1
            self.say(fault)
        if fault == "kill_signing":
            befall.kill_signing(self, proposal)
        won = (
            self.people.race(proposal)
            if fault == "race"
            else self.people.sign(proposal, tampered=fault == "tampered")
        )
        if not won:
            self._sign(step)

    def _seen(self) -> Seen:
        found = self.people.seen()
        assert found is not None  # it was ready when the drill began
        return found

    def _is_ready(self) -> bool:
        self.desk.revive()
        seen = self.people.seen()
        if seen is None or set(self.desk.symbols) - seen.prices.keys():
            return False
        clean = transact(
            self.desk.engine,
            lambda conn: ledger_side.compared_since(conn, datetime.min.replace(tzinfo=UTC)),
        )
        return bool(clean)

    def _compared(self, since: datetime) -> bool:
        found = transact(self.desk.engine, lambda conn: ledger_side.compared_since(conn, since))
        return found is not None
