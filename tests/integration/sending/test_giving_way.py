"""A protective stop gives way to the order that closes its position, and to nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.integration.sending.desk import SmallDesk, proposed
from trading.dispatch import Report, send_signed
from trading.errors import OrderRejectedError
from trading.ledger import Stamp
from trading.orders import Order, OrderState, client_order_id
from trading.proposals import Leg, Proposal
from trading.reconcile import reconcile
from trading.state import TradingState

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


def test_two_sales_cannot_sell_more_than_is_held(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=15))
    desk.sign(closing(quantity=6))

    report = send(desk, "run/2")

    assert (len(report.acknowledged), len(report.closed)) == (1, 1)
