"""The order table as DESIGN and the broker's documentation tell it, and its laws."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.errors import IllegalTransitionError, OverfillError
from trading.orders import Fill, Order, OrderState, apply_fill, client_order_id, move

S = OrderState
ORDER = Order(
    client_order_id="cs-1",
    leg_id="leg",
    proposal_id="p",
    attempt=1,
    symbol="IBM",
    side="buy",
    quantity=Decimal(25),
    order_type="market",
    time_in_force="day",
)
ENDS = {S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED}
AT_BROKER = {S.ACCEPTED, S.PARTIALLY_FILLED}
NEXT = {
    S.INTENDED: {S.SENT, S.UNRESOLVED} | AT_BROKER | ENDS,
    S.SENT: {S.UNRESOLVED} | AT_BROKER | ENDS,
    S.UNRESOLVED: {S.SENT} | AT_BROKER | ENDS,
    S.ACCEPTED: {S.PARTIALLY_FILLED} | ENDS,
    S.PARTIALLY_FILLED: {S.PARTIALLY_FILLED, S.ACCEPTED, S.FILLED, S.CANCELED, S.EXPIRED},
    S.FILLED: {S.PARTIALLY_FILLED, S.ACCEPTED, S.CANCELED, S.EXPIRED},
    S.CANCELED: {S.FILLED, S.PARTIALLY_FILLED, S.EXPIRED, S.REJECTED},
    S.EXPIRED: {S.FILLED, S.PARTIALLY_FILLED},
    S.REJECTED: set(),
}


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("to", list(S))
def test_an_order_moves_only_as_the_table_says(before: OrderState, to: OrderState) -> None:
    order = replace(ORDER, state=before)

    if to in NEXT[before]:
        assert move(order, to) == replace(order, state=to)
    else:
        with pytest.raises(IllegalTransitionError, match=before.value):
            move(order, to)


@given(st.lists(st.sampled_from(list(S)), max_size=12))
def test_an_order_that_left_the_desk_never_counts_as_unsent(moves: list[OrderState]) -> None:
    order = replace(ORDER, state=S.SENT)
    for to in moves:
        try:
            order = move(order, to)
        except IllegalTransitionError:
            continue
        assert order.state is not S.INTENDED


@given(
    st.lists(
        st.tuples(st.integers(1, 15), st.integers(1, 50_000)),
        min_size=1,
        max_size=10,
    )
)
def test_fills_add_up_and_never_pass_the_order(parts: list[tuple[int, int]]) -> None:
    order, taken = replace(ORDER, state=S.ACCEPTED), Decimal(0)
    for n, (quantity, cents) in enumerate(parts):
        fill = Fill(f"f{n}", Decimal(quantity), Decimal(cents) / 100)
        if quantity > order.leaves:
            with pytest.raises(OverfillError, match=f"f{n}"):
                apply_fill(order, fill)
            continue
        order = apply_fill(order, fill)
        taken += quantity
        assert order.filled_quantity == taken
        assert (order.state is S.FILLED) == (order.leaves == 0)
        if order.leaves == 0:
            break
    assert order.filled_quantity <= order.quantity


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("-1", "1"), ("1", "0"), ("1", "-1")])
def test_a_fill_has_a_positive_quantity_and_price(quantity: str, price: str) -> None:
    with pytest.raises(ValueError, match="> 0"):
        apply_fill(replace(ORDER, state=S.SENT), Fill("f", Decimal(quantity), Decimal(price)))


@given(
    st.lists(
        st.tuples(st.uuids().map(str), st.integers(1, 99), st.integers(1, 9)),
        unique=True,
        min_size=2,
        max_size=30,
    )
)
def test_two_attempts_never_share_an_id_and_one_always_keeps_its_own(
    attempts: list[tuple[str, int, int]],
) -> None:
    names = [client_order_id(proposal_id=p, leg_no=n, attempt=a) for p, n, a in attempts]
    again = [client_order_id(proposal_id=p, leg_no=n, attempt=a) for p, n, a in attempts]

    assert names == again
    assert len(set(names)) == len(names)
    assert all(len(name) <= 128 for name in names)  # Alpaca's limit
