"""A halt leaves nothing working, whenever it comes, or says that it is not complete."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger import new_id, orders, requests
from tests.integration.sending.desk import (
    CLOSE,
    LIMITS,
    OPEN,
    CrashError,
    SmallDesk,
    StandingClock,
    proposed,
)
from trading.broker import BrokerOrder
from trading.dispatch import Report, send_signed
from trading.errors import BrokerUnavailableError, OutcomeUnknownError
from trading.orders import ENDED_THERE, Order, OrderState, client_order_id
from trading.proposals import Proposal
from trading.reconcile import reconcile
from trading.state import TradingState
from trading.stopping import StopReport, cancel_order, cancel_overdue, halt


def send(desk: SmallDesk, owner: str = "run/1") -> Report:
    return send_signed(
        desk.ledger, desk.broker, sender=desk.sender(owner), desk=desk.clock, market=desk.market
    )


def halted(desk: SmallDesk) -> StopReport:
    return halt(
        desk.ledger,
        desk.broker,
        reason="drill",
        person_id=None,
        desk=desk.clock,
        market=desk.market,
    )


def overdue(desk: SmallDesk) -> StopReport:
    return cancel_overdue(desk.ledger, desk.broker, desk=desk.clock, market=desk.market)


def compare(desk: SmallDesk) -> bool:
    return reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    ).clean


def name_of(proposal: Proposal) -> str:
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def here(desk: SmallDesk, proposal: Proposal) -> OrderState:
    order = desk.ledger.order(name_of(proposal))
    assert order is not None
    return order.state


def there(desk: SmallDesk, proposal: Proposal) -> BrokerOrder:
    return desk.broker.held[name_of(proposal)]


def halting(desk: SmallDesk, reports: list[StopReport]) -> Callable[[Order], None]:
    def during(_order: Order) -> None:
        reports.append(halted(desk))

    return during


def test_a_halt_during_a_send_is_not_complete_and_leaves_nothing_working(desk: SmallDesk) -> None:
    proposal, reports = desk.signed(), list[StopReport]()
    desk.broker.on_submit = halting(desk, reports)

    send(desk)

    assert (reports[0].complete, reports[0].left) == (False, (name_of(proposal),))
    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED
    assert halted(desk).complete


def test_a_halt_between_acceptance_and_answer_cancels(desk: SmallDesk) -> None:
    proposal, reports = desk.signed(), list[StopReport]()
    desk.broker.on_taken = halting(desk, reports)

    send(desk)

    assert reports[0].complete
    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED


def test_an_order_that_arrives_after_the_halt_is_cancelled_when_found(desk: SmallDesk) -> None:
    def lost(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    proposal = desk.signed()
    desk.broker.on_submit = lost
    send(desk)
    assert halted(desk).left == (name_of(proposal),)
    order = desk.ledger.order(name_of(proposal))
    assert order is not None
    desk.broker.on_submit = lambda _order: None
    desk.broker.submit(order)  # the bytes sent before the halt arrive now

    send(desk, "run/2")

    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED


def test_comparing_cancels_what_a_halt_could_not_see(desk: SmallDesk) -> None:
    def halt_and_die(order: Order) -> None:
        halted(desk)

    def die(_order: Order) -> None:
        raise CrashError

    proposal = desk.signed()
    desk.broker.on_submit, desk.broker.on_taken = halt_and_die, die
    with pytest.raises(CrashError):
        send(desk)
    assert there(desk, proposal).state is OrderState.ACCEPTED

    compare(desk)

    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED


def test_a_lookup_that_fails_while_halting_is_never_complete(desk: SmallDesk) -> None:
    def lost(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    desk.signed()
    desk.broker.on_submit = lost
    send(desk)
    desk.broker.away = {"find"}

    assert not halted(desk).complete
    assert desk.ledger.trading_state() is TradingState.HALTED


def test_a_cancel_that_fails_for_one_is_tried_for_the_others(desk: SmallDesk) -> None:
    first, second = desk.signed(), desk.signed(symbol="MSFT")
    send(desk)

    def some(broker_order_id: str) -> None:
        if broker_order_id == there(desk, first).broker_order_id:
            raise BrokerUnavailableError("No answer to this one.")

    desk.broker.on_cancel = some
    report = halted(desk)

    assert (report.complete, report.left) == (False, (name_of(first),))
    assert there(desk, second).state is OrderState.CANCELED
    assert here(desk, second) is OrderState.CANCELED
    desk.broker.on_cancel = lambda _id: None
    assert halted(desk).complete
    assert there(desk, first).state is OrderState.CANCELED


def test_a_cancel_the_broker_only_accepts_is_not_an_end(desk: SmallDesk) -> None:
    proposal = desk.signed()
    send(desk)
    desk.broker.slow_to_cancel = True

    assert halted(desk).left == (name_of(proposal),)
    assert here(desk, proposal) is OrderState.ACCEPTED


def unanswered(desk: SmallDesk) -> Proposal:
    """An order whose send stayed without an answer; the broker does not have it."""

    def lost(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    proposal = desk.signed()
    desk.broker.on_submit = lost
    send(desk)
    desk.broker.on_submit = lambda _order: None
    return proposal


def cancelled_by_a_person(desk: SmallDesk, proposal: Proposal) -> StopReport:
    name = name_of(proposal)
    with desk.engine.begin() as conn:
        requests.add(
            conn, kind="cancel_order", payload={"client_order_id": name},
            idempotency_key=new_id(), desk_at=desk.clock.now(), person_id=desk.signers["Jan"],
        )  # fmt: skip
    return cancel_order(
        desk.ledger, desk.broker, client_order_id=name, desk=desk.clock, market=desk.market
    )


def test_what_a_person_cancelled_before_the_broker_had_it_is_not_sent_again(
    desk: SmallDesk,
) -> None:
    proposal = unanswered(desk)
    assert not cancelled_by_a_person(desk, proposal).complete
    desk.clock.forward(LIMITS.resend_grace_seconds + LIMITS.lease_seconds)
    desk.agree()

    report = send(desk, "run/2")

    assert (report.sent, len(report.closed)) == ([], 1)
    assert name_of(proposal) not in desk.broker.held
    assert here(desk, proposal) is OrderState.CANCELED


@pytest.mark.parametrize("look", [lambda desk: send(desk, "run/2"), compare])
def test_what_a_person_cancelled_is_cancelled_when_it_arrives_late(
    desk: SmallDesk, look: Callable[[SmallDesk], object]
) -> None:
    proposal = unanswered(desk)
    cancelled_by_a_person(desk, proposal)
    order = desk.ledger.order(name_of(proposal))
    assert order is not None
    desk.broker.submit(order)  # the bytes sent before arrive now

    look(desk)

    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED


@pytest.mark.parametrize("filled", [0, 5])
def test_what_counts_as_never_sent_ends_as_the_broker_says_when_it_arrived_after_all(
    desk: SmallDesk, filled: int
) -> None:
    proposal = unanswered(desk)
    cancelled_by_a_person(desk, proposal)
    order = desk.ledger.order(name_of(proposal))
    assert order is not None
    desk.clock.forward(LIMITS.resend_grace_seconds + LIMITS.lease_seconds)
    desk.agree()
    send(desk, "run/2")
    assert here(desk, proposal) is OrderState.CANCELED
    desk.broker.submit(order)  # the bytes sent before arrive now, and the session ends
    if filled:
        desk.broker.fill(order.client_order_id, filled, "195.80")
    expired = replace(there(desk, proposal), state=OrderState.EXPIRED)
    desk.broker.held[order.client_order_id] = expired

    assert compare(desk)

    kept = desk.ledger.order(order.client_order_id)
    assert kept is not None
    assert (kept.state, kept.filled_quantity) == (OrderState.EXPIRED, Decimal(filled))
    with desk.engine.connect() as conn:
        assert orders.reason_of(conn, order.client_order_id) == ENDED_THERE


def test_what_a_person_cancels_between_intent_and_send_is_not_sent(desk: SmallDesk) -> None:
    proposal = desk.signed()

    def reached(point: str) -> None:
        if point == "intended":
            cancelled_by_a_person(desk, proposal)

    report = send_signed(
        desk.ledger, desk.broker, sender=desk.sender("run/1", reached), desk=desk.clock,
        market=desk.market,
    )  # fmt: skip

    assert report.sent == []
    assert desk.broker.submits == 0


def test_a_stranger_s_order_is_cancelled_too(desk: SmallDesk) -> None:
    proposal = desk.signed()
    send(desk)
    desk.broker.held["stranger"] = replace(
        there(desk, proposal), client_order_id="stranger", broker_order_id="b-stranger"
    )

    assert halted(desk).complete
    assert desk.broker.held["stranger"].state is OrderState.CANCELED


def test_what_is_left_of_an_order_is_cancelled_when_its_validity_ends(desk: SmallDesk) -> None:
    until = OPEN + timedelta(minutes=30)
    proposal = desk.signed(valid_until=until)
    send(desk)
    desk.broker.fill(name_of(proposal), 8, "195.80")
    compare(desk)
    desk.market.at = until - timedelta(seconds=1)
    assert overdue(desk).complete
    assert there(desk, proposal).state is OrderState.PARTIALLY_FILLED

    desk.market.at = until
    assert overdue(desk).complete

    assert there(desk, proposal).state is OrderState.CANCELED
    order = desk.ledger.order(name_of(proposal))
    assert order is not None
    assert (order.state, order.filled_quantity) == (OrderState.CANCELED, Decimal(8))
    assert overdue(desk).sentence.startswith("0 ")


def test_an_entry_whose_signature_lapsed_while_the_desk_was_down_is_cancelled_by_comparing(
    desk: SmallDesk,
) -> None:
    proposal = proposed()
    [leg] = proposal.legs
    desk.sign(replace(proposal, legs=(replace(leg, time_in_force="gtc"),)))
    send(desk)
    stale = StandingClock(desk.market.now())  # as the ledger wrote it down before the night
    desk.market.at = CLOSE + timedelta(days=1)

    report = reconcile(
        desk.ledger, desk.broker, market=stale, desk=desk.clock, environment="replay"
    )

    assert report.clean
    assert there(desk, proposal).state is OrderState.CANCELED
    assert here(desk, proposal) is OrderState.CANCELED


@pytest.mark.parametrize("question", ["find", "cancel"])
def test_an_overdue_order_is_asked_for_until_it_ended(desk: SmallDesk, question: str) -> None:
    proposal = desk.signed()
    send(desk)
    desk.market.at = CLOSE
    desk.broker.away = {question}
    assert overdue(desk).left == (name_of(proposal),)

    desk.broker.away = set()

    assert overdue(desk).complete
    assert there(desk, proposal).state is OrderState.CANCELED


def test_an_overdue_order_nobody_is_sure_about_is_not_called_ended(desk: SmallDesk) -> None:
    def lost(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    proposal = desk.signed()
    desk.broker.on_submit = lost
    send(desk)
    desk.market.at = CLOSE

    assert overdue(desk).left == (name_of(proposal),)
    desk.clock.forward(LIMITS.resend_grace_seconds + LIMITS.lease_seconds)
    send(desk, "run/2")  # the broker does not have it, and it is too late to send it
    assert here(desk, proposal) is OrderState.CANCELED
    assert overdue(desk).complete
