"""What the broker takes back or changes of the past, and what stays told whatever comes after."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ledger import audit, fills
from ledger import state as state_module
from ledger.tables import alerts, reconciliations
from ledger.tables import fills as fills_table
from tests.integration.sending.desk import SmallDesk, refuse
from trading.broker import BrokerBooking
from trading.dispatch import send_signed
from trading.ledger import Stamp
from trading.orders import Fill, Order, OrderState, client_order_id
from trading.positions import Rescaled
from trading.reconcile import Report, reconcile
from trading.state import TradingState

D = Decimal


def compare(desk: SmallDesk) -> Report:
    desk.clock.forward(5)
    return reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    )


def sent(desk: SmallDesk) -> str:
    proposal = desk.signed()
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def known(desk: SmallDesk, name: str) -> Order:
    order = desk.ledger.order(name)
    assert order is not None
    return order


def state(desk: SmallDesk) -> TradingState:
    with desk.engine.connect() as conn:
        return state_module.current(conn).state


def kinds(report: Report) -> list[str]:
    return [one.kind for one in report.differences]


def alerted(desk: SmallDesk) -> list[str]:
    with desk.engine.connect() as conn:
        return list(conn.scalars(sa.select(alerts.c.kind)))


def bust(desk: SmallDesk, name: str, execution: str, state: OrderState) -> None:
    """The broker takes an execution back: list, order, position and cash."""
    broker = desk.broker
    (gone,) = (one for one in broker.executions if one.fill.execution_id == execution)
    broker.executions.remove(gone)
    order = broker.held[name]
    left = order.filled_quantity - gone.fill.quantity
    broker.held[name] = replace(
        order, filled_quantity=left, state=state, average_price=D("195.80") if left else None
    )
    broker.holdings[gone.symbol] -= gone.fill.quantity
    broker.cash += gone.fill.quantity * gone.fill.price


@pytest.mark.parametrize(
    ("busted", "told", "left", "becomes"),
    [
        # What works again is cancelled: a person decides about it.
        ("x1", OrderState.PARTIALLY_FILLED, D(8), OrderState.CANCELED),
        ("x1", OrderState.CANCELED, D(8), OrderState.CANCELED),
        ("x0", OrderState.EXPIRED, D(12), OrderState.EXPIRED),
    ],
)
def test_a_late_bust_takes_shares_and_cash_back_and_calls_a_person(
    desk: SmallDesk, busted: str, told: OrderState, left: Decimal, becomes: OrderState
) -> None:
    name = sent(desk)
    desk.broker.fill(name, 8, "195.80")
    desk.broker.fill(name, 12, "195.80")
    assert compare(desk).clean
    bust(desk, name, busted, told)

    first, second = compare(desk), compare(desk)

    assert kinds(first)[-1] == "busted_fill"
    assert (second.clean, second.differences) == (True, ())
    assert state(desk) is TradingState.REDUCING
    assert "busted_fill" in alerted(desk)
    order = known(desk, name)
    assert (order.state, order.filled_quantity) == (becomes, left)
    assert desk.ledger.expected_positions() == {"IBM": left}
    with desk.engine.connect() as conn:
        assert [one.action for one in audit.entries(conn, subject=busted)] == ["fill.bust"]
        assert audit.verify(conn) is None


def test_an_order_whose_cancel_comes_too_late_after_its_bust_is_followed(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    compare(desk)
    bust(desk, name, "x0", OrderState.ACCEPTED)
    desk.broker.slow_to_cancel = True

    assert kinds(compare(desk)) == ["ledger_ahead", "busted_fill"]

    assert known(desk, name).state is OrderState.ACCEPTED
    assert desk.ledger.expected_positions() == {}
    desk.broker.fill(name, 20, "195.70")
    assert compare(desk).clean
    assert known(desk, name).state is OrderState.FILLED


def test_an_execution_that_a_lagging_list_leaves_out_is_kept(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    compare(desk)
    desk.broker.executions.clear()  # order and position still count it

    assert compare(desk).clean
    assert known(desk, name).state is OrderState.FILLED


def test_an_execution_that_is_told_again_stands_again(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    execution, order = desk.broker.executions[0], desk.broker.held[name]
    compare(desk)
    bust(desk, name, "x0", OrderState.ACCEPTED)
    compare(desk)
    desk.broker.executions.append(execution)
    desk.broker.held[name] = order
    desk.broker.holdings["IBM"] = D(20)
    desk.broker.cash -= 20 * D("195.80")

    assert compare(desk).clean
    assert known(desk, name).state is OrderState.FILLED


def test_a_corrected_price_and_quantity_are_taken_over(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    compare(desk)
    (told,) = desk.broker.executions
    desk.broker.executions = [replace(told, fill=Fill("x0", D(15), D("195.70")))]
    desk.broker.held[name] = replace(
        desk.broker.held[name],
        filled_quantity=D(15),
        average_price=D("195.70"),
        state=OrderState.CANCELED,
    )
    desk.broker.holdings["IBM"] = D(15)
    desk.broker.cash += 20 * D("195.80") - 15 * D("195.70")

    first, second = compare(desk), compare(desk)

    assert first.differences[0].sentence == (
        "The broker corrected an execution of 20 at 195.80 IBM to 15 at 195.70."
    )
    assert "cash" not in kinds(first)  # the correction explains what came back
    assert second.clean
    assert known(desk, name).average_price == D("195.70")
    with desk.engine.connect() as conn:
        (entry,) = audit.entries(conn, subject="x0")
        assert '"price_before":"195.8"' in entry.payload


def test_an_execution_replaced_under_another_id_counts_once(desk: SmallDesk) -> None:
    # Alpaca's `trade_correct` names a new execution and the one before it.
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    compare(desk)
    (told,) = desk.broker.executions
    desk.broker.executions = [replace(told, fill=Fill("x0-corrected", D(20), D("195.75")))]

    compare(desk)

    assert compare(desk).clean
    assert desk.ledger.expected_positions() == {"IBM": D(20)}
    with desk.engine.connect() as conn:
        standing = [one.fill.execution_id for one in fills.of_order(conn, name)]
    assert standing == ["x0-corrected"]


def test_a_fill_of_an_order_the_broker_refused_is_recorded_and_told(desk: SmallDesk) -> None:
    # It once ended the comparison: unrecorded, and without an alert.
    desk.broker.on_submit = refuse
    name = sent(desk)
    order = known(desk, name)
    assert order.state is OrderState.REJECTED
    desk.broker.on_submit = lambda _order: None
    desk.broker.submit(order)
    desk.broker.fill(name, 20, "195.80")

    report = compare(desk)

    assert not report.clean
    assert "impossible_fill" in kinds(report)
    assert state(desk) is TradingState.REDUCING
    assert "impossible_fill" in alerted(desk)
    with desk.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(fills_table)) == 1
        assert conn.scalar(sa.select(sa.func.count()).select_from(reconciliations)) == 2


def test_more_executions_than_ordered_are_told(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    desk.broker.held[name] = replace(desk.broker.held[name], filled_quantity=D(12))
    desk.broker.fill(name, 8, "195.80")

    report = compare(desk)

    assert "The broker filled 28 IBM of an order for 20." in {
        one.sentence for one in report.differences
    }


def revived(desk: SmallDesk) -> str:
    """An order that ended in the ledger and works at the broker."""
    name = sent(desk)
    order = desk.broker.held[name]
    at = Stamp(desk.clock.now(), desk.market.now(), "reconcile")
    desk.ledger.observe(replace(order, state=OrderState.CANCELED), at=at)
    return name


def test_an_order_that_works_against_the_ledger_is_told_though_the_broker_falls_silent(
    desk: SmallDesk,
) -> None:
    # It was cancelled, and the alert got lost with the rest of the comparison.
    name = revived(desk)

    def silent(_id: str) -> None:
        desk.broker.away = {"account", "positions", "clock"}

    desk.broker.on_cancel = silent
    desk.broker.fill(name, 1, "195.80")  # makes it look twice
    desk.broker.held[name] = replace(desk.broker.held[name], filled_quantity=D(0))
    report = compare(desk)

    assert "ledger_ahead" in kinds(report)
    assert "ledger_ahead" in alerted(desk)
    assert state(desk) is TradingState.REDUCING


def test_a_cancel_that_works_at_once_is_told_all_the_same(desk: SmallDesk) -> None:
    revived(desk)

    report = compare(desk)

    assert kinds(report) == ["ledger_ahead"]
    assert alerted(desk) == ["ledger_ahead"]


def test_any_contradiction_ends_in_a_recorded_comparison(desk: SmallDesk) -> None:
    held = desk.broker.held.pop(sent(desk))  # the listing does not show it: it is looked up
    desk.broker.find = lambda _id: replace(held, filled_quantity=D(21))  # type: ignore[method-assign,assignment]  # another answer

    report = compare(desk)

    assert not report.clean
    assert state(desk) is TradingState.REDUCING
    with desk.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(reconciliations)) == 2


def test_a_first_send_refused_while_a_second_one_is_accepted_is_not_rejected(
    desk: SmallDesk,
) -> None:
    # A dispatcher whose clock runs ahead takes the lease while the first request is on its way.
    proposal = desk.signed()
    name = client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)

    def second(order: Order) -> None:
        desk.broker.on_submit = lambda _order: None
        desk.clock.forward(86_400)
        desk.agree()
        ahead = desk.sender("run/ahead")
        send_signed(desk.ledger, desk.broker, sender=ahead, desk=desk.clock, market=desk.market)
        desk.clock.forward(-86_400)
        refuse(order)  # the first one: the second holds its buying power

    desk.broker.on_submit = second
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)

    assert len(desk.broker.held) == 1
    assert known(desk, name).state is OrderState.ACCEPTED
    desk.broker.fill(name, 20, "195.80")
    assert compare(desk).clean
    assert known(desk, name).state is OrderState.FILLED


def test_a_refusal_that_is_heard_before_the_second_answer_leaves_the_order_open(
    desk: SmallDesk,
) -> None:
    proposal = desk.signed()
    name = client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)
    at = Stamp(desk.clock.now(), desk.market.now(), "dispatch")
    with pytest.raises(RuntimeError):
        dies_when_sent(desk)
    desk.clock.forward(600)
    desk.agree()

    def refused_meanwhile(_order: Order) -> None:
        desk.ledger.conclude(name, to=OrderState.REJECTED, reason="buying power", at=at)

    desk.broker.on_submit = refused_meanwhile
    ahead = desk.sender("run/ahead")
    send_signed(desk.ledger, desk.broker, sender=ahead, desk=desk.clock, market=desk.market)

    assert known(desk, name).state is OrderState.ACCEPTED


def dies_when_sent(desk: SmallDesk) -> None:
    def dies(_order: Order) -> None:
        raise RuntimeError("the process dies")

    desk.broker.on_submit = dies
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)


@pytest.mark.parametrize("booked", [[D(20)], [D(-20), D(40)], [D(40), D(-20)]])
def test_a_split_is_booked_as_a_change_or_as_shares_out_and_in(
    desk: SmallDesk, booked: list[Decimal]
) -> None:
    # Alpaca tells two activities: the old shares out (-20), the new ones in (+40).
    desk.broker.fill(sent(desk), 20, "195.80")
    compare(desk)
    desk.market.forward(86_400)
    day: date = desk.market.now().date()
    desk.broker.holdings["IBM"] = D(40)
    desk.broker.booked = [
        BrokerBooking(f"s{n}", "split", "IBM", day, quantity, D(0))
        for n, quantity in enumerate(booked)
    ]

    assert compare(desk).clean
    assert desk.ledger.expected_positions() == {"IBM": D(40)}
    with desk.engine.connect() as conn:
        assert Rescaled("IBM", D(2)) in fills.events(conn)
        assert fills.losses_in_a_row(conn, "trend") == 0


def test_half_a_split_is_a_difference_and_no_division_by_nothing(desk: SmallDesk) -> None:
    desk.broker.fill(sent(desk), 20, "195.80")
    compare(desk)
    day = desk.market.now().date()
    desk.broker.holdings["IBM"] = D(40)
    desk.broker.booked = [BrokerBooking("s0", "split", "IBM", day, D(-20), D(0))]

    assert not compare(desk).clean
    with desk.engine.connect() as conn:
        assert fills.losses_in_a_row(conn, "trend") == 0
