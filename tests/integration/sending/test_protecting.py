"""What protects a position through splits, sales, refusals and prices that passed it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger import alerts, filed
from tests.integration.sending.desk import CLOSE, SmallDesk, proposed, refuse
from tests.integration.sending.giving_way import closing, compare, name_of, restore, send
from tests.integration.sending.test_splits import follow, opened, waiting
from trading.ledger import Stamp
from trading.orders import OCO, OrderState
from trading.proposals import Leg, Proposal
from trading.stopping import cancel_resting

D = Decimal
CHILD = "the-stop-of-the-pair"
STOP = Leg(
    leg_no=1, symbol="IBM", side="sell", quantity=D(20), order_type="stop", time_in_force="gtc",
    reference_price=D("195.80"), stop_price=D("186.71"), reduces=True,
)  # fmt: skip
TRAIL = replace(STOP, order_type="trailing_stop", stop_price=None, trail_percent=D(5))
PAIR = replace(
    STOP, order_type="limit", order_class=OCO, stop_price=None, stop_loss_price=D("186.71"),
    limit_price=D("210.00"),
)  # fmt: skip


@pytest.fixture
def holding(desk: SmallDesk) -> SmallDesk:
    """Hold 20 IBM, bought at 195.80 without a stop."""
    bought = replace(proposed().legs[0], stop_loss_price=None)
    entry = name_of(desk.sign(by_hand(desk, bought)))
    send(desk)
    desk.broker.fill(entry, 20, "195.80")
    compare(desk)
    return desk


def by_hand(desk: SmallDesk, *legs: Leg) -> Proposal:
    numbered = tuple(replace(leg, leg_no=n) for n, leg in enumerate(legs, start=1))
    return replace(
        proposed(), legs=numbered, model_version=None, strategy="by hand",
        entered_by=desk.signers["Jan"], drift_bound=D("0.05"),
    )  # fmt: skip


def protected(desk: SmallDesk, leg: Leg) -> str:
    """Sign and send it; of a pair the broker makes the stop. The name of its order."""
    name = name_of(desk.sign(by_hand(desk, leg)))
    assert send(desk, "run/stop").acknowledged == [name]
    if leg.order_class == OCO:
        desk.broker.held[CHILD] = replace(
            desk.broker.held[name], client_order_id=CHILD, broker_order_id="b-child",
            order_type="stop", limit_price=None, stop_price=leg.stop_loss_price,
            parent_client_order_id=name,
        )  # fmt: skip
    compare(desk)
    return name


def told(desk: SmallDesk, kind: str) -> list[str]:
    with desk.engine.connect() as conn:
        return [one.message for one in alerts.unacknowledged(conn) if one.kind == kind]


@pytest.mark.parametrize("leg", [TRAIL, replace(TRAIL, trail_percent=None, trail_price=D(9)), PAIR])
def test_a_split_gives_back_trails_and_pairs_as_they_were(holding: SmallDesk, leg: Leg) -> None:
    name = protected(holding, leg)
    holding.market.at = CLOSE + timedelta(hours=1)
    follow(holding)
    assert holding.broker.held[name].state is OrderState.CANCELED
    holding.broker.cancel("b-child")
    opened(holding)
    compare(holding)

    follow(holding)

    [one] = waiting(holding, "open")
    [again] = one.legs
    # Two for one: twice the shares, half the prices; a share of the price stays what it is.
    assert (again.quantity, again.order_type, again.order_class) == (
        D(40), leg.order_type, leg.order_class,
    )  # fmt: skip
    assert again.trail_percent == leg.trail_percent
    assert again.trail_price == (None if leg.trail_price is None else D("4.5"))
    assert again.stop_loss_price == (None if leg.stop_loss_price is None else D("93.36"))
    assert again.limit_price == (None if leg.limit_price is None else D("105"))
    assert not one.is_denied


@pytest.mark.parametrize("leg", [STOP, TRAIL, PAIR])
def test_a_flatten_leaves_it_until_its_own_order_goes_out(holding: SmallDesk, leg: Leg) -> None:
    name = protected(holding, leg)
    at = Stamp(holding.clock.now(), holding.market.now(), "person")

    assert cancel_resting(holding.ledger, holding.broker, at=at).complete

    assert not holding.broker.held[name].state.is_final


def test_a_pair_gives_way_whole_and_its_stop_is_owed(holding: SmallDesk) -> None:
    name = protected(holding, PAIR)
    sale = holding.sign(closing(quantity=8))

    report = send(holding, "run/sale")

    assert report.acknowledged[0] == name_of(sale)
    ended = [holding.ledger.order(each) for each in (name, CHILD)]
    assert [one and one.state for one in ended] == [OrderState.CANCELED, OrderState.CANCELED]
    [stop] = [one for one in holding.ledger.working_orders() if one.order_type == "stop"]
    assert (stop.quantity, stop.stop_price, stop.order_class) == (D(12), D("186.71"), None)


def test_stops_beside_each_other_both_come_back(holding: SmallDesk) -> None:
    """The later one is for other shares: it does not take the place of the earlier."""
    protected(holding, replace(STOP, quantity=D(12)))
    protected(holding, replace(STOP, quantity=D(8), stop_price=D("190.00")))
    holding.sign(closing(quantity=5))

    send(holding, "run/sale")
    restore(holding)

    stops = [one for one in holding.ledger.working_orders() if one.order_type == "stop"]
    assert sorted((one.stop_price, one.quantity) for one in stops if one.stop_price) == [
        (D("186.71"), D(7)), (D("190.00"), D(8)),
    ]  # fmt: skip


def test_two_stops_of_one_proposal_stand_beside_each_other(holding: SmallDesk) -> None:
    near = replace(STOP, quantity=D(8), stop_price=D("190.00"))
    desk_s_own = replace(
        by_hand(holding, near, replace(STOP, quantity=D(12))), entered_by=None, strategy="stops"
    )
    holding.sign(replace(desk_s_own, model_version="m1"))

    assert len(send(holding, "run/stops").acknowledged) == 2

    assert {one.state for one in holding.ledger.working_orders()} == {OrderState.ACCEPTED}
    assert len(holding.ledger.working_orders()) == 2


def test_a_price_that_passed_the_stop_sends_nothing_and_calls_people(holding: SmallDesk) -> None:
    proposal = holding.sign(by_hand(holding, replace(STOP, stop_price=D("195.00"))))
    holding.broker.prices["IBM"] = D("194.90")
    submits = holding.broker.submits

    assert len(send(holding, "run/late").closed) == 1

    assert holding.broker.submits == submits
    with holding.engine.connect() as conn:
        [leg] = filed.legs_of(conn, proposal.proposal_id)
    assert leg.closed_code == "price_too_far"
    [message] = told(holding, "stop_refused")
    assert message.startswith("20 IBM have no stop by the order that was signed for them.")
    assert "IBM trades at 194.90, and the stop at 195.00 is not below that" in message


def test_a_refusal_of_the_broker_calls_people(holding: SmallDesk) -> None:
    holding.broker.on_submit = refuse
    holding.sign(by_hand(holding, TRAIL))

    assert len(send(holding, "run/refused").rejected) == 1

    [message] = told(holding, "stop_refused")
    assert "The broker refused it." in message
