"""A protective stop gives way to the order that closes its position, and to nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger import alerts
from tests.integration.sending.desk import LIMITS, CrashError, SmallDesk, proposed
from trading.dispatch import Report, send_signed
from trading.errors import OrderRejectedError, OutcomeUnknownError
from trading.ledger import Stamp
from trading.orders import Order, OrderState, client_order_id
from trading.proposals import Leg, Proposal
from trading.protecting import restore_stops
from trading.reconcile import reconcile
from trading.state import TradingState
from trading.stopping import cancel_order

STOP = "the-broker-s-own-id"


def send(desk: SmallDesk, owner: str = "run/1") -> Report:
    desk.agree()
    return send_signed(
        desk.ledger, desk.broker, sender=desk.sender(owner), desk=desk.clock, market=desk.market
    )


def name_of(proposal: Proposal) -> str:
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def compare(desk: SmallDesk) -> None:
    desk.clock.forward(5)
    report = reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    )
    assert report.clean, report


def protected(desk: SmallDesk, *, filled: int = 20) -> str:
    """Hold IBM bought at 195.80 with the broker's stop below it; the entry's name."""
    entry = name_of(desk.signed())
    send(desk)
    told = desk.broker.held[entry]
    desk.broker.fill(entry, filled, "195.80")
    desk.broker.held[STOP] = replace(
        told,
        client_order_id=STOP,
        broker_order_id="b-stop",
        side="sell",
        quantity=Decimal(filled),
        order_type="stop",
        limit_price=None,
        stop_price=Decimal("186.71"),
        parent_client_order_id=entry,
    )
    compare(desk)
    return entry


def closing(*, quantity: int = 20, reduces: bool = True) -> Proposal:
    """Sell IBM at 195.70 or more."""
    leg = Leg(
        leg_no=1,
        symbol="IBM",
        side="sell",
        quantity=Decimal(quantity),
        order_type="limit",
        time_in_force="day",
        reference_price=Decimal("195.80"),
        limit_price=Decimal("195.70"),
        reduces=reduces,
    )
    # Another strategy: the daily run proposes a symbol and side once a session.
    return replace(proposed(), legs=(leg,), strategy="exits")


def held_for_the_stop(desk: SmallDesk, order: Order) -> None:
    """As Alpaca: shares that an open stop would sell cannot be sold again."""
    stop = desk.broker.held[STOP]
    if order.side == "sell" and not stop.state.is_final:
        raise OrderRejectedError("insufficient qty available for order")


@pytest.mark.parametrize("state", [TradingState.ACTIVE, TradingState.REDUCING])
def test_the_stop_is_cancelled_before_its_shares_are_sold(
    desk: SmallDesk, state: TradingState
) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: held_for_the_stop(desk, order)
    at = Stamp(desk.clock.now(), desk.market.now(), "person")
    desk.ledger.tighten(state, reason="drill", by="operator", at=at)
    sale = desk.sign(closing())

    report = send(desk, "run/2")

    assert report.acknowledged == [name_of(sale)], report
    stop = desk.ledger.order(STOP)
    assert stop is not None
    assert stop.state is OrderState.CANCELED


def test_it_waits_until_the_stop_is_seen_cancelled(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: held_for_the_stop(desk, order)
    desk.broker.slow_to_cancel = True
    sale = desk.sign(closing())
    submits = desk.broker.submits

    assert len(send(desk, "run/2").waiting) == 1
    assert desk.broker.submits == submits

    desk.broker.slow_to_cancel = False
    assert send(desk, "run/3").acknowledged == [name_of(sale)]


@pytest.mark.parametrize("question", ["open_orders", "cancel", "find"])
def test_an_unanswered_question_sends_nothing(desk: SmallDesk, question: str) -> None:
    protected(desk)
    desk.sign(closing())
    submits = desk.broker.submits
    desk.broker.away = {question}

    assert send(desk, "run/2").problem is not None
    assert desk.broker.submits == submits


def test_a_stop_that_was_filled_meanwhile_leaves_nothing_to_sell(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing())
    submits = desk.broker.submits
    desk.broker.on_cancel = lambda _id: desk.broker.fill(STOP, 20, "186.70")

    report = send(desk, "run/2")

    assert (report.sent, len(report.closed)) == ([], 1)
    assert desk.broker.submits == submits
    assert desk.broker.holdings["IBM"] == 0


def test_a_stop_is_kept_while_its_entry_is_still_being_filled(desk: SmallDesk) -> None:
    entry = protected(desk, filled=8)
    # Above the entry's limit of 195.93, so that it does not cross it.
    [leg] = closing(quantity=8).legs
    leg = replace(leg, limit_price=Decimal("196.00"))
    sale = desk.sign(replace(closing(), legs=(leg,)))

    assert len(send(desk, "run/2").waiting) == 1
    assert not desk.broker.held[STOP].state.is_final

    desk.broker.cancel(desk.broker.held[entry].broker_order_id)
    compare(desk)
    assert send(desk, "run/3").acknowledged == [name_of(sale)]


def test_another_purchase_leaves_the_stop_alone(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(replace(proposed(quantity=1), strategy="more"))

    send(desk, "run/2")

    assert not desk.broker.held[STOP].state.is_final


def shares_are_set_aside(desk: SmallDesk, order: Order) -> None:
    """As Alpaca: all open orders to sell together are for no more than is held."""
    asked = [one for one in desk.broker.held.values() if one.side == "sell"]
    working = sum(
        (one.quantity - one.filled_quantity for one in asked if not one.state.is_final), Decimal(0)
    )
    if order.side == "sell" and working + order.quantity > desk.broker.holdings["IBM"]:
        raise OrderRejectedError("insufficient qty available for order")


def stops(desk: SmallDesk) -> list[tuple[Decimal, Decimal | None]]:
    """Shares and price of every stop that works at the broker."""
    return [
        (one.quantity - one.filled_quantity, one.stop_price)
        for one in desk.broker.held.values()
        if one.order_type == "stop" and not one.state.is_final
    ]


def restore(desk: SmallDesk, owner: str = "executor") -> Report:
    return restore_stops(
        desk.ledger, desk.broker, sender=desk.sender(owner), desk=desk.clock, market=desk.market
    )


AT = Decimal("186.71")


def test_a_stop_shrinks_with_what_is_sold(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))

    send(desk, "run/2")

    assert stops(desk) == [(Decimal(12), AT)]  # 8 of 20 are on their way out
    desk.broker.fill(name_of(sale), 8, "195.80")
    compare(desk)
    restore(desk)
    assert stops(desk) == [(Decimal(12), AT)]


def test_no_stop_comes_back_between_its_cancel_and_the_intent_of_the_sale(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))
    others = []

    def reached(point: str) -> None:
        if point == "checked":  # the stop is cancelled, nothing of the sale is written down
            others.append(restore(desk, "executor"))

    desk.agree()
    report = send_signed(
        desk.ledger,
        desk.broker,
        sender=desk.sender("run/2", reached),
        desk=desk.clock,
        market=desk.market,
    )

    assert [one.sent for one in others] == [[]]
    assert report.acknowledged[0] == name_of(sale)
    assert stops(desk) == [(Decimal(12), AT)]


def test_a_sale_waits_for_a_stop_that_is_on_its_way(desk: SmallDesk) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=8))

    def killed(point: str) -> None:
        if point == "stop_intended":
            raise CrashError

    desk.agree()
    sender = desk.sender("run/2", killed)
    with pytest.raises(CrashError):
        send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)
    desk.broker.fill(name_of(first), 8, "195.80")
    compare(desk)
    desk.sign(closing(quantity=5))

    report = send(desk, "run/3")

    assert ["still on its way" in why for why in report.waiting.values()] == [True]


def test_what_a_sale_did_not_sell_gets_its_stop_back(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 3, "195.80")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)

    restore(desk)
    restore(desk)

    assert sum(shares for shares, _ in stops(desk)) == 17
    compare(desk)


def test_the_stop_of_all_comes_back_when_nothing_was_sold(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    assert stops(desk) == []
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)

    restore(desk)

    assert stops(desk) == [(Decimal(20), AT)]


def test_nothing_comes_back_for_a_later_position(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 20, "195.80")
    compare(desk)
    restore(desk)
    desk.broker.holdings["IBM"] = Decimal(5)

    assert restore(desk).sent == []
    assert stops(desk) == []


def test_a_stop_that_a_person_cancelled_stays_cancelled(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))
    send(desk, "run/2")
    [renewed] = [one for one in desk.broker.held.values() if one.quantity == 12]
    cancel_order(
        desk.ledger, desk.broker, client_order_id=renewed.client_order_id,
        desk=desk.clock, market=desk.market,
    )  # fmt: skip

    assert restore(desk).sent == []


def test_a_stop_whose_answer_was_lost_is_found_again(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))

    def lost(order: Order) -> None:
        if order.order_type == "stop":
            raise OutcomeUnknownError("No answer.")

    desk.broker.on_taken = lost
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 8, "195.80")
    desk.clock.forward(60)
    report = send(desk, "run/3")

    assert len(report.acknowledged) == 1
    assert stops(desk) == [(Decimal(12), AT)]
    assert restore(desk).sent == []


def test_a_stop_that_never_arrived_is_made_anew(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))

    def lost(order: Order) -> None:
        if order.order_type == "stop":
            raise OutcomeUnknownError("No answer.")

    desk.broker.on_submit = lost
    send(desk, "run/2")
    desk.broker.on_submit = lambda _order: None
    desk.clock.forward(LIMITS.resend_grace_seconds + LIMITS.lease_seconds)
    send(desk, "run/3")
    restore(desk)

    assert stops(desk) == [(Decimal(12), AT)]


def test_no_stop_comes_back_while_the_desk_is_halted(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)
    at = Stamp(desk.clock.now(), desk.market.now(), "person")
    desk.ledger.tighten(TradingState.HALTED, reason="drill", by="operator", at=at)

    assert restore(desk).sent == []
    assert stops(desk) == []


def test_a_refused_stop_is_told_and_tried_a_few_times(desk: SmallDesk) -> None:
    protected(desk)

    def refused(order: Order) -> None:
        if order.order_type == "stop":
            raise OrderRejectedError("wash trade")

    desk.broker.on_submit = refused
    desk.sign(closing(quantity=8))
    send(desk, "run/2")
    for _ in range(8):
        restore(desk)

    with desk.engine.connect() as conn:
        kinds = [one.kind for one in alerts.unacknowledged(conn)]
    assert kinds == ["stop_refused"]
    assert desk.broker.submits == 2 + 5  # entry, sale, and as many stops as are tried


@pytest.mark.parametrize("is_refused", [True, False])
def test_the_same_sale_again_goes_at_once_after_a_refusal_and_waits_after_a_send(
    desk: SmallDesk, is_refused: bool
) -> None:
    protected(desk, filled=20)
    if is_refused:
        desk.broker.on_submit = refuse_sales
    first = desk.sign(closing(quantity=10))
    send(desk, "run/2")
    desk.broker.on_submit = lambda _order: None
    again = desk.sign(replace(closing(quantity=10), strategy="again"))

    report = send(desk, "run/3")

    assert (name_of(again) in report.acknowledged) == is_refused
    waits = list(report.waiting.values())
    said = "The same order (sell 10 IBM) was sent 0 s ago; 300 s must pass."
    assert waits == ([] if is_refused else [said])
    assert desk.ledger.order(name_of(first)) is not None


def refuse_sales(order: Order) -> None:
    if order.side == "sell" and order.order_type == "limit":
        raise OrderRejectedError("insufficient qty available for order")


def test_two_sales_cannot_sell_more_than_is_held(desk: SmallDesk) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=15))
    desk.sign(closing(quantity=6))

    report = send(desk, "run/2")

    assert report.acknowledged[0] == name_of(first)
    assert len(report.closed) == 1
    assert stops(desk) == [(Decimal(5), AT)]


def test_a_stop_that_the_price_has_passed_is_a_matter_for_people(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))
    send(desk, "run/2")
    [renewed] = [one for one in desk.broker.held.values() if one.quantity == 12]
    desk.broker.on_submit = refuse_stops
    desk.broker.held[renewed.client_order_id] = replace(renewed, state=OrderState.REJECTED)
    desk.broker.fill(name_of(sale), 8, "195.80")
    desk.broker.prices["IBM"] = Decimal("186.00")
    compare(desk)
    submits = desk.broker.submits

    restore(desk)

    assert desk.broker.submits == submits
    with desk.engine.connect() as conn:
        assert "stop_passed" in {one.kind for one in alerts.unacknowledged(conn)}


def refuse_stops(order: Order) -> None:
    if order.order_type == "stop":
        raise OrderRejectedError("wash trade")
