"""Shares of a position are covered once: by a stop, a pair, or what took a stop's place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger import alerts, new_id, proposals, requests, situation
from ledger import stops as ledger_stops
from tests.integration.sending.desk import CLOSE, SmallDesk
from tests.integration.sending.giving_way import (
    closing,
    compare,
    name_of,
    protected,
    restore,
    send,
    shares_are_set_aside,
    stops,
)
from tests.integration.sending.test_protecting import CHILD, PAIR, STOP, by_hand, holding
from trading.errors import OutcomeUnknownError
from trading.orders import OCO, Order, OrderState

__all__ = ["holding"]

D = Decimal
LOW_PAIR = replace(PAIR, reference_price=D(185), stop_loss_price=D(180), limit_price=D(200))


def critical(desk: SmallDesk) -> list[tuple[str, str]]:
    with desk.engine.connect() as conn:
        waiting = alerts.unacknowledged(conn)
    return [(one.kind, one.message) for one in waiting if one.severity == "critical"]


@pytest.fixture
def passed(desk: SmallDesk) -> SmallDesk:
    """A sale of all ended unfilled, and the price has passed the stop that gave way to it."""
    protected(desk)
    sale = name_of(desk.sign(closing()))
    send(desk, "run/sale")
    compare(desk)
    desk.broker.prices["IBM"] = D(185)
    desk.broker.cancel(desk.broker.held[sale].broker_order_id)
    compare(desk)
    restore(desk)
    assert stops(desk) == []
    return desk


def loses(_order: Order) -> None:
    raise OutcomeUnknownError("The answer was lost.")


def recovers(desk: SmallDesk) -> Callable[[Order], None]:
    """The price comes back above the old stop as soon as the pair is taken."""
    return lambda _order: desk.broker.prices.update(IBM=D(187))


def test_a_pair_covers_its_shares_before_its_stop_is_known(holding: SmallDesk) -> None:
    name = name_of(holding.sign(by_hand(holding, PAIR)))
    assert send(holding, "run/pair").acknowledged == [name]
    with holding.engine.connect() as conn:
        assert ledger_stops.covered(conn, "IBM", "sell") == 20
        assert ledger_stops.without(conn, "IBM", "sell") == 0


def test_no_older_stop_is_sent_beside_a_pair_just_sent(passed: SmallDesk) -> None:
    passed.sign(by_hand(passed, LOW_PAIR))
    passed.broker.on_taken = recovers(passed)
    passed.broker.on_submit = lambda order: shares_are_set_aside(passed, order)
    before = passed.broker.submits

    assert send(passed, "run/pair").rejected == []

    assert passed.broker.submits == before + 1
    assert "stop_refused" not in dict(critical(passed))


def test_no_older_stop_is_sent_beside_a_pair_of_which_nobody_knows(passed: SmallDesk) -> None:
    passed.broker.on_taken = loses
    passed.sign(by_hand(passed, LOW_PAIR))
    send(passed, "run/pair")
    passed.broker.on_taken = recovers(passed)

    restore(passed)

    asked = [one.quantity for one in passed.broker.held.values() if not one.state.is_final]
    assert sum(asked) <= 20


def test_a_stop_that_another_took_over_from_does_not_come_back(passed: SmallDesk) -> None:
    anew = replace(STOP, reference_price=D(185), stop_price=D(180))
    name = name_of(passed.sign(by_hand(passed, anew)))
    send(passed, "run/anew")
    compare(passed)
    assert stops(passed) == [(D(20), D(180))]

    passed.broker.prices["IBM"] = D(195)
    with passed.engine.begin() as conn:
        requests.add(
            conn, kind="cancel_order", payload={"client_order_id": name}, idempotency_key=new_id(),
            desk_at=passed.clock.now(), person_id=passed.signers["Jan"],
        )  # fmt: skip
    passed.broker.cancel(passed.broker.held[name].broker_order_id)
    compare(passed)
    restore(passed)

    assert stops(passed) == []


def test_stops_made_anew_one_after_the_other_all_count(desk: SmallDesk) -> None:
    protected(desk)
    sale = name_of(desk.sign(closing(quantity=12)))
    send(desk, "run/sale")
    compare(desk)
    desk.broker.cancel(desk.broker.held[sale].broker_order_id)
    compare(desk)
    restore(desk)
    compare(desk)
    assert sorted(quantity for quantity, _ in stops(desk)) == [8, 12]

    with desk.engine.connect() as conn:
        working = situation.situation(conn, desk_at=desk.clock.now()).working
    assert sum(one.set_aside for one in working) == 20

    before = desk.broker.submits
    desk.sign(by_hand(desk, replace(STOP, quantity=D(8))))
    send(desk, "run/more")
    assert desk.broker.submits == before  # the check denied it; the broker was not asked


def test_a_pair_and_a_stop_of_one_proposal_stand_beside_each_other(holding: SmallDesk) -> None:
    def pairs(order: Order) -> None:
        if order.order_class == OCO:
            held = holding.broker.held
            held[CHILD] = replace(
                held[order.client_order_id], client_order_id=CHILD, broker_order_id="b-child",
                order_type="stop", limit_price=None, stop_price=order.stop_loss_price,
                parent_client_order_id=order.client_order_id,
            )  # fmt: skip

    holding.broker.on_taken = pairs
    legs = replace(PAIR, quantity=D(12)), replace(STOP, quantity=D(8))
    after_a_split = replace(
        by_hand(holding, *legs), entered_by=None, strategy="stops", model_version="m1"
    )
    holding.sign(after_a_split)

    send(holding, "run/both")

    assert holding.broker.held[CHILD].state is OrderState.ACCEPTED


def test_a_denied_stop_of_shares_on_their_way_out_alarms_nobody(holding: SmallDesk) -> None:
    holding.sign(closing())
    holding.clock.forward(1)
    holding.sign(by_hand(holding, replace(STOP, quantity=D(10))))
    send(holding, "run/sale")
    assert critical(holding) == []


def test_a_denied_stop_of_shares_that_have_one_alarms_nobody(holding: SmallDesk) -> None:
    holding.sign(by_hand(holding, STOP))
    second = replace(STOP, quantity=D(19), stop_price=D(180))
    holding.sign(replace(by_hand(holding, second), strategy="more"))
    send(holding, "run/both")
    assert critical(holding) == []


def test_a_signed_stop_whose_time_ran_out_unsent_is_told(holding: SmallDesk) -> None:
    holding.sign(by_hand(holding, STOP))
    with holding.engine.begin() as conn:
        after = CLOSE + timedelta(hours=1)
        assert len(proposals.expire(conn, market_at=after, desk_at=holding.clock.now())) == 1
    assert critical(holding) == [
        (
            "stop_refused",
            "20 IBM have no stop by the order that was signed for them. Not sent. The signature "
            "expired before it could be sent. Protect them anew under Approvals, or sell them.",
        )
    ]
