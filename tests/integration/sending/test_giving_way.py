"""A protective stop gives way to the order that closes its position, and to nothing else."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.integration.sending.desk import SmallDesk, proposed
from tests.integration.sending.giving_way import (
    STOP,
    closing,
    compare,
    name_of,
    protected,
    restore,
    send,
    stops,
)
from tests.integration.sending.test_ended_stops import look
from trading.errors import OrderRejectedError
from trading.ledger import Stamp
from trading.orders import Order, OrderState
from trading.state import TradingState
from trading.stopping import cancel_order


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


def gives_way_in_vain(desk: SmallDesk) -> None:
    """A stop of which a sale asked for the cancel in vain, and the sale's time is over."""
    protected(desk)
    sale = replace(closing(), valid_until=desk.market.now() + timedelta(minutes=5))
    desk.sign(sale)
    desk.broker.away = {"cancel"}
    assert send(desk, "run/2").problem is not None
    desk.broker.away = set()
    desk.market.forward(600)
    desk.clock.forward(600)
    compare(desk)


def test_a_stop_that_was_to_give_way_and_expires_is_told_of(desk: SmallDesk) -> None:
    gives_way_in_vain(desk)
    desk.broker.held[STOP] = replace(desk.broker.held[STOP], state=OrderState.EXPIRED)
    compare(desk)
    compare(desk)

    [told] = look(desk)

    assert "20 shares have none" in told.message


def test_a_stop_that_was_to_give_way_and_a_person_cancels_stays_cancelled(desk: SmallDesk) -> None:
    gives_way_in_vain(desk)
    cancel_order(
        desk.ledger, desk.broker, client_order_id=STOP, desk=desk.clock, market=desk.market
    )

    assert restore(desk).sent == []
    assert stops(desk) == []
