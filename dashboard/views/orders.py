"""Orders with their states, fills and slippage against the reference price."""

import streamlit as st

from dashboard import asking, data, formats, navigation, states, tables
from dashboard.cards import words
from dashboard.panels.waiting import next_proposals
from ledger.pages import Order
from ledger.people import Person
from trading.orders import STOPS

person: Person = st.session_state["person"]


def _row(order: Order) -> tuple[str, ...]:
    return (
        formats.moment(order.intended_market_at),
        f"**{words.SIDES[order.side]} {formats.quantity(order.quantity)} {order.symbol}** "
        + words.terms(order),
        words.badge(words.ORDER_STATES[order.state]),
        formats.quantity(order.filled_quantity),
        formats.price(order.average_price),
        formats.basis_points(order.slippage),
        f"[{order.code}](/proposal?proposal={order.code})",
    )


_COLUMNS = (
    tables.text("Intended, New York"),
    tables.text("Order"),
    tables.text("State"),
    tables.figure("Filled"),
    tables.figure("Price, USD"),
    tables.figure("Slippage"),
    tables.text("Proposal"),
)


@st.fragment(run_every=3)
def _working() -> None:
    working = [order for order in data.orders() if order.is_working]
    st.subheader("Working", anchor=False)
    if not working:
        states.empty("No order is working.", then="Signed proposals become orders within seconds.")
        return
    tables.show(_COLUMNS, [_row(order) for order in working])
    for order in working:
        if order.state == "unresolved":
            st.markdown(
                f":orange[:material/help:] {order.symbol}: We do not know yet whether the broker "
                "has it. We ask every few seconds and will not send it again until we know."
            )
    if person.may("signatory") or person.may("analyst"):
        with st.container(horizontal=True):
            for order in working:
                _cancelling(order)
    asking.lately(("cancel_order",))


def _cancelling(order: Order) -> None:
    """One click, but where a position would lose its stop: there a person is told first."""
    if order.order_type not in STOPS:
        _cancel(order, f"Cancel {words.SIDES[order.side].lower()} {order.symbol}")
        return
    with st.popover(f"Cancel the stop of {order.symbol}", icon=":material/cancel:"):
        left = formats.quantity(order.quantity - order.filled_quantity)
        st.markdown(
            f"{left} {order.symbol} will have no stop: nothing sells them when the price falls "
            "until somebody protects or sells them."
            if order.side == "sell"
            else f"{left} {order.symbol} sold short will have no stop: nothing buys them back when "
            "the price rises until somebody protects or buys them."
        )
        _cancel(order, "Cancel it all the same")


def _cancel(order: Order, label: str) -> None:
    if st.button(label, key=f"cancel-{order.client_order_id}", icon=":material/cancel:"):
        asking.ask(
            person,
            "cancel_order",
            {"client_order_id": order.client_order_id},
            once=f"cancel-{order.client_order_id}",
        )


@st.fragment(run_every=5)
def _finished() -> None:
    finished = [order for order in data.orders() if not order.is_working]
    st.subheader("Finished", anchor=False)
    if not finished:
        clock = data.desk().clock
        states.empty("No order has finished.", then=next_proposals(clock))
        return
    tables.show(_COLUMNS, [_row(order) for order in finished[:50]])
    if len(finished) > 50:
        st.caption(f"The newest 50 of {formats.counted(len(finished), 'finished order')}.")
    st.caption(
        "Slippage: fill price against the reference price of the proposal; plus is a cost. "
        "Source `desk.orders`, `desk.fills`."
    )


st.title("Orders", anchor=False)
_working()
_finished()
st.page_link(navigation.path("approvals"), label="To Approvals", icon=":material/edit_square:")
