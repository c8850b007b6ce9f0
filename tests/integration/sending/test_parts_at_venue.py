"""Worked in parts and flattened at a real venue process, with the sender killed again and again."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from assets.flattening import NoResearch, flatten_proposal
from ledger import filed, proposals, signatures, transact
from tests.integration.sending.at_venue import compared
from tests.integration.sending.desk import LIMITS, NOON, CrashError, SmallDesk, proposed
from tests.integration.venue.served import ServedVenue
from trading.dispatch import send_signed
from trading.ledger import Scope
from trading.proposals import Leg, Proposal
from trading.state import TradingState
from trading.stopping import halt
from trading.tactics.tactic import Tactic

pytestmark = pytest.mark.long

CENT = Decimal("0.01")
POINTS = ("leased", "planned", "intended", "marked", "sent", "acknowledged")


def in_parts(desk: SmallDesk, broker: AlpacaBroker) -> Proposal:
    """Buy 60 MSFT in three slices within the hour, at 2 % above the market or less."""
    desk.account_id = broker.account().account_id
    last, now = broker.quotes(["MSFT"])["MSFT"].last, broker.clock().now
    assert last is not None
    tactic = Tactic(
        kind="twap",
        starts_at=now + timedelta(minutes=4),
        ends_at=now + timedelta(minutes=64),
        slices=3,
    )
    leg = Leg(
        leg_no=1,
        symbol="MSFT",
        side="buy",
        quantity=Decimal(60),
        order_type="limit",
        time_in_force="day",
        reference_price=last,
        limit_price=(last * Decimal("1.02")).quantize(CENT, ROUND_HALF_UP),
        tactic=tactic,
    )
    made = replace(
        proposed(symbol="MSFT"),
        legs=(leg,),
        model_version=None,
        entered_by=desk.signers["Jan"],
        drift_bound=Decimal("0.05"),
    )
    return desk.sign(made)


def closed_as(desk: SmallDesk, proposal: Proposal) -> str | None:
    with desk.engine.connect() as conn:
        return filed.legs_of(conn, proposal.proposal_id)[0].closed_code


def test_killed_again_and_again_the_parts_add_up_and_a_halted_desk_is_flattened(
    desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    proposal, left = in_parts(desk, broker), list(POINTS)

    def die(reached: str) -> None:
        if left and reached == left[0]:
            left.pop(0)
            raise CrashError

    for n in range(60):
        compared(desk, broker)
        sender = replace(desk.sender(f"executor/{n}", die), scope=Scope.TACTICS)
        with suppress(CrashError):
            send_signed(desk.ledger, broker, sender=sender, desk=desk.clock, market=desk.market)
        if closed_as(desk, proposal) is not None:
            break
        served.post("/venue/step", {"minutes": 3})

    compared(desk, broker)
    [held] = broker.positions()
    assert (closed_as(desk, proposal), held.quantity) == ("filled", Decimal(60))
    assert left == [], "killed once at every point"
    sent = broker.orders(since=proposal.valid_from)
    limit = proposal.legs[0].limit_price
    assert limit is not None
    assert sum(order.filled_quantity for order in sent) == 60
    assert all(order.limit_price is not None and order.limit_price <= limit for order in sent)
    assert len(sent) <= 8

    flattened(desk, served, broker)


def flattened(desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker) -> None:
    halt(
        desk.ledger,
        broker,
        reason="drill",
        person_id=None,
        desk=desk.clock,
        market=desk.market,
    )
    drafted = flatten_proposal(
        desk.engine, broker, environment="replay", limits=LIMITS, desk_at=desk.clock.now()
    )
    assert not drafted.is_denied, drafted.checks
    transact(desk.engine, lambda conn: proposals.add(conn, drafted, desk_at=NOON))
    outcome = transact(
        desk.engine,
        lambda conn: signatures.sign(
            conn,
            proposal_id=drafted.proposal_id,
            person_id=desk.signers["Maria"],
            content_hash=drafted.canonical()[1],
            price=drafted.legs[0].reference_price,
            market_at=desk.market.now(),
            desk_at=NOON,
        ),
    )
    assert outcome.state == "signed", outcome
    sender = replace(desk.sender("executor/flatten"), facts=NoResearch(), scope=Scope.ORDERED)

    report = send_signed(desk.ledger, broker, sender=sender, desk=desk.clock, market=desk.market)
    served.post("/venue/step", {"minutes": 3})
    compared(desk, broker)

    assert len(report.acknowledged) == 1, report
    assert broker.positions() == []
    assert desk.ledger.trading_state() is TradingState.HALTED
