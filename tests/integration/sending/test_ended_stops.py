"""A stop that ends at the broker by itself leaves a position bare, and people are told once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest

from ledger import alerts, new_id, requests, state
from ledger.alerts import Alert
from tests.integration.sending.desk import CLOSE, SmallDesk, proposed, refuse
from tests.integration.sending.giving_way import STOP, closing, compare, name_of, protected, send
from tests.integration.sending.test_protecting import PAIR, by_hand, holding
from tests.integration.sending.test_protecting import protected as with_child
from tests.integration.sending.test_splits import EX_OPEN, Worker, follow, opened
from trading.errors import OutcomeUnknownError
from trading.orders import Order, OrderState
from trading.proposals import Leg
from trading.state import TradingState
from worker.desk import Desk
from worker.protecting import tell_ended

__all__ = ["holding"]

D = Decimal
ANEW = Leg(
    leg_no=1, symbol="IBM", side="sell", quantity=D(20), order_type="stop", time_in_force="gtc",
    reference_price=D("195.80"), stop_price=D("186.71"), reduces=True,
)  # fmt: skip


def look(desk: SmallDesk) -> list[Alert]:
    """The watch looks; what it told of ended stops and nobody has acknowledged."""
    tell_ended(cast("Desk", Worker(desk)))
    with desk.engine.connect() as conn:
        return [one for one in alerts.unacknowledged(conn) if one.kind == "stop_ended"]


def ends(desk: SmallDesk, to: OrderState = OrderState.CANCELED) -> None:
    """The broker ends the stop, and the desk hears of it."""
    desk.broker.held[STOP] = replace(desk.broker.held[STOP], state=to)
    compare(desk)
    compare(desk)  # positions are told after the orders they follow from


def beside(desk: SmallDesk, leg: Leg) -> str:
    """Sign one more stop and send it; its name."""
    desk.clock.forward(1)
    name = name_of(desk.sign(by_hand(desk, leg)))
    assert send(desk, "run/beside").acknowledged == [name]
    compare(desk)
    return name


def asked_to_cancel(desk: SmallDesk, name: str = STOP) -> None:
    with desk.engine.begin() as conn:
        requests.add(
            conn, kind="cancel_order", payload={"client_order_id": name}, idempotency_key=new_id(),
            desk_at=desk.clock.now(), person_id=desk.signers["Jan"],
        )  # fmt: skip


def trade_state(desk: SmallDesk, to: TradingState) -> None:
    with desk.engine.begin() as conn:
        state.change(
            conn, to=to, reason="a drill", person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )


def test_while_it_works_nothing_is_told(desk: SmallDesk) -> None:
    protected(desk)
    compare(desk)
    assert look(desk) == []


@pytest.mark.parametrize(
    ("to", "word"), [(OrderState.CANCELED, "was cancelled"), (OrderState.EXPIRED, "expired")]
)
def test_a_position_that_lost_its_stop_is_told_of_once(
    desk: SmallDesk, to: OrderState, word: str
) -> None:
    protected(desk)
    ends(desk, to)

    [told] = look(desk)

    assert (told.severity, told.subject) == ("critical", "IBM")
    assert told.message == (
        f"The stop of IBM {word} at the broker, and 20 shares have none. Protect them anew under "
        "Approvals, or sell them."
    )
    with desk.engine.begin() as conn:
        alerts.acknowledge(
            conn, alert_id=told.alert_id, person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )
    assert look(desk) == []


def test_a_new_stop_ends_what_was_told_and_its_own_end_is_told_anew(desk: SmallDesk) -> None:
    protected(desk)
    ends(desk)
    [first] = look(desk)
    anew = name_of(desk.sign(by_hand(desk, ANEW)))
    assert send(desk, "run/anew").acknowledged == [anew]
    compare(desk)

    assert look(desk)[0].over_at is not None

    with desk.engine.begin() as conn:
        alerts.acknowledge(
            conn, alert_id=first.alert_id, person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )
    desk.broker.cancel(desk.broker.held[anew].broker_order_id)
    compare(desk)
    compare(desk)
    [again] = look(desk)
    assert again.alert_id != first.alert_id


@pytest.mark.parametrize(("held", "bought"), [(20, 5), (4, 12)])
def test_the_stop_of_another_purchase_does_not_end_what_was_told(
    desk: SmallDesk, held: int, bought: int
) -> None:
    entry = protected(desk, filled=held)
    desk.broker.cancel(desk.broker.held[entry].broker_order_id)
    ends(desk)
    [told] = look(desk)
    desk.clock.forward(60)
    more = name_of(desk.sign(replace(proposed(quantity=bought), strategy="more")))
    send(desk, "run/more")
    desk.broker.fill(more, bought, "195.80")
    desk.broker.held["its-stop"] = replace(
        desk.broker.held[STOP], client_order_id="its-stop", broker_order_id="b-its-stop",
        quantity=D(bought), state=OrderState.ACCEPTED, parent_client_order_id=more,
    )  # fmt: skip
    compare(desk)
    compare(desk)

    assert [(one.alert_id, one.over_at) for one in look(desk)] == [(told.alert_id, None)]


def test_a_new_stop_for_some_of_the_shares_does_not_end_what_was_told(desk: SmallDesk) -> None:
    protected(desk)
    ends(desk)
    [told] = look(desk)
    beside(desk, replace(ANEW, quantity=D(12)))
    assert [(one.alert_id, one.over_at) for one in look(desk)] == [(told.alert_id, None)]

    beside(desk, replace(ANEW, quantity=D(8), stop_price=D("190.00")))
    assert look(desk)[0].over_at is not None


def test_a_new_stop_that_the_broker_refused_does_not_end_what_was_told(desk: SmallDesk) -> None:
    protected(desk)
    ends(desk)
    [told] = look(desk)
    desk.broker.on_submit = refuse
    desk.clock.forward(1)
    name = name_of(desk.sign(by_hand(desk, ANEW)))
    assert send(desk, "run/anew").rejected == [name]
    compare(desk)

    assert [(one.alert_id, one.over_at) for one in look(desk)] == [(told.alert_id, None)]


def test_while_the_new_stop_gives_way_to_a_sale_the_old_one_is_not_told_of(
    desk: SmallDesk,
) -> None:
    protected(desk)
    ends(desk)
    [told] = look(desk)
    anew = beside(desk, ANEW)
    look(desk)
    with desk.engine.begin() as conn:
        alerts.acknowledge(
            conn, alert_id=told.alert_id, person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )
    desk.sign(closing(quantity=8))
    desk.broker.on_cancel = lambda _id: desk.broker.away.add("positions")  # dies in the middle
    send(desk, "run/sale")
    desk.broker.on_cancel = lambda _id: None
    desk.broker.away = set()
    assert desk.broker.held[anew].state is OrderState.CANCELED
    compare(desk)
    compare(desk)

    assert look(desk) == []


def test_the_end_of_the_older_of_two_stops_is_told(holding: SmallDesk) -> None:
    older = beside(holding, replace(ANEW, quantity=D(12)))
    beside(holding, replace(ANEW, quantity=D(8), stop_price=D("190.00")))
    holding.broker.cancel(holding.broker.held[older].broker_order_id)
    compare(holding)
    compare(holding)
    [told] = look(holding)
    assert " 12 shares " in told.message


def test_other_orders_that_end_do_not_raise_it_anew(desk: SmallDesk) -> None:
    protected(desk)
    ends(desk)
    [told] = look(desk)
    with desk.engine.begin() as conn:
        alerts.acknowledge(
            conn, alert_id=told.alert_id, person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )
    low = replace(proposed(quantity=1).legs[0], stop_loss_price=None, limit_price=D("195.00"))
    other = name_of(desk.sign(by_hand(desk, low)))
    assert send(desk, "run/other").acknowledged == [other]
    desk.broker.cancel(desk.broker.held[other].broker_order_id)
    for _ in range(3):
        compare(desk)
        assert look(desk) == []


def test_one_whose_answer_was_lost_at_first_is_told_of(holding: SmallDesk) -> None:
    def loses(_order: Order) -> None:
        raise OutcomeUnknownError("The answer was lost.")

    holding.broker.on_taken = loses
    name = name_of(holding.sign(by_hand(holding, ANEW)))
    assert send(holding, "run/lost").unresolved == [name]
    compare(holding)
    holding.broker.cancel(holding.broker.held[name].broker_order_id)
    compare(holding)
    compare(holding)
    assert len(look(holding)) == 1


def test_one_that_had_ended_when_it_was_first_seen_is_told_of(desk: SmallDesk) -> None:
    entry = name_of(desk.signed())
    send(desk)
    told = desk.broker.held[entry]
    desk.broker.fill(entry, 8, "195.80")
    desk.broker.held[STOP] = replace(
        told, client_order_id=STOP, broker_order_id="b-stop", side="sell", quantity=D(8),
        order_type="stop", limit_price=None, stop_price=D("186.71"), parent_client_order_id=entry,
        state=OrderState.CANCELED,
    )  # fmt: skip
    compare(desk)
    compare(desk)
    assert len(look(desk)) == 1


def test_the_stop_of_a_pair_whose_target_a_person_cancelled_is_not_told_of(
    holding: SmallDesk,
) -> None:
    name = with_child(holding, PAIR)
    asked_to_cancel(holding, name)
    holding.broker.cancel(holding.broker.held[name].broker_order_id)
    holding.broker.cancel("b-child")
    compare(holding)
    compare(holding)
    assert look(holding) == []


def test_the_stop_of_a_pair_whose_target_was_filled_is_not_told_of(holding: SmallDesk) -> None:
    name = with_child(holding, replace(PAIR, quantity=D(12)))
    holding.broker.fill(name, 12, "210.00")
    holding.broker.cancel("b-child")
    compare(holding)
    compare(holding)
    assert look(holding) == []  # the other eight never had one


def test_a_refused_request_to_cancel_is_no_cancel(desk: SmallDesk) -> None:
    protected(desk)
    asked_to_cancel(desk)
    with desk.engine.begin() as conn:
        [asked] = requests.latest(conn, kinds=["cancel_order"])
        requests.take(conn, kinds=["cancel_order"], owner="executor", desk_at=desk.clock.now())
        requests.finish(
            conn, request_id=asked.request_id, state="refused", outcome={"sentence": "No."},
            desk_at=desk.clock.now(),
        )  # fmt: skip
    ends(desk)
    assert len(look(desk)) == 1


def test_what_a_person_cancelled_is_not_told_of(desk: SmallDesk) -> None:
    protected(desk)
    asked_to_cancel(desk)
    ends(desk)
    assert look(desk) == []


@pytest.mark.parametrize("by_a_person", [True, False])
def test_the_stop_of_an_entry_whose_rest_is_cancelled_is_missed_for_what_was_bought(
    desk: SmallDesk, *, by_a_person: bool
) -> None:
    entry = protected(desk, filled=8)
    # It is held for all twenty until the entry is filled, and ends with the entry.
    desk.broker.held[STOP] = replace(desk.broker.held[STOP], quantity=D(20))
    compare(desk)
    if by_a_person:
        asked_to_cancel(desk, entry)
    desk.broker.held[entry] = replace(desk.broker.held[entry], state=OrderState.CANCELED)
    ends(desk)

    [told] = look(desk)

    assert told.message.startswith("The stop of IBM was cancelled at the broker, and 8 shares have")


def test_a_stop_that_gave_way_to_a_sale_is_not_told_of(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))
    send(desk, "run/sale")
    compare(desk)
    compare(desk)
    assert look(desk) == []


def test_while_halted_nothing_is_told_and_once_it_trades_again_it_is(desk: SmallDesk) -> None:
    protected(desk)
    trade_state(desk, TradingState.HALTED)
    ends(desk)
    assert look(desk) == []
    trade_state(desk, TradingState.REDUCING)
    assert len(look(desk)) == 1


def test_the_stop_of_an_earlier_holding_says_nothing_of_this_one(desk: SmallDesk) -> None:
    protected(desk)
    ends(desk)
    sale = name_of(desk.sign(closing()))
    send(desk, "run/sale")
    desk.broker.fill(sale, 20, "195.80")
    compare(desk)
    bought = replace(proposed(quantity=10).legs[0], stop_loss_price=None)
    entry = name_of(desk.sign(replace(by_hand(desk, bought), strategy="anew")))
    assert send(desk, "run/anew").acknowledged == [entry]
    desk.broker.fill(entry, 10, "195.80")
    compare(desk)
    compare(desk)
    assert look(desk) == []


def test_a_stop_that_ended_for_a_split_is_missed_once_the_split_is_not_booked(
    desk: SmallDesk,
) -> None:
    protected(desk)
    desk.market.at = CLOSE + timedelta(hours=1)
    follow(desk)  # it is announced
    compare(desk)
    compare(desk)
    assert look(desk) == []

    desk.market.at = EX_OPEN + timedelta(minutes=14)
    desk.broker.opens, desk.broker.closes = EX_OPEN, EX_OPEN + timedelta(hours=6)
    follow(desk)
    assert look(desk) == []
    desk.market.at = EX_OPEN + timedelta(minutes=15)
    [told] = look(desk)

    assert told.message == (
        "The stop of IBM was cancelled for an announced split, which the broker has not booked, "
        "and 20 shares have none. Protect them anew under Approvals, or sell them."
    )
    desk.market.at = EX_OPEN + timedelta(days=1)  # before the next session's splits are booked
    assert [one.over_at for one in look(desk)] == [None]


def test_a_stop_that_ended_for_a_split_is_not_missed_once_the_split_is_booked(
    desk: SmallDesk,
) -> None:
    protected(desk)
    desk.market.at = CLOSE + timedelta(hours=1)
    follow(desk)
    compare(desk)
    opened(desk)
    compare(desk)

    desk.market.at = EX_OPEN + timedelta(hours=1)
    compare(desk)
    assert look(desk) == []  # its stops are proposed anew (test_splits.py)
