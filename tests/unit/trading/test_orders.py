import base64
import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.errors import IllegalTransitionError, OverfillError
from trading.orders import Fill, Order, OrderState, apply_fill, client_order_id, move, seen

ORDER = Order(
    client_order_id="cs-1",
    leg_id="leg",
    proposal_id="p",
    attempt=1,
    symbol="IBM",
    side="buy",
    quantity=Decimal(25),
    order_type="limit",
    time_in_force="day",
    limit_price=Decimal("195.93"),
)
FINAL = [state for state in OrderState if state.is_final]
SENT = replace(ORDER, state=OrderState.SENT)


def fill(quantity: int, price: str = "195.50", name: str = "f") -> Fill:
    return Fill(name, Decimal(quantity), Decimal(price))


def test_the_id_depends_on_proposal_leg_and_attempt_alone() -> None:
    name = client_order_id(proposal_id="p", leg_no=1, attempt=1)

    digest = hashlib.sha256(b"p/1/1").digest()
    assert name == "cs-" + base64.b32encode(digest).decode().lower().rstrip("=")
    assert len(name) <= 128
    others = {
        client_order_id(proposal_id="p", leg_no=2, attempt=1),
        client_order_id(proposal_id="p", leg_no=1, attempt=2),
        client_order_id(proposal_id="q", leg_no=1, attempt=1),
    }
    assert len({name, *others}) == 4


@given(st.sampled_from(list(OrderState)))
def test_nothing_follows_a_rejection_and_nothing_returns_to_intended(to: OrderState) -> None:
    with pytest.raises(IllegalTransitionError):
        move(replace(ORDER, state=OrderState.REJECTED), to)
    if to is not OrderState.INTENDED:
        with pytest.raises(IllegalTransitionError):
            move(replace(ORDER, state=to), OrderState.INTENDED)


@pytest.mark.parametrize("state", [OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED])
def test_a_fill_may_arrive_before_its_acknowledgement(state: OrderState) -> None:
    assert apply_fill(replace(ORDER, state=state), fill(25)).state is OrderState.FILLED


def test_a_fill_may_cross_a_cancel() -> None:
    canceled = replace(ORDER, state=OrderState.CANCELED)

    assert apply_fill(canceled, fill(10)).state is OrderState.PARTIALLY_FILLED


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_fills_never_exceed_the_order_and_average_to_their_value(parts: list[int]) -> None:
    order, value = SENT, Decimal(0)
    for n, part in enumerate(parts):
        one = fill(part, str(190 + n), f"f{n}")
        if part > order.leaves:
            with pytest.raises(OverfillError):
                apply_fill(order, one)
            continue
        if order.state is OrderState.FILLED:
            break
        order = apply_fill(order, one)
        value += one.price * one.quantity

    assert order.filled_quantity + order.leaves == order.quantity
    if order.average_price is not None:
        assert abs(order.average_price * order.filled_quantity - value) < Decimal("1e-18")


def told(order: Order, state: OrderState, filled: int) -> Order:
    return seen(
        order,
        state=state,
        filled_quantity=Decimal(filled),
        average_price=Decimal("195.50") if filled else None,
        broker_order_id="b1",
    )


def test_an_older_answer_of_the_broker_changes_nothing() -> None:
    filled = told(SENT, OrderState.FILLED, 25)

    assert told(filled, OrderState.ACCEPTED, 0) == filled
    assert told(filled, OrderState.PARTIALLY_FILLED, 10) == filled


def test_a_late_fill_of_a_cancelled_order_is_taken_over() -> None:
    canceled = told(SENT, OrderState.CANCELED, 0)

    assert told(canceled, OrderState.CANCELED, 10).filled_quantity == 10


@pytest.mark.parametrize("filled", [0, 10])
def test_the_broker_s_word_on_an_end_outweighs_a_cancel_that_the_desk_assumed(filled: int) -> None:
    assumed = replace(SENT, state=OrderState.CANCELED)

    after = told(assumed, OrderState.EXPIRED, filled)

    assert (after.state, after.filled_quantity) == (OrderState.EXPIRED, Decimal(filled))
    assert told(after, OrderState.CANCELED, filled) == after


def test_the_broker_cannot_fill_more_than_was_ordered() -> None:
    with pytest.raises(OverfillError):
        told(SENT, OrderState.FILLED, 26)


@given(st.lists(st.tuples(st.sampled_from(list(OrderState)[2:8]), st.integers(0, 25)), max_size=8))
def test_filled_quantity_never_shrinks_whatever_the_order_of_answers(
    answers: list[tuple[OrderState, int]],
) -> None:
    order = SENT
    for state, filled in answers:
        before = order.filled_quantity
        try:
            order = told(order, state, filled)
        except IllegalTransitionError:
            continue
        assert order.filled_quantity >= before
