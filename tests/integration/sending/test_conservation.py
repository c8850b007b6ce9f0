"""Orders, fills, positions and cash are conserved through any sequence of events.

The model is a list of what the broker executed and booked. The desk's own code records it in
PostgreSQL from listings that lag, repeat and come out of order.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ledger import audit, orders
from ledger.tables import (
    accounts,
    alerts,
    bookings,
    equity_points,
    fills,
    order_events,
    positions,
    reconciliations,
    transfers,
)  # fmt: skip
from ledger.tables import orders as orders_table
from tests.integration.sending.desk import FakeBroker, SmallDesk
from trading.broker import BrokerBooking, BrokerFill, BrokerOrder
from trading.errors import StopError
from trading.ledger import Stamp
from trading.orders import Fill, Order, OrderState
from trading.reconcile import Report, reconcile

pytestmark = pytest.mark.long

D = Decimal
START = D(100_000)
SYMBOLS = {"IBM": "195.80", "MSFT": "30.60"}
TABLES = (
    order_events, fills, bookings, orders_table, positions, accounts, alerts, equity_points,
    reconciliations, transfers,
)  # fmt: skip
PRICES = st.sampled_from(["195.80", "195.81", "30.6", "29.995"]).map(Decimal)


@dataclass
class Model(FakeBroker):
    """A broker that keeps its own books, and tells them badly when it is to."""

    hidden: set[str] = field(default_factory=set)  # executions that the listing leaves out
    jumbled: bool = False  # executions twice, the newest first
    old_listing: dict[str, BrokerOrder] | None = None  # what the order listing still shows

    def fills(self, *, since: datetime) -> Sequence[BrokerFill]:
        told = [
            one for one in super().fills(since=since) if one.fill.execution_id not in self.hidden
        ]
        return [*reversed(told), *told] if self.jumbled else told

    def orders(self, *, since: datetime) -> Sequence[BrokerOrder]:
        return list((self.old_listing or self.held).values())

    def open_orders(self) -> Sequence[BrokerOrder]:
        return []

    def recount(self, name: str, state: OrderState | None = None) -> None:
        """Let an order follow its executions."""
        own = [one.fill for one in self.executions if one.client_order_id == name]
        filled = sum((one.quantity for one in own), D(0))
        order = self.held[name]
        if filled == order.quantity:
            state = OrderState.FILLED
        elif state is None:
            working = OrderState.PARTIALLY_FILLED if filled else OrderState.ACCEPTED
            state = order.state if order.state.is_final else working
        value = sum((one.quantity * one.price for one in own), D(0))
        self.held[name] = replace(
            order,
            filled_quantity=filled,
            average_price=value / filled if filled else None,
            state=state,
        )


class Conservation(RuleBasedStateMachine):
    """Anything may happen at the broker, and anything be told of it."""

    desk: SmallDesk
    leg: tuple[str, str]
    known: Bundle[str] = Bundle("orders")

    @initialize()
    def begins(self) -> None:
        self.desk.broker = self.broker = Model(self.desk.market)
        with self.desk.engine.begin() as conn:
            for table in TABLES:
                conn.execute(sa.delete(table))
        self.history: list[BrokerOrder] = []
        self.split: set[str] = set()
        self.attempts = self.executed = 0

    @rule(
        target=known, symbol=st.sampled_from(sorted(SYMBOLS)),
        side=st.sampled_from(["buy", "sell"]), quantity=st.integers(1, 9),
    )  # fmt: skip
    def ordered(self, symbol: str, side: Any, quantity: int) -> str:
        self.attempts += 1
        order = Order(
            client_order_id=f"cs-{self.attempts}", leg_id=self.leg[0], proposal_id=self.leg[1],
            attempt=self.attempts, symbol=symbol, side=side, quantity=D(quantity),
            order_type="limit", time_in_force="day", limit_price=D("195.93"),
            state=OrderState.SENT,
        )  # fmt: skip
        with self.desk.engine.begin() as conn:
            orders.add(conn, order, build="b", owner="run", until=None, at=self.at())
        self.broker.submit(order)
        return order.client_order_id

    @rule(name=known, share=st.integers(1, 9), price=PRICES)
    def executes(self, name: str, share: int, price: Decimal) -> None:
        order = self.broker.held[name]
        quantity = min(D(share), order.quantity - order.filled_quantity)
        if quantity <= 0 or order.symbol in self.split:
            return
        self.remember()
        self.executed += 1
        self.broker.executions.append(
            BrokerFill(
                fill=Fill(f"x{self.executed:03}", quantity, price),
                broker_order_id=order.broker_order_id, client_order_id=name, symbol=order.symbol,
                side=order.side, fee=D("0.01"), market_at=self.desk.market.now(),
            )
        )  # fmt: skip
        self.moved(order, quantity, price, D("0.01"))
        self.broker.recount(name)

    @rule(name=known, to=st.sampled_from([OrderState.CANCELED, OrderState.EXPIRED]))
    def ends(self, name: str, to: OrderState) -> None:
        self.remember()
        if not self.broker.held[name].state.is_final:
            self.broker.held[name] = replace(self.broker.held[name], state=to)

    @rule(data=st.data(), again=st.booleans())
    def busts(self, data: st.DataObject, again: bool) -> None:
        """A late bust; `again` leaves what is left of the order working."""
        told = self.chosen(data)
        if told is None:
            return
        self.remember()
        self.broker.executions.remove(told)
        order = self.broker.held[told.client_order_id]
        self.moved(order, -told.fill.quantity, told.fill.price, -told.fee)
        ended = order.state if order.state.is_final else None
        if order.state is OrderState.FILLED:
            ended = None if again else OrderState.CANCELED
        left = replace(order, state=OrderState.ACCEPTED) if ended is None else order
        self.broker.held[told.client_order_id] = left
        self.broker.recount(told.client_order_id, ended)

    @rule(data=st.data(), price=PRICES)
    def corrects(self, data: st.DataObject, price: Decimal) -> None:
        told = self.chosen(data)
        # Beyond the hour that every comparison asks about, only shares that differ are noticed.
        if told is None or self.desk.market.now() - told.market_at > timedelta(minutes=50):
            return
        order = self.broker.held[told.client_order_id]
        self.moved(order, -told.fill.quantity, told.fill.price, D(0))
        self.moved(order, told.fill.quantity, price, D(0))
        place = self.broker.executions.index(told)
        self.broker.executions[place] = replace(told, fill=replace(told.fill, price=price))
        self.broker.recount(told.client_order_id, order.state)

    @rule(symbol=st.sampled_from(sorted(SYMBOLS)), halves=st.booleans())
    def splits(self, symbol: str, halves: bool) -> None:
        held = self.broker.holdings.get(symbol, D(0))
        if not held or symbol in self.split:
            return
        self.split.add(symbol)
        for name, order in self.broker.held.items():
            if order.symbol == symbol and not order.state.is_final:
                self.broker.held[name] = replace(order, state=OrderState.CANCELED)
        day = self.desk.market.now().date()
        parts = [-held, 2 * held] if halves else [held]
        for number, part in enumerate(parts):
            self.broker.booked.append(
                BrokerBooking(f"s-{symbol}-{number}", "split", symbol, day, part, D(0))
            )
        self.broker.holdings[symbol] = 2 * held

    @rule(cash=st.sampled_from(["17.05", "-3.10"]).map(Decimal))
    def pays(self, cash: Decimal) -> None:
        day, number = self.desk.market.now().date(), len(self.broker.booked)
        self.broker.booked.append(BrokerBooking(f"d{number}", "dividend", "IBM", day, D(0), cash))
        self.broker.cash += cash

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.desk.market.forward(60 * minutes)

    @rule(jumbled=st.booleans(), hide=st.booleans(), old=st.booleans())
    def compared_badly(self, jumbled: bool, hide: bool, old: bool) -> None:
        """Listings that lag, repeat and are out of order."""
        self.broker.jumbled = jumbled
        if hide and self.broker.executions:
            self.broker.hidden = {self.broker.executions[-1].fill.execution_id}
        if old and self.history:
            stale = {order.client_order_id: order for order in self.history}
            self.broker.old_listing = self.broker.held | stale
        self.compare()
        self.broker.jumbled, self.broker.hidden, self.broker.old_listing = False, set(), None

    @rule(data=st.data())
    def an_old_answer_arrives(self, data: st.DataObject) -> None:
        if self.history:
            with suppress(StopError):  # what cannot be true of the order now
                self.desk.ledger.observe(data.draw(st.sampled_from(self.history)), at=self.at())

    @rule()
    def compared_well(self) -> None:
        for _ in range(3):  # a cancel that a comparison asks for shows in the next
            report = self.compare()
        assert report.clean, report
        self.agrees()

    @invariant()
    def never_more_than_ordered_or_executed(self) -> None:
        """At every moment, whatever was told."""
        with self.desk.engine.connect() as conn:
            rows = conn.execute(sa.select(orders_table)).all()
            wrong = conn.scalar(
                sa.select(sa.func.count()).where(fills.c.quantity <= 0, fills.c.price <= 0)
            )
        assert wrong == 0
        assert all(0 <= row.filled_quantity <= row.quantity for row in rows)

    def teardown(self) -> None:
        self.compared_well()

    def agrees(self) -> None:
        """What the desk's own records add up to is what the broker has."""
        desk, broker = self.desk, self.broker
        held = {symbol: shares for symbol, shares in broker.holdings.items() if shares}
        assert desk.ledger.expected_positions() == held
        with desk.engine.connect() as conn:
            standing = conn.execute(sa.select(fills).where(fills.c.busted_at.is_(None))).all()
            booked = conn.scalar(sa.select(sa.func.coalesce(sa.func.sum(bookings.c.cash), 0)))
        assert {(row.execution_id, row.quantity, row.price) for row in standing} == {
            (one.fill.execution_id, one.fill.quantity, one.fill.price) for one in broker.executions
        }
        paid = sum((_cash(row.side, row.quantity, row.price, row.fee) for row in standing), D(0))
        assert START + paid + D(booked or 0) == broker.cash
        for name, told in broker.held.items():
            known = desk.ledger.order(name)
            assert known is not None
            assert (known.filled_quantity, known.state) == (told.filled_quantity, told.state)
            if told.average_price is not None:
                assert known.average_price == pytest.approx(told.average_price)

    def compare(self) -> Report:
        self.desk.clock.forward(5)
        return reconcile(
            self.desk.ledger,
            self.broker,
            market=self.desk.market,
            desk=self.desk.clock,
            environment="replay",
        )

    def chosen(self, data: st.DataObject) -> BrokerFill | None:
        told = [one for one in self.broker.executions if one.symbol not in self.split]
        return data.draw(st.sampled_from(told)) if told else None

    def moved(self, order: BrokerOrder, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        signed = quantity if order.side == "buy" else -quantity
        holdings = self.broker.holdings
        holdings[order.symbol] = holdings.get(order.symbol, D(0)) + signed
        self.broker.cash -= signed * price + fee

    def remember(self) -> None:
        self.history += self.broker.held.values()

    def at(self) -> Stamp:
        return Stamp(self.desk.clock.now(), self.desk.market.now(), "reconcile")


def _cash(side: str, quantity: Decimal, price: Decimal, fee: Decimal) -> Decimal:
    return (-quantity if side == "buy" else quantity) * price - fee


def test_shares_and_cash_are_conserved_through_any_sequence_of_events(desk: SmallDesk) -> None:
    desk.tampered = True  # each sequence begins with tables that were emptied
    proposal = desk.signed()
    desk.market.at = datetime(2012, 7, 3, 14, 0, tzinfo=UTC)
    leg = desk.ledger.lease_leg(
        owner="run", now=desk.clock.now(), until=desk.clock.now(), skip=frozenset()
    )
    assert leg is not None

    class OnThisDesk(Conservation):
        pass

    OnThisDesk.desk, OnThisDesk.leg = desk, (leg.leg_id, proposal.proposal_id)
    run_state_machine_as_test(
        OnThisDesk,
        settings=settings(
            max_examples=8,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate,),  # a failure is told as it was found: shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
    with desk.engine.connect() as conn:
        assert audit.verify(conn) is None
