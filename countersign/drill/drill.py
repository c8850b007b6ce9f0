"""The whole drill, from an empty folder to the comparison."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countersign.drill import ledger_side
from countersign.drill.compare import Finding, LedgerSide, compare, counts
from countersign.drill.conductor import Conductor
from countersign.drill.desk import CASH, TemporaryDesk, temporary_desk
from countersign.drill.facts import drill_limits, sample_universe
from countersign.drill.limits_kept import Bought, breaches
from countersign.drill.plan import Plan, planned
from countersign.drill.signing import People
from ledger import snapshot

_SPLIT_RATIO = 2


@dataclass(frozen=True)
class Result:
    """What a drill found; clean when nothing is wrong."""

    orders: int
    findings: tuple[Finding, ...]
    faults: dict[str, int]
    seconds: float
    home: str
    resumed: int = 0
    restarts: int = 0
    ended: tuple[str, ...] = ()  # processes that nobody had killed
    ends: Mapping[str, int] = field(default_factory=dict)  # legs by what became of them
    protections: int = 0  # legs at the venue that were signed to protect what was held

    @property
    def clean(self) -> bool:
        """Whether every count is zero."""
        return not self.findings

    def told(self) -> dict[str, Any]:
        """Return the counts as the command prints them."""
        return {
            "orders": self.orders,
            **counts(self.findings),
            "faults": self.faults,
            "seconds": round(self.seconds, 1),
        }


@dataclass
class Drill:
    """One drill to be run; `progress` hears the share done and what happens.

    Whether a person has `stopped` it is asked when it ends before its time.
    """

    seed: int
    orders: int
    faults: Sequence[str]
    progress: Callable[[int, str], None]
    keep: bool = False
    stopped: Callable[[], bool] = lambda: False
    clean: bool = False

    def run(self) -> Result:
        """Run the drill and compare.

        Raises
        ------
        CommandError
            If the temporary desk cannot be started, or does not come back.
        KeyboardInterrupt
            If a person stopped it.
        """
        try:
            return self._run()
        except Exception as e:
            if self.stopped():  # whatever broke where it was cut off
                raise KeyboardInterrupt from e
            raise

    def _run(self) -> Result:
        begun = time.monotonic()
        universe = sample_universe()
        plan = planned(
            seed=self.seed, orders=self.orders, faults=self.faults, symbols=universe.names
        )
        with temporary_desk(start=plan.start, seed=self.seed, keep=self._kept) as desk:
            self.progress(0, f"a temporary desk in {desk.root}")
            desk.start_servers()
            conductor = Conductor(
                desk=desk,
                people=People(desk.engine),
                chance=random.Random(self.seed + 1),  # noqa: S311  drills repeat
                say=lambda said: self.progress(len(conductor.people.signed), said),
            )
            conductor.begin()
            self._sessions(plan, conductor)
            result = self._result(desk, conductor, begun)
            self.clean = result.clean
            return result

    def _kept(self) -> bool:
        return not self.stopped() and (self.keep or not self.clean)

    def _sessions(self, plan: Plan, conductor: Conductor) -> None:
        for number, steps in enumerate(plan.sessions, start=1):
            conductor.say(f"session {number} of {len(plan.sessions)}")
            for step in steps:
                conductor.step(step)
            last = number == len(plan.sessions)
            conductor.rest()
            if plan.splits and number == len(plan.sessions) - 1:
                conductor.split(_SPLIT_RATIO)
            conductor.close()
            if not last:
                conductor.next_session()
        conductor.say("everything comes to rest")
        conductor.calm()

    def _result(self, desk: TemporaryDesk, conductor: Conductor, begun: float) -> Result:
        """Read both sides, compare, and count."""
        venue = desk.venue.side(CASH)
        with snapshot(desk.engine) as conn:
            signed = ledger_side.with_ends(conn, conductor.people.signed)
            ledger, sent_at = ledger_side.side(conn), ledger_side.sent_at(conn)
            unsound = ledger_side.unsound(conn, tampered=conductor.people.tampered)
        executions = [Bought(f.symbol, f.side, f.quantity, f.price, f.at) for f in venue.executions]
        beyond = breaches(
            executions,
            sent_at=sent_at,
            first_cash=CASH,
            limits=drill_limits(),
            sectors=sample_universe().sectors,
        )
        found = compare(signed, ledger, venue, strangers=conductor.strangers, breaches=beyond)
        struck, there = conductor.faults(), {told.client_order_id for told in venue.orders}
        return Result(
            orders=len(signed),
            findings=(*found, *unsound, *conductor.findings),
            faults={name: struck[name] for name in self.faults},
            seconds=time.monotonic() - begun,
            home=str(desk.root),
            resumed=conductor.resumed,
            restarts=desk.restarts,
            ended=tuple(desk.ended),
            ends=_ends(len(signed), ledger),
            protections=sum(one.protects and one.client_order_id in there for one in signed),
        )


def _ends(signed: int, ledger: LedgerSide) -> dict[str, int]:
    """Count legs by the state of their order; those without one ended before it."""
    states = Counter(order.state for order in ledger.orders if order.parent is None)
    return {**dict(sorted(states.items())), "not sent": signed - states.total()}
