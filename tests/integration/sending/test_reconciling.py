"""Ledger and broker compared: the broker is the fact, and an error is never "none"."""

from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa

from ledger import audit, market
from ledger.fills import events, holdings, losses_in_a_row
from ledger.situation import situation
from ledger.tables import alerts, fills, positions, reconciliations
from tests.integration.sending.desk import SmallDesk, proposed
from trading.broker import BrokerBooking
from trading.dispatch import send_signed
from trading.orders import Order, OrderState, client_order_id
from trading.positions import Rescaled
from trading.reconcile import Report, reconcile
from trading.state import TradingState
from trading.stopping import halt


def compare(desk: SmallDesk) -> Report:
    desk.clock.forward(5)
    return reconcile(
        desk.ledger,
        desk.broker,
        market=desk.market,
        desk=desk.clock,
        universe=["IBM"],
        environment="replay",
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
    from ledger import state as state_module

    with desk.engine.connect() as conn:
        return state_module.current(conn).state


def test_fills_are_counted_once_and_make_order_and_position(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 8, "195.80")
    first = compare(desk)
    desk.broker.fill(name, 12, "195.90")
    second, third = compare(desk), compare(desk)

    assert (first.clean, second.clean, third.clean) == (True, True, True)
    assert (first.new_fills, second.new_fills, third.new_fills) == (1, 1, 0)
    order = known(desk, name)
    assert (order.state, order.filled_quantity) == (OrderState.FILLED, Decimal(20))
    with desk.engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(fills)) == 2
        held = market.latest_positions(conn)["IBM"]
        assert held.quantity == Decimal(20)
        account = market.latest_account(conn)
        assert account is not None
        # 100,000 less 8 x 195.80 and 12 x 195.90
        assert account.cash == Decimal("96082.80")
        assert conn.scalar(sa.select(sa.func.count()).select_from(reconciliations)) == 4


def test_a_split_and_a_dividend_that_the_broker_booked_are_no_difference(desk: SmallDesk) -> None:
    desk.broker.fill(sent(desk), 20, "195.80")
    compare(desk)
    desk.market.forward(86_400)
    tomorrow = desk.market.now().date()
    desk.broker.holdings["IBM"] = Decimal(40)
    desk.broker.cash += Decimal("17.00")
    desk.broker.booked = [
        BrokerBooking("s1", "split", "IBM", tomorrow, Decimal(20), Decimal(0)),
        BrokerBooking("d1", "dividend", "IBM", tomorrow, Decimal(0), Decimal("17.00")),
    ]

    first, second = compare(desk), compare(desk)

    assert (first.clean, second.clean) == (True, True)
    assert [one.kind for one in first.differences] == ["corporate_action"] * 2
    assert second.differences == ()
    assert state(desk) is TradingState.ACTIVE
    with desk.engine.connect() as conn:
        assert holdings(conn) == {"IBM": Decimal(40)}
        assert {e.action for e in audit.entries(conn, subject="IBM")} == {
            "account.split",
            "account.dividend",
        }
        # Twice the shares for the same money: sold at 98 each they gain, not lose.
        assert Rescaled("IBM", Decimal(2)) in events(conn, strategy="trend")


def test_shares_that_no_booking_explains_still_reduce_the_desk(desk: SmallDesk) -> None:
    desk.broker.fill(sent(desk), 20, "195.80")
    compare(desk)
    desk.broker.holdings["IBM"] = Decimal(41)
    desk.broker.booked = [
        BrokerBooking("s1", "split", "IBM", desk.market.now().date(), Decimal(20), Decimal(0))
    ]

    assert not compare(desk).clean
    assert state(desk) is TradingState.REDUCING


def test_an_unanswered_question_leaves_positions_and_is_not_clean(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    compare(desk)
    for question in ("positions", "open_orders", "orders", "fills", "bookings", "account"):
        desk.broker.away = {question}
        assert not compare(desk).clean
        with desk.engine.connect() as conn:
            assert conn.scalar(sa.select(positions.c.quantity)) == Decimal(20)
    assert state(desk) is TradingState.ACTIVE


def test_an_unknown_position_reduces_the_desk_with_one_alert(desk: SmallDesk) -> None:
    desk.broker.holdings["MSFT"] = Decimal(7)

    assert not compare(desk).clean
    assert not compare(desk).clean

    assert state(desk) is TradingState.REDUCING
    with desk.engine.connect() as conn:
        assert conn.scalars(sa.select(alerts.c.subject)).all() == ["MSFT"]


def test_an_unknown_order_reduces_the_desk(desk: SmallDesk) -> None:
    ours = desk.broker.held[sent(desk)]
    desk.broker.held["stranger"] = replace(
        ours, client_order_id="stranger", broker_order_id="b-stranger"
    )

    report = compare(desk)
    assert not compare(desk).clean

    assert [one.kind for one in report.differences] == ["unknown_order"]
    assert state(desk) is TradingState.REDUCING
    with desk.engine.connect() as conn:
        assert conn.scalars(sa.select(alerts.c.subject)).all() == ["stranger"]


def test_an_order_the_broker_denies_having_reduces_the_desk(desk: SmallDesk) -> None:
    name = sent(desk)
    del desk.broker.held[name]

    report = compare(desk)

    assert [one.kind for one in report.differences] == ["missing_order"]
    assert state(desk) is TradingState.REDUCING
    assert known(desk, name).state is OrderState.ACCEPTED


def reset(desk: SmallDesk) -> None:
    """The paper account is started afresh: another number, no orders, no history, no shares."""
    desk.broker.account_id = "PA2"
    desk.broker.cash = Decimal(100_000)
    for gone in (desk.broker.held, desk.broker.executions, desk.broker.holdings):
        gone.clear()


def test_a_paper_account_that_was_reset_reduces_the_desk_and_rewrites_nothing(
    desk: SmallDesk,
) -> None:
    held, working = sent(desk), sent_msft(desk)
    desk.broker.fill(held, 20, "195.80")
    assert compare(desk).clean
    reset(desk)

    for _ in range(2):
        report = compare(desk)

    assert state(desk) is TradingState.REDUCING
    found = {(one.kind, one.subject) for one in report.differences if one.grave}
    assert found == {("position_quantity", "IBM"), ("missing_order", working)}
    assert known(desk, held).state is OrderState.FILLED
    with desk.engine.connect() as conn:
        assert holdings(conn) == {"IBM": Decimal(20)}


def test_what_was_signed_for_one_account_is_not_sent_to_another(desk: SmallDesk) -> None:
    proposal = desk.signed()
    reset(desk)

    def asked() -> dict[str, str]:
        return dict(
            send_signed(
                desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market
            ).waiting
        )

    assert ["signed for account PA1" in why for why in asked().values()] == [True]
    assert desk.broker.submits == 0
    desk.broker.account_id = proposal.account_id
    assert asked() == {}
    assert desk.broker.submits == 1


def sent_msft(desk: SmallDesk) -> str:
    proposal = desk.sign(replace(proposed(symbol="MSFT", quantity=10), strategy="more"))
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def test_the_highest_equity_of_the_session_is_the_mark(desk: SmallDesk) -> None:
    desk.broker.fill(sent(desk), 20, "195.80")
    for at in ("197.80", "190.80"):
        desk.broker.prices["IBM"] = Decimal(at)
        compare(desk)

    with desk.engine.connect() as conn:
        now = situation(conn, desk_at=desk.clock.now(), market_at=desk.market.now())

    # 20 shares bought at 195.80 of 100,000 USD: 40 USD up at 197.80, 100 USD down at 190.80
    assert (now.day_high, now.peak) == (Decimal(100_040), Decimal(100_040))
    assert now.account is not None
    assert (now.account.equity, now.account.day_high) == (Decimal(99_900), Decimal(100_040))


def test_losses_in_a_row_are_counted_from_the_recorded_fills(desk: SmallDesk) -> None:
    desk.broker.fill(sent(desk), 20, "195.80")
    compare(desk)
    with desk.engine.connect() as conn:
        assert losses_in_a_row(conn, "trend") == 0
    desk.broker.held["stop"] = replace(
        next(iter(desk.broker.held.values())),
        client_order_id="stop",
        broker_order_id="b-stop",
        side="sell",
        order_type="stop",
        limit_price=None,
        stop_price=Decimal("186.71"),
        state=OrderState.ACCEPTED,
        filled_quantity=Decimal(0),
        parent_client_order_id=next(iter(desk.broker.held)),
    )
    compare(desk)
    desk.broker.fill("stop", 20, "186.70")
    compare(desk)

    with desk.engine.connect() as conn:
        assert losses_in_a_row(conn, "trend") == 1
        assert losses_in_a_row(conn, "another") == 0


def test_the_stop_the_broker_attached_is_ours(desk: SmallDesk) -> None:
    name = sent(desk)
    entry = desk.broker.held[name]
    stop = replace(
        entry,
        client_order_id="alpaca-made-this",
        broker_order_id="b-stop",
        side="sell",
        order_type="stop",
        limit_price=None,
        stop_price=Decimal("186.71"),
        parent_client_order_id=name,
    )
    desk.broker.held["alpaca-made-this"] = stop
    desk.broker.fill(name, 20, "195.80")
    assert compare(desk).clean

    desk.broker.fill("alpaca-made-this", 20, "186.70")
    assert compare(desk).clean

    child = known(desk, "alpaca-made-this")
    assert (child.state, child.side, child.stop_price) == (
        OrderState.FILLED,
        "sell",
        Decimal("186.71"),
    )
    assert desk.ledger.expected_positions() == {}


def test_a_fill_before_the_acknowledgement_settles_the_order(desk: SmallDesk) -> None:
    def crash(order: Order) -> None:
        desk.broker.fill(order.client_order_id, 20, "195.80")
        raise RuntimeError("the process dies")

    proposal = desk.signed()
    desk.broker.on_taken = crash
    try:
        send_signed(
            desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market
        )
    except RuntimeError:
        name = client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)

    assert compare(desk).clean
    assert known(desk, name).state is OrderState.FILLED


def test_a_halt_cancels_and_looks_again(desk: SmallDesk) -> None:
    name = sent(desk)
    report = halt(
        desk.ledger,
        desk.broker,
        reason="drill",
        person_id=None,
        desk=desk.clock,
        market=desk.market,
    )

    assert report.complete, report
    assert state(desk) is TradingState.HALTED
    assert desk.broker.held[name].state is OrderState.CANCELED
    assert known(desk, name).state is OrderState.CANCELED


def test_a_halt_whose_questions_fail_is_never_complete(desk: SmallDesk) -> None:
    sent(desk)
    for question in ("open_orders", "cancel"):
        desk.broker.away = {question}
        report = halt(
            desk.ledger,
            desk.broker,
            reason="drill",
            person_id=None,
            desk=desk.clock,
            market=desk.market,
        )
        assert not report.complete
        assert state(desk) is TradingState.HALTED


def test_a_difference_that_lasts_is_noted_once_while_the_desk_is_reduced(desk: SmallDesk) -> None:
    """Each comparison finds it again, but only what is new voids a resume that waits."""
    desk.broker.holdings["IBM"] = Decimal(5)
    for _ in range(3):
        compare(desk)
    desk.broker.holdings["MSFT"] = Decimal(5)
    for _ in range(3):
        compare(desk)

    with desk.engine.connect() as conn:
        told = [one.action for one in audit.entries(conn, subject="trading_state")]
    assert told == ["trading_state.keep", "trading_state.set"]
