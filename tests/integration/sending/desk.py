"""A small desk on a real ledger, with clocks that stand and a broker that fails on demand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from config import limits as limits_module
from config.limits import Limits
from ledger import heartbeats, new_id, people, proposals, reconciliations, signatures, transact
from ledger.desk import DeskLedger
from quant.typing import FloatArray
from trading.broker import (
    BrokerAccount,
    BrokerAsset,
    BrokerBooking,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    TradingDay,
)
from trading.dispatch import Sender
from trading.errors import BrokerUnavailableError, OrderRejectedError
from trading.orders import Fill, Order, OrderState
from trading.picture import DataNow, ModelNow
from trading.proposals import CheckResult, DataVerdict, Leg, Proposal, Risk, code_of

NEW_YORK = ZoneInfo("America/New_York")
SESSION = date(2012, 7, 2)
OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)  # 09:30 in New York
CLOSE = datetime(2012, 7, 3, 17, 0, tzinfo=UTC)  # an early close
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # desk time
BUILD = "b" * 12
LIMITS: Limits = limits_module.load()


@dataclass
class StandingClock:
    """Stands until moved."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CrashError(Exception):
    """The process dies here."""


@dataclass
class Facts:
    """What warehouse and configuration would say: all is well."""

    past: FloatArray = field(default_factory=lambda: np.full(250, 0.001))

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        return {symbol: DataNow("passed", 0, 24, 24) for symbol in symbols}

    def model(self, version: str | None) -> ModelNow | None:
        return None if version is None else ModelNow(version, "champion", True)

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return dict.fromkeys(symbols, Decimal(5_000_000))

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        return dict.fromkeys(symbols, self.past)

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return {}

    def restricted(self) -> frozenset[str]:
        return frozenset()

    def sectors(self) -> Mapping[str, str]:
        return {"IBM": "Technology", "MSFT": "Technology"}


@dataclass
class FakeBroker:
    """Holds orders as a broker does: an id is taken once for ever.

    `on_submit` runs before an order is taken, `on_taken` after it and before the answer.
    """

    market: StandingClock
    opens: datetime = OPEN  # of the session that its clock tells
    closes: datetime = CLOSE
    held: dict[str, BrokerOrder] = field(default_factory=dict)
    executions: list[BrokerFill] = field(default_factory=list)
    booked: list[BrokerBooking] = field(default_factory=list)
    holdings: dict[str, Decimal] = field(default_factory=dict)
    cash: Decimal = Decimal(100_000)
    account_id: str = "PA1"
    submits: int = 0
    filled: int = 0  # executions made
    on_submit: Callable[[Order], None] = lambda _order: None
    on_taken: Callable[[Order], None] = lambda _order: None
    on_cancel: Callable[[str], None] = lambda _id: None
    slow_to_cancel: bool = False  # a cancel is accepted and has no effect yet
    away: set[str] = field(default_factory=set)  # names of questions that stay unanswered
    lock: Lock = field(default_factory=Lock)
    prices: dict[str, Decimal] = field(
        default_factory=lambda: {"IBM": Decimal("195.80"), "MSFT": Decimal("30.60")}
    )

    def submit(self, order: Order) -> BrokerOrder:
        with self.lock:
            self.submits += 1
        self.on_submit(order)
        with self.lock:
            if order.client_order_id not in self.held:
                self.held[order.client_order_id] = self._taken(order)
        self.on_taken(order)
        return self.held[order.client_order_id]

    def find(self, client_order_id: str) -> BrokerOrder | None:
        self._answer("find")
        return self.held.get(client_order_id)

    def cancel(self, broker_order_id: str) -> None:
        self._answer("cancel")
        self.on_cancel(broker_order_id)
        if self.slow_to_cancel:
            return
        for name, order in self.held.items():
            if order.broker_order_id == broker_order_id and not order.state.is_final:
                self.held[name] = replace(order, state=OrderState.CANCELED)

    def orders(self, *, since: datetime) -> Sequence[BrokerOrder]:
        self._answer("orders")
        return [order for order in self.held.values() if order.submitted_at >= since]

    def open_orders(self) -> Sequence[BrokerOrder]:
        self._answer("open_orders")
        return [order for order in self.held.values() if not order.state.is_final]

    def children(self, broker_order_id: str) -> Sequence[BrokerOrder]:
        names = {
            o.client_order_id for o in self.held.values() if o.broker_order_id == broker_order_id
        }
        return [o for o in self.held.values() if o.parent_client_order_id in names]

    def bookings(self, *, since: datetime) -> Sequence[BrokerBooking]:
        self._answer("bookings")
        first = since.astimezone(NEW_YORK).date()
        return [one for one in self.booked if one.day >= first]

    def fills(self, *, since: datetime) -> Sequence[BrokerFill]:
        self._answer("fills")
        return [fill for fill in self.executions if fill.market_at >= since]

    def positions(self) -> Sequence[BrokerPosition]:
        self._answer("positions")
        return [
            BrokerPosition(
                symbol=symbol,
                quantity=quantity,
                average_price=self.prices[symbol],
                market_price=self.prices[symbol],
                market_value=quantity * self.prices[symbol],
                unrealised=Decimal(0),
            )
            for symbol, quantity in self.holdings.items()
            if quantity
        ]

    def account(self) -> BrokerAccount:
        self._answer("account")
        value = sum((q * self.prices[s] for s, q in self.holdings.items()), Decimal(0))
        return BrokerAccount(
            account_id=self.account_id,
            equity=self.cash + value,
            last_equity=Decimal(100_000),
            cash=self.cash,
            settled_cash=self.cash,
            buying_power=self.cash,
            currency="USD",
            status="ACTIVE",
            blocked=False,
        )

    def clock(self) -> BrokerClock:
        self._answer("clock")
        now = self.market.now()
        return BrokerClock(
            now=now,
            is_open=self.opens <= now < self.closes,
            next_open=self.opens + timedelta(days=2),
            next_close=self.closes,
        )

    def calendar(self, first: date, last: date) -> Sequence[TradingDay]:
        return [TradingDay(date(2012, 7, 3), OPEN, CLOSE)]

    def quotes(self, symbols: Sequence[str]) -> dict[str, BrokerQuote]:
        self._answer("quotes")
        spread = Decimal("0.01")
        return {
            s: BrokerQuote(
                s,
                self.prices[s] - spread,
                self.prices[s] + spread,
                self.prices[s],
                self.market.now(),
            )
            for s in symbols
            if s in self.prices
        }

    def asset(self, symbol: str) -> BrokerAsset | None:
        return BrokerAsset(symbol, True, True, True, True) if symbol in self.prices else None

    def fill(self, client_order_id: str, quantity: int, price: str) -> None:
        """Execute part of an order."""
        order = self.held[client_order_id]
        shares, paid = Decimal(quantity), Decimal(price)
        filled = order.filled_quantity + shares
        done = filled == order.quantity
        self.held[client_order_id] = replace(
            order,
            filled_quantity=filled,
            average_price=paid,
            state=OrderState.FILLED if done else OrderState.PARTIALLY_FILLED,
        )
        self.executions.append(
            BrokerFill(
                fill=Fill(f"x{self.filled}", shares, paid),
                broker_order_id=order.broker_order_id,
                client_order_id=client_order_id,
                symbol=order.symbol,
                side=order.side,
                fee=Decimal(0),
                market_at=self.market.now(),
            )
        )
        self.filled += 1
        signed = shares if order.side == "buy" else -shares
        self.holdings[order.symbol] = self.holdings.get(order.symbol, Decimal(0)) + signed
        self.cash -= signed * paid

    def _answer(self, question: str) -> None:
        if question in self.away:
            raise BrokerUnavailableError(f"No answer to {question}.")

    def _taken(self, order: Order) -> BrokerOrder:
        return BrokerOrder(
            broker_order_id=f"b-{order.client_order_id}",
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            state=OrderState.ACCEPTED,
            filled_quantity=Decimal(0),
            average_price=None,
            submitted_at=self.market.now(),
            updated_at=self.market.now(),
        )


def refuse(order: Order) -> None:
    raise OrderRejectedError("The broker refused it: insufficient buying power.")


@dataclass
class SmallDesk:
    """A ledger with two signatories, standing clocks and a fake broker."""

    engine: sa.Engine
    market: StandingClock = field(
        default_factory=lambda: StandingClock(OPEN + timedelta(minutes=5))
    )
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOON))
    signers: dict[str, str] = field(default_factory=dict)
    account_id: str = "PA1"  # that the proposals are for
    tampered: bool = False  # a test altered a table past the desk, on purpose

    def __post_init__(self) -> None:
        self.ledger = DeskLedger(self.engine)
        self.facts = Facts()
        self.broker = FakeBroker(self.market)
        with self.engine.begin() as conn:
            for name in ("Maria", "Jan"):
                made = people.add(
                    conn,
                    login=name.lower(),
                    display_name=name,
                    roles=("signatory",),
                    desk_at=NOON,
                    origin="os",
                )
                self.signers[name] = made.person_id
            heartbeats.beat(conn, process="watch", pid=1, build=BUILD, desk_at=NOON)

    def sender(
        self, owner: str = "run/1", reached: Callable[[str], None] = lambda _p: None
    ) -> Sender:
        return Sender(
            owner=owner,
            build=BUILD,
            environment="replay",
            limits=LIMITS,
            facts=self.facts,
            reached=reached,
        )

    def agree(self) -> None:
        """Ledger and broker were just compared and agreed."""
        with self.engine.begin() as conn:
            reconciliations.record(
                conn,
                started_at=self.clock.now(),
                finished_at=self.clock.now(),
                market_at=self.market.now(),
                clean=True,
                differences=(),
            )
            heartbeats.beat(conn, process="watch", pid=1, build=BUILD, desk_at=self.clock.now())

    def signed(
        self,
        *,
        symbol: str = "IBM",
        quantity: int = 20,
        legs: int = 1,
        valid_until: datetime = CLOSE,
    ) -> Proposal:
        """Store a proposal and sign it."""
        proposal = proposed(symbol=symbol, quantity=quantity, legs=legs)
        return self.sign(replace(proposal, valid_until=valid_until))

    def sign(self, proposal: Proposal) -> Proposal:
        """Store this proposal for the desk's account and sign it."""
        proposal = replace(proposal, account_id=self.account_id)
        transact(self.engine, lambda conn: proposals.add(conn, proposal, desk_at=NOON))
        outcome = transact(
            self.engine,
            lambda conn: signatures.sign(
                conn,
                proposal_id=proposal.proposal_id,
                person_id=self.signers["Maria"],
                content_hash=proposal.canonical()[1],
                price=proposal.legs[0].reference_price,
                market_at=OPEN,
                desk_at=NOON,
            ),
        )
        assert outcome.state == "signed", outcome
        return proposal


def proposed(*, symbol: str = "IBM", quantity: int = 20, legs: int = 1) -> Proposal:
    """Buy 20 IBM at 195.93 or less: 3,918.60 USD."""
    identity = new_id()
    prices = {"IBM": ("195.93", "195.83", "186.71"), "MSFT": ("30.65", "30.60", "29.20")}
    symbols = [symbol, "MSFT"][:legs]
    made = tuple(
        Leg(
            leg_no=number,
            symbol=name,
            side="buy",
            quantity=Decimal(quantity),
            order_type="limit",
            time_in_force="day",
            reference_price=Decimal(prices[name][1]),
            limit_price=Decimal(prices[name][0]),
            stop_loss_price=Decimal(prices[name][2]),
        )
        for number, name in enumerate(symbols, start=1)
    )
    check = CheckResult(12, "order_notional", True, False, "Fits.")
    return Proposal(
        proposal_id=identity,
        code=code_of(identity),
        session=SESSION,
        environment="replay",
        account_id="PA1",
        strategy="trend",
        model_version="m1",
        advisory=False,
        legs=made,
        rationale=None,
        risk=Risk(equity=Decimal(100_000), loss_to_stop=Decimal("184.40"), effects=()),
        checks=(check,),
        data=(DataVerdict(SESSION, "passed", 24, 24, None),),
        valid_from=OPEN - timedelta(hours=16),
        valid_until=CLOSE,
        drift_bound=Decimal("0.005"),
        drift_direction="adverse",
        signatures_needed=1,
        four_eyes_notional=Decimal(10_000),
        snapshot_id=7,
        created_market_at=OPEN - timedelta(hours=16),
    )
