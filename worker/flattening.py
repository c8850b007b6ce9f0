"""Flatten: the desk reduces only, its resting orders are cancelled, and a proposal closes the rest.

The proposal is signed like every other; what was signed is sent here, so that it goes out with
the pipeline dead and the desk HALTED.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assets.flattening import NoResearch, flatten_proposal
from assets.picture import limits_now
from ledger import filed, proposals, state
from ledger.requests import Request
from trading.dispatch import send_signed
from trading.errors import AskError, NotAllowedError
from trading.ledger import Scope, Stamp
from trading.proposals import FLATTEN, Proposal
from trading.sending import Sender
from trading.state import TradingState
from trading.stopping import cancel_resting
from worker.desk import Desk


def flatten(desk: Desk, asked: Request) -> str:
    """Propose the end of every position; return what to tell.

    Raises
    ------
    NotAllowedError
        If the person may not, nothing is held, or an earlier flatten is being sent.
    AskError
        If an order that rests at the broker could not be cancelled.
    BrokerUnavailableError
        If the broker does not answer: nobody then knows what is held.
    """
    _reduce(desk, asked)
    _require_none_signed(desk)
    stopped = cancel_resting(
        desk.ledger,
        desk.broker,
        at=Stamp(desk.clock.now(), desk.market.now(), "person"),
    )
    if not stopped.complete:
        raise AskError(stopped.sentence)
    drafted = flatten_proposal(
        desk.engine,
        desk.broker,
        environment=desk.environment,
        limits=limits_now(desk.limits, desk.engine, desk_at=desk.clock.now()),
        desk_at=desk.clock.now(),
    )
    _store(desk, drafted, actor=asked.person_id or "operator")
    orders = f"{len(drafted.legs)} order{'s' if len(drafted.legs) > 1 else ''}"
    if drafted.is_denied:
        first = next(check for check in drafted.checks if check.denies)
        raise NotAllowedError(f"Proposal {drafted.code} was denied: {first.sentence}")
    return (
        f"Proposal {drafted.code} closes every position by {orders}. Nothing is sent before it "
        "is signed, under Approvals."
    )


@dataclass
class FlattenSender:
    """Sends what was signed of a flatten at once; what had to wait, again at the broker's pace."""

    desk: Desk
    left: int = 0  # legs that waited at the last look
    tried_at: datetime | None = None

    def step(self) -> None:
        """Look once."""
        now = self.desk.clock.now()
        waits = self.desk.ledger.waiting_legs(not_leased_at=now, scope=Scope.ORDERED)
        pace = timedelta(seconds=self.desk.settings.broker.look_seconds)
        rests = self.tried_at is not None and abs(now - self.tried_at) < pace
        if waits > self.left or (waits and not rests):
            send_flatten(self.desk)
            self.tried_at = now
        self.left = waits


def send_flatten(desk: Desk) -> None:
    """Send what was signed of a flatten, whatever the pipeline does."""
    now = desk.clock.now()
    if not desk.ledger.waiting_legs(not_leased_at=now, scope=Scope.ORDERED):
        return
    send_signed(
        desk.ledger,
        desk.broker,
        sender=Sender(
            owner=f"executor/{os.getpid()}",
            build=desk.settings.build,
            environment=desk.environment,
            limits=limits_now(desk.limits, desk.engine, desk_at=now),
            facts=NoResearch(),
            scope=Scope.ORDERED,
        ),
        desk=desk.clock,
        market=desk.market,
    )


def _reduce(desk: Desk, asked: Request) -> None:
    """Take the desk out of ACTIVE, so that nothing is opened while it is being closed."""
    with desk.engine.begin() as conn:
        now = state.current(conn).state
        state.change(  # to the state in force: only whether the person may is asked
            conn,
            to=TradingState.REDUCING if now is TradingState.ACTIVE else now,
            reason=str(asked.payload.get("reason") or ""),
            person_id=asked.person_id or "",
            desk_at=desk.clock.now(),
            request_id=asked.request_id,
        )


def _flattens(desk: Desk, state_: str) -> list[filed.StoredProposal]:
    with desk.engine.connect() as conn:
        return [one for one in filed.in_states(conn, (state_,)) if one.command == FLATTEN]


def _require_none_signed(desk: Desk) -> None:
    for one in _flattens(desk, "signed"):
        with desk.engine.connect() as conn:
            waits = [leg for leg in filed.legs_of(conn, one.proposal_id) if leg.closed_at is None]
        if one.sending_at is None and waits:
            raise NotAllowedError(f"Proposal {one.code} is signed and about to be sent.")


def _store(desk: Desk, drafted: Proposal, *, actor: str) -> None:
    """Store the proposal; one that still waits to be decided is replaced by it."""
    desk_at = desk.clock.now()
    for old in _flattens(desk, "open"):
        newer = replace(drafted, supersedes=old.proposal_id)
        with desk.engine.begin() as conn:
            made = proposals.supersede(conn, old.proposal_id, newer, desk_at=desk_at, actor=actor)
        if made is None:
            raise NotAllowedError(f"Proposal {old.code} was decided meanwhile; look there first.")
        return
    with desk.engine.begin() as conn:
        proposals.add(conn, drafted, desk_at=desk_at)
