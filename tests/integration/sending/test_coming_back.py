"""What a sale left of a position gets its stop back, at the same price and for no more."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ledger import alerts
from ledger import stops as ledger_stops
from tests.integration.sending.desk import LIMITS, NOON, CrashError, SmallDesk
from tests.integration.sending.giving_way import (
    AT,
    closing,
    compare,
    name_of,
    protected,
    restore,
    send,
    shares_are_set_aside,
    stops,
)
from trading.dispatch import send_signed
from trading.errors import OrderRejectedError, OutcomeUnknownError
from trading.ledger import Book, Stamp
from trading.orders import Order, OrderState
from trading.protecting import restore_stops
from trading.state import TradingState
from trading.stopping import cancel_order


def test_a_stop_shrinks_with_what_is_sold(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))

    send(desk, "run/2")

    assert stops(desk) == [(Decimal(12), AT)]  # 8 of 20 are on their way out
    desk.broker.fill(name_of(sale), 8, "195.80")
    compare(desk)
    restore(desk)
    assert stops(desk) == [(Decimal(12), AT)]


def test_no_stop_comes_back_between_its_cancel_and_the_intent_of_the_sale(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))
    others = []

    def reached(point: str) -> None:
        if point == "checked":  # the stop is cancelled, nothing of the sale is written down
            others.append(restore(desk, "executor"))

    desk.agree()
    report = send_signed(
        desk.ledger,
        desk.broker,
        sender=desk.sender("run/2", reached),
        desk=desk.clock,
        market=desk.market,
    )

    assert [one.sent for one in others] == [[]]
    assert report.acknowledged[0] == name_of(sale)
    assert stops(desk) == [(Decimal(12), AT)]


def test_a_sale_waits_for_a_stop_that_is_on_its_way(desk: SmallDesk) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=8))

    def killed(point: str) -> None:
        if point == "stop_intended":
            raise CrashError

    desk.agree()
    sender = desk.sender("run/2", killed)
    with pytest.raises(CrashError):
        send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)
    desk.broker.fill(name_of(first), 8, "195.80")
    compare(desk)
    desk.sign(closing(quantity=5))

    report = send(desk, "run/3")

    assert ["still on its way" in why for why in report.waiting.values()] == [True]


def test_what_a_sale_did_not_sell_gets_its_stop_back(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.on_submit = lambda order: shares_are_set_aside(desk, order)
    sale = desk.sign(closing(quantity=8))
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 3, "195.80")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)

    restore(desk)
    restore(desk)

    assert sum(shares for shares, _ in stops(desk)) == 17
    compare(desk)


def test_the_stop_of_all_comes_back_when_nothing_was_sold(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    assert stops(desk) == []
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)

    restore(desk)

    assert stops(desk) == [(Decimal(20), AT)]


def test_nothing_comes_back_for_a_later_position(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 20, "195.80")
    compare(desk)
    restore(desk)
    desk.broker.holdings["IBM"] = Decimal(5)

    assert restore(desk).sent == []
    assert stops(desk) == []


def test_a_stop_that_a_person_cancelled_stays_cancelled(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))
    send(desk, "run/2")
    [renewed] = [one for one in desk.broker.held.values() if one.quantity == 12]
    cancel_order(
        desk.ledger, desk.broker, client_order_id=renewed.client_order_id,
        desk=desk.clock, market=desk.market,
    )  # fmt: skip

    assert restore(desk).sent == []


def test_a_stop_whose_answer_was_lost_is_found_again(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))

    def lost(order: Order) -> None:
        if order.order_type == "stop":
            raise OutcomeUnknownError("No answer.")

    desk.broker.on_taken = lost
    send(desk, "run/2")
    desk.broker.fill(name_of(sale), 8, "195.80")
    desk.clock.forward(60)
    report = send(desk, "run/3")

    assert len(report.acknowledged) == 1
    assert stops(desk) == [(Decimal(12), AT)]
    assert restore(desk).sent == []


def test_a_stop_that_never_arrived_is_made_anew(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))

    def lost(order: Order) -> None:
        if order.order_type == "stop":
            raise OutcomeUnknownError("No answer.")

    desk.broker.on_submit = lost
    send(desk, "run/2")
    desk.broker.on_submit = lambda _order: None
    desk.clock.forward(LIMITS.resend_grace_seconds + LIMITS.lease_seconds)
    send(desk, "run/3")
    restore(desk)

    assert stops(desk) == [(Decimal(12), AT)]


def test_no_stop_comes_back_while_the_desk_is_halted(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)
    at = Stamp(desk.clock.now(), desk.market.now(), "person")
    desk.ledger.tighten(TradingState.HALTED, reason="drill", by="operator", at=at)

    assert restore(desk).sent == []
    assert stops(desk) == []


def test_a_refused_stop_is_told_and_tried_a_few_times(desk: SmallDesk) -> None:
    protected(desk)

    def refused(order: Order) -> None:
        if order.order_type == "stop":
            raise OrderRejectedError("wash trade")

    desk.broker.on_submit = refused
    desk.sign(closing(quantity=8))
    send(desk, "run/2")
    for _ in range(8):
        restore(desk)

    with desk.engine.connect() as conn:
        kinds = [one.kind for one in alerts.unacknowledged(conn)]
    assert kinds == ["stop_refused"]
    assert desk.broker.submits == 2 + 5  # entry, sale, and as many stops as are tried


@pytest.mark.parametrize("is_refused", [True, False])
def test_the_same_sale_again_goes_at_once_after_a_refusal_and_waits_after_a_send(
    desk: SmallDesk, is_refused: bool
) -> None:
    protected(desk, filled=20)
    if is_refused:
        desk.broker.on_submit = refuse_sales
    first = desk.sign(closing(quantity=10))
    send(desk, "run/2")
    desk.broker.on_submit = lambda _order: None
    again = desk.sign(replace(closing(quantity=10), strategy="again"))

    report = send(desk, "run/3")

    assert (name_of(again) in report.acknowledged) == is_refused
    waits = list(report.waiting.values())
    said = "The same order (sell 10 IBM) was sent 0 s ago; 300 s must pass."
    assert waits == ([] if is_refused else [said])
    assert desk.ledger.order(name_of(first)) is not None


@pytest.mark.parametrize(
    ("account", "environment"), [("PA2", "replay"), ("PA1", "live"), ("PA2", "live")]
)
def test_a_stop_goes_to_no_other_account_than_it_was_signed_for(
    desk: SmallDesk, account: str, environment: str
) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)
    sender = replace(desk.sender("executor"), environment=environment)
    desk.broker.account_id = account
    held = desk.broker.holdings.copy()
    for there in (held, {}):  # of the same symbol, and of nothing
        desk.broker.holdings = there
        told = restore_stops(
            desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market
        )
        assert told.sent == []

    desk.broker.account_id, desk.broker.holdings = "PA1", held
    restore(desk)

    assert stops(desk) == [(Decimal(20), AT)]


def refuse_sales(order: Order) -> None:
    if order.side == "sell" and order.order_type == "limit":
        raise OrderRejectedError("insufficient qty available for order")


def test_two_sales_cannot_sell_more_than_is_held(desk: SmallDesk) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=15))
    desk.sign(closing(quantity=6))

    report = send(desk, "run/2")

    assert report.acknowledged[0] == name_of(first)
    assert len(report.closed) == 1
    assert stops(desk) == [(Decimal(5), AT)]


def test_a_stop_that_the_price_has_passed_is_a_matter_for_people(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))
    send(desk, "run/2")
    [renewed] = [one for one in desk.broker.held.values() if one.quantity == 12]
    desk.broker.on_submit = refuse_stops
    desk.broker.held[renewed.client_order_id] = replace(renewed, state=OrderState.REJECTED)
    desk.broker.fill(name_of(sale), 8, "195.80")
    desk.broker.prices["IBM"] = Decimal("186.00")
    compare(desk)
    submits = desk.broker.submits

    restore(desk)

    assert desk.broker.submits == submits
    with desk.engine.connect() as conn:
        assert "stop_passed" in {one.kind for one in alerts.unacknowledged(conn)}


def refuse_stops(order: Order) -> None:
    if order.order_type == "stop":
        raise OrderRejectedError("wash trade")


def test_two_that_make_a_stop_anew_at_once_make_and_log_one(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    send(desk, "run/2")
    desk.broker.cancel(f"b-{name_of(sale)}")
    compare(desk)
    stamp = Stamp(desk_at=NOON, market_at=NOON, source="dispatch")

    def intended(conn: sa.Connection, owner: str, held: int) -> list[Order]:
        return ledger_stops.intend(
            conn, "IBM", book=Book("replay", "PA1"), held=Decimal(held),
            price=Decimal("195.80"), closing={}, is_open=True, owner=owner, build="b1",
            until=NOON + timedelta(minutes=1), at=stamp,
        )  # fmt: skip

    def later() -> list[Order]:
        with desk.engine.begin() as conn:
            return intended(conn, "second", 20)

    with ThreadPoolExecutor(1) as pool:
        with desk.engine.begin() as conn:
            first = intended(conn, "first", 15)
            second = pool.submit(later)
            until_it_waits(conn)
        assert [order.quantity for order in first] == [Decimal(15)]
        assert second.result(30) == []


def until_it_waits(conn: sa.Connection) -> None:
    """Return when somebody waits for a lock that this transaction holds."""
    waiting = sa.text(
        "select count(*) from pg_locks "
        "where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
    )
    deadline = time.monotonic() + 30
    while not conn.scalar(waiting):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stop_of_which_the_broker_tells_what_cannot_be_is_told_and_keeps_no_sale_waiting(
    desk: SmallDesk,
) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))

    def overfilled(order: Order) -> None:
        told = desk.broker.held[order.client_order_id]
        if told.order_type == "stop":
            more = replace(told, quantity=Decimal(13), filled_quantity=Decimal(13))
            desk.broker.held[order.client_order_id] = replace(more, state=OrderState.FILLED)

    desk.broker.on_taken = overfilled
    report = send(desk, "run/2")

    assert report.acknowledged[0] == name_of(sale)
    assert report.waiting == {}
    with desk.engine.connect() as conn:
        [alert] = [one for one in alerts.unacknowledged(conn) if one.kind == "order"]
    assert alert.severity == "critical"
    assert "13" in alert.message
    submits = desk.broker.submits
    restore(desk)
    assert desk.broker.submits == submits
