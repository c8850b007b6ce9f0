"""A flatten closes every position, in every trading state, and never without a signature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from assets.flattening import NoResearch, flatten_proposal
from ledger import filed, proposals, signatures, standing, transact
from tests.integration.sending.desk import LIMITS, NOON, CrashError, FakeBroker, SmallDesk
from tests.integration.sending.giving_way import STOP, protected
from trading.broker import BrokerQuote
from trading.dispatch import Report, Sender, send_signed
from trading.errors import BrokerUnavailableError, NotAllowedError
from trading.ledger import Scope, Stamp
from trading.orders import OrderState, client_order_id
from trading.proposals import FLATTEN, Proposal, from_content
from trading.state import TradingState
from trading.stopping import cancel_resting, halt


def drafted(desk: SmallDesk) -> Proposal:
    desk.agree()
    return flatten_proposal(
        desk.engine, desk.broker, environment="replay", limits=LIMITS, desk_at=desk.clock.now()
    )


def ordered(
    desk: SmallDesk, owner: str = "executor/1", reached: Callable[[str], None] = lambda _p: None
) -> Report:
    """What the executor does, with the pipeline dead."""
    desk.agree()
    sender = Sender(
        owner=owner,
        build=desk.sender().build,
        environment="replay",
        limits=LIMITS,
        facts=NoResearch(),
        scope=Scope.ORDERED,
        reached=reached,
    )
    return send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)


def halted(desk: SmallDesk) -> None:
    halt(
        desk.ledger,
        desk.broker,
        reason="drill",
        person_id=None,
        desk=desk.clock,
        market=desk.market,
    )


def sign(desk: SmallDesk, proposal: Proposal) -> None:
    """Maria signs, and Jan too where two must."""
    transact(desk.engine, lambda conn: proposals.add(conn, proposal, desk_at=NOON))
    for name in ("Maria", "Jan")[: proposal.signatures_needed]:
        outcome = transact(
            desk.engine,
            lambda conn, name=name: signatures.sign(  # type: ignore[misc]  # bound per turn
                conn,
                proposal_id=proposal.proposal_id,
                person_id=desk.signers[name],
                content_hash=proposal.canonical()[1],
                price=proposal.legs[0].reference_price,
                market_at=desk.market.now(),
                desk_at=NOON,
            ),
        )
        assert outcome.recorded, outcome


def name_of(proposal: Proposal, leg_no: int = 1) -> str:
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=leg_no, attempt=1)


@dataclass
class Two:
    """Both symbols are held, IBM with its stop."""

    desk: SmallDesk

    def __post_init__(self) -> None:
        protected(self.desk)
        self.desk.broker.holdings["MSFT"] = Decimal(100)
        self.desk.agree()


@pytest.fixture
def held(desk: SmallDesk) -> SmallDesk:
    return Two(desk).desk


def test_it_is_one_leg_a_position_and_says_so_in_its_bytes(held: SmallDesk) -> None:
    proposal = drafted(held)

    assert [(leg.symbol, leg.side, leg.quantity, leg.reduces) for leg in proposal.legs] == [
        ("IBM", "sell", Decimal(20), True),  # 3,916 USD
        ("MSFT", "sell", Decimal(100), True),  # 3,060 USD
    ]
    assert (proposal.command, proposal.is_denied) == (FLATTEN, False)
    assert from_content(proposal.canonical()[0]).command == FLATTEN


@pytest.mark.parametrize("state", list(TradingState))
def test_it_goes_out_in_every_trading_state_without_the_pipeline(
    held: SmallDesk, state: TradingState
) -> None:
    at = Stamp(held.clock.now(), held.market.now(), "person")
    held.ledger.tighten(state, reason="drill", by="operator", at=at)
    proposal = drafted(held)
    submits = held.broker.submits
    ordered(held)
    assert held.broker.submits == submits, "nothing goes out unsigned"

    sign(held, proposal)
    report = ordered(held)

    assert sorted(report.acknowledged) == sorted([name_of(proposal), name_of(proposal, 2)])
    assert held.broker.held[STOP].state is OrderState.CANCELED  # its shares were needed
    compare_is_quiet(held, proposal)


def compare_is_quiet(desk: SmallDesk, proposal: Proposal) -> None:
    """Neither a comparison nor another look takes the orders back, HALTED or not."""
    for number, symbol in enumerate(("IBM", "MSFT"), start=1):
        quantity = int(desk.broker.holdings[symbol])
        desk.broker.fill(name_of(proposal, number), quantity, str(desk.broker.prices[symbol]))
    assert ordered(desk, "executor/2").sent == []
    assert all(not quantity for quantity in desk.broker.holdings.values())


def test_halted_nothing_else_that_reduces_is_sent(held: SmallDesk) -> None:
    halted(held)
    proposal = drafted(held)
    plain = Proposal(**{**_fields(proposal), "command": None, "strategy": "exits"})
    transact(held.engine, lambda conn: proposals.add(conn, plain, desk_at=NOON))
    with held.engine.connect() as conn:
        denied = standing.against_signing(
            conn, plain.proposal_id, limits=LIMITS, sectors={}, desk_at=held.clock.now()
        )
    assert denied[0].code == "trading_state"
    sign(held, plain)
    submits = held.broker.submits

    report = send_signed(
        held.ledger, held.broker, sender=held.sender(), desk=held.clock, market=held.market
    )

    assert len(report.waiting) == 2
    assert held.broker.submits == submits


def _fields(proposal: Proposal) -> dict[str, Any]:
    return {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}


def test_halted_it_may_be_signed(desk: SmallDesk) -> None:
    protected(desk)
    halted(desk)
    proposal = drafted(desk)
    transact(desk.engine, lambda conn: proposals.add(conn, proposal, desk_at=NOON))

    with desk.engine.connect() as conn:
        denied = standing.against_signing(
            conn, proposal.proposal_id, limits=LIMITS, sectors={}, desk_at=desk.clock.now()
        )

    assert denied == ()


def test_a_forged_command_is_found_before_anything_is_sent(held: SmallDesk) -> None:
    """The column that lets it pass a halt is part of what was hashed."""
    held.tampered = True
    halted(held)
    proposal = drafted(held)
    plain = Proposal(**{**_fields(proposal), "command": None, "strategy": "exits"})
    sign(held, plain)
    with held.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE desk.proposals SET command = 'flatten'")
    with held.engine.connect() as conn, pytest.raises(Exception, match="command"):
        filed.content(conn, plain.proposal_id)
    submits = held.broker.submits

    ordered(held)

    assert held.broker.submits == submits


@pytest.mark.parametrize("point", ["leased", "checked", "intended", "marked", "sent"])
def test_killed_anywhere_it_is_sent_once(held: SmallDesk, point: str) -> None:
    halted(held)
    proposal = drafted(held)
    sign(held, proposal)
    passed: list[str] = []

    def die(reached: str) -> None:
        passed.append(reached)
        if passed.count(point) == 1 and reached == point:
            raise CrashError

    with pytest.raises(CrashError):
        ordered(held, reached=die)
    for n in range(2, 5):
        held.clock.forward(LIMITS.lease_seconds + LIMITS.resend_grace_seconds)
        ordered(held, f"executor/{n}")

    ours = [o for o in held.broker.held.values() if o.client_order_id.startswith("cs-")]
    sales = [o for o in ours if o.side == "sell"]
    assert sorted(o.client_order_id for o in sales) == sorted(
        [name_of(proposal), name_of(proposal, 2)]
    )


def test_what_the_pipeline_left_unknown_is_not_the_executor_s_to_judge(desk: SmallDesk) -> None:
    """Without research an opening order would be denied: it is left to who has it."""
    waiting = desk.signed()

    def die(point: str) -> None:
        if point == "intended":
            raise CrashError

    with pytest.raises(CrashError):
        send_signed(
            desk.ledger,
            desk.broker,
            sender=desk.sender(reached=die),
            desk=desk.clock,
            market=desk.market,
        )
    desk.clock.forward(LIMITS.lease_seconds + LIMITS.resend_grace_seconds)
    ordered(desk)

    order = desk.ledger.order(name_of(waiting))
    assert order is not None
    assert order.state is OrderState.INTENDED


def test_resting_orders_go_and_stops_stay(held: SmallDesk) -> None:
    resting = held.signed(symbol="MSFT")
    held.agree()
    send_signed(held.ledger, held.broker, sender=held.sender(), desk=held.clock, market=held.market)
    at = Stamp(held.clock.now(), held.market.now(), "person")

    assert cancel_resting(held.ledger, held.broker, at=at).complete

    assert held.broker.held[name_of(resting)].state is OrderState.CANCELED
    assert not held.broker.held[STOP].state.is_final


def test_a_broker_that_is_silent_or_flat_yields_no_proposal(desk: SmallDesk) -> None:
    with pytest.raises(NotAllowedError, match="holds no position"):
        drafted(desk)
    desk.broker.away = {"positions"}
    with pytest.raises(BrokerUnavailableError):
        drafted(desk)


@dataclass
class WideBroker(FakeBroker):
    """Nobody trades IBM, and bid and ask lie far apart."""

    def quotes(self, symbols: Sequence[str]) -> dict[str, BrokerQuote]:
        told = super().quotes(symbols)
        if "IBM" in told:
            told["IBM"] = replace(told["IBM"], bid=Decimal(100), ask=Decimal(250), last=None)
        return told


def test_what_has_no_price_waits_alone_and_keeps_its_stop(held: SmallDesk) -> None:
    held.broker = WideBroker(**vars(held.broker))
    proposal = drafted(held)
    assert not proposal.is_denied
    sign(held, proposal)

    report = ordered(held)

    assert report.acknowledged == [name_of(proposal, 2)]
    [waits] = report.waiting.values()
    assert "a quote wider than 5.0 % is no price" in waits
    assert not held.broker.held[STOP].state.is_final


def test_what_is_bought_back_does_not_wait_for_a_sale_without_a_price(held: SmallDesk) -> None:
    held.broker.holdings["MSFT"] = Decimal(-100)  # by a trade past the desk
    held.broker = WideBroker(**vars(held.broker))
    proposal = drafted(held)
    sign(held, proposal)

    report = ordered(held)

    assert [leg.side for leg in proposal.legs] == ["sell", "buy"]
    assert report.acknowledged == [name_of(proposal, 2)]


def test_two_must_sign_what_is_large(desk: SmallDesk) -> None:
    desk.broker.holdings["IBM"] = Decimal(60)  # 11,748 USD

    assert drafted(desk).signatures_needed == 2
