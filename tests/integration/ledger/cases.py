"""A small desk on a real ledger: people, proposals, and clicks at chosen instants."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TypeVar

import sqlalchemy as sa

from ledger import audit, new_id, people, proposals, signatures, transact
from ledger.tables import proposals as table
from trading.proposals import CheckResult, DataVerdict, Leg, Proposal, Risk, code_of
from trading.signatures import SignOutcome

T = TypeVar("T")
U = TypeVar("U")

SESSION = date(2012, 7, 2)
OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)  # 09:30 New York
CLOSE = datetime(2012, 7, 3, 17, 0, tzinfo=UTC)  # 13:00 New York, an early close
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # desk time
SECOND = timedelta(seconds=1)
FOUR_EYES = Decimal(10_000)


@dataclass
class Case:
    """A ledger, its people by name, and a desk clock that moves a second at every question."""

    ledger: sa.Engine
    person: dict[str, str] = field(default_factory=dict)
    ticks: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    def begin(cls, ledger: sa.Engine) -> "Case":
        case = cls(ledger)
        for name in ("Maria", "Jan", "Ada"):
            case.add_person(name, "signatory")
        case.add_person("Ann", "analyst")
        case.add_person("Vic", "viewer")
        return case

    def desk_at(self) -> datetime:
        return NOON + next(self.ticks) * SECOND

    def add_person(self, name: str, *roles: str) -> str:
        with self.ledger.begin() as conn:
            made = people.add(
                conn,
                login=name.lower(),
                display_name=name,
                roles=roles,
                desk_at=self.desk_at(),
                origin="os",
            )
        self.person[name] = made.person_id
        return made.person_id

    def set_roles(self, name: str, *roles: str, active: bool = True) -> None:
        with self.ledger.begin() as conn:
            people.change_roles(
                conn,
                person_id=self.person[name],
                roles=roles,
                active=active,
                changed_by="operator",
                desk_at=self.desk_at(),
            )

    def record(self, proposal: Proposal) -> str:
        return transact(
            self.ledger, lambda conn: proposals.record(conn, proposal, desk_at=self.desk_at())
        )

    def sign(
        self,
        proposal: Proposal,
        name: str,
        *,
        market_at: datetime = OPEN,
        price: Decimal | None = None,
        content_hash: str | None = None,
        desk_at: datetime | None = None,
    ) -> SignOutcome:
        return transact(
            self.ledger,
            lambda conn: signatures.sign(
                conn,
                proposal_id=proposal.proposal_id,
                person_id=self.person[name],
                content_hash=content_hash or proposal.canonical()[1],
                price=price,
                market_at=market_at,
                desk_at=desk_at or self.desk_at(),
            ),
        )

    def veto(
        self,
        proposal: Proposal,
        name: str,
        *,
        market_at: datetime = OPEN,
        reason: str = "news",
        content_hash: str | None = None,
        desk_at: datetime | None = None,
    ) -> SignOutcome:
        return transact(
            self.ledger,
            lambda conn: signatures.veto(
                conn,
                proposal_id=proposal.proposal_id,
                person_id=self.person[name],
                content_hash=content_hash or proposal.canonical()[1],
                reason_code=reason,
                reason_text="",
                market_at=market_at,
                desk_at=desk_at or self.desk_at(),
            ),
        )

    def withdraw(self, proposal: Proposal, name: str) -> SignOutcome:
        return transact(
            self.ledger,
            lambda conn: signatures.withdraw(
                conn,
                proposal_id=proposal.proposal_id,
                person_id=self.person[name],
                market_at=OPEN,
                desk_at=self.desk_at(),
            ),
        )

    def expire(self, market_at: datetime) -> Sequence[object]:
        return transact(
            self.ledger,
            lambda conn: proposals.expire(conn, market_at=market_at, desk_at=self.desk_at()),
        )

    def state(self, proposal: Proposal) -> str:
        return str(self.value(proposal, "state"))

    def value(self, proposal: Proposal, column: str) -> object:
        with self.ledger.connect() as conn:
            return conn.scalar(
                sa.select(table.c[column]).where(table.c.proposal_id == proposal.proposal_id)
            )

    def set_value(self, proposal: Proposal, **values: object) -> None:
        """Change a row past the desk, as a dispatcher or an intruder would."""
        with self.ledger.begin() as conn:
            conn.execute(
                sa.update(table).where(table.c.proposal_id == proposal.proposal_id).values(**values)
            )

    def live_signatures(self, proposal: Proposal) -> int:
        with self.ledger.connect() as conn:
            given = signatures.of_proposal(conn, proposal.proposal_id)
        return sum(mark.kind == "sign" and mark.withdrawn_at is None for mark in given)

    def audited(self, subject: str, action: str) -> int:
        with self.ledger.connect() as conn:
            return sum(row.action == action for row in audit.entries(conn, subject=subject))

    def assert_chain_holds(self) -> None:
        with self.ledger.connect() as conn:
            assert audit.verify(conn) is None


def both(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
    """Run two jobs from two threads, released together."""
    gate = Barrier(2)

    def one() -> T:
        gate.wait()
        return first()

    def other() -> U:
        gate.wait()
        return second()

    with ThreadPoolExecutor(2) as pool:
        running, beside = pool.submit(one), pool.submit(other)
        return running.result(), beside.result()


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run all jobs from as many threads, released together; results in the order of jobs."""
    gate = Barrier(len(jobs))

    def released(job: Callable[[], T]) -> T:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(released, jobs))


def proposed(
    symbol: str = "IBM",
    *,
    side: str = "buy",
    quantity: int = 25,
    limit: str = "195.93",
    reference: str = "195.83",
    strategy: str = "trend",
    model_version: str | None = "m1",
    session: date = SESSION,
    signatures_needed: int = 1,
    entered_by: str | None = None,
    denied: bool = False,
    supersedes: str | None = None,
    drift_direction: str = "both",
    proposal_id: str | None = None,
) -> Proposal:
    """Buy 25 IBM at 195.93 or less: 4,898.25 USD, until 13:00 New York, ±0.50 %."""
    made_id = proposal_id or new_id()
    leg = Leg(
        leg_no=1,
        symbol=symbol,
        side="sell" if side == "sell" else "buy",
        quantity=Decimal(quantity),
        order_type="limit",
        time_in_force="day",
        reference_price=Decimal(reference),
        limit_price=Decimal(limit),
        stop_loss_price=Decimal("186.71"),
    )
    check = CheckResult(
        number=12,
        code="order_notional",
        passed=not denied,
        warning=False,
        sentence="Fits." if not denied else "Too large.",
    )
    return Proposal(
        proposal_id=made_id,
        code=code_of(made_id),
        session=session,
        environment="replay",
        account_id="PA1",
        strategy=strategy,
        model_version=model_version,
        advisory=True,
        legs=(leg,),
        rationale=None,
        risk=Risk(equity=Decimal(100_000), loss_to_stop=Decimal("230.50"), effects=()),
        checks=(check,),
        data=(
            DataVerdict(session=session, status="passed", checks=24, checks_passed=24, report=None),
        ),
        valid_from=OPEN - timedelta(hours=16),
        valid_until=CLOSE,
        drift_bound=Decimal("0.005"),
        drift_direction=drift_direction,
        signatures_needed=signatures_needed,
        four_eyes_notional=FOUR_EYES,
        snapshot_id=7,
        created_market_at=OPEN - timedelta(hours=16),
        entered_by=entered_by,
        supersedes=supersedes,
    )
