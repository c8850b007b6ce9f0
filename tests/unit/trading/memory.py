"""A ledger and a broker in memory, with what `trading.dispatch` asks of them.

The ledger commits every method whole, as PostgreSQL would. The broker keeps client order ids
unique for ever and can fail around the moment at which it accepts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from quant.typing import FloatArray
from tests.unit.trading.pictures import ACCOUNT, BUY, NOW, PICTURE, TERMS
from trading.broker import (
    BrokerAccount,
    BrokerAsset,
    BrokerClock,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
)
from trading.errors import (
    BrokerUnavailableError,
    OrderRejectedError,
    OutcomeUnknownError,
    RateLimitedError,
)
from trading.ledger import DeskNow, Scope, SignedLeg, Stamp, Unsettled
from trading.orders import Order, OrderState, move, seen
from trading.picture import Activity, DataNow, ModelNow, SignedTerms
from trading.state import TradingState
from trading.transfers import PaidIn

ZERO = Decimal(0)
QUIET: FloatArray = np.full(250, 0.001)  # a year in which nothing was lost

_TERMS = replace(TERMS, account_id="PA-1")


@dataclass
class Clock:
    """A clock that is moved by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)


class Facts:
    """What warehouse and configuration say: all is well."""

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        return PICTURE.data

    def model(self, version: str | None) -> ModelNow | None:
        return PICTURE.model

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return PICTURE.average_volume

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        return dict.fromkeys(symbols, QUIET)

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return {}

    def restricted(self) -> frozenset[str]:
        return frozenset()

    def sectors(self) -> Mapping[str, str]:
        return PICTURE.sectors


@dataclass
class MemoryBroker:
    """Accepts each id once. `faults` are used up one per submit."""

    clock_: Clock
    faults: list[str] = field(default_factory=list)
    held: dict[str, BrokerOrder] = field(default_factory=dict)
    price: Decimal = Decimal("195.46")
    away: bool = False

    def submit(self, order: Order) -> BrokerOrder:
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "before":
            raise OutcomeUnknownError("timeout before accept")
        if fault == "rate":
            raise RateLimitedError("429")
        if fault == "refuse":
            raise OrderRejectedError("403 buying power")
        if order.client_order_id not in self.held:
            self.held[order.client_order_id] = self._taken(order)
        if fault == "after":
            raise OutcomeUnknownError("timeout after accept")
        return self.held[order.client_order_id]

    def _taken(self, order: Order) -> BrokerOrder:
        at = self.clock_.now()
        return BrokerOrder(
            broker_order_id=f"b-{order.client_order_id}",
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            limit_price=order.limit_price,
            stop_price=None,
            state=OrderState.ACCEPTED,
            filled_quantity=ZERO,
            average_price=None,
            submitted_at=at,
            updated_at=at,
        )

    def find(self, client_order_id: str) -> BrokerOrder | None:
        if self.away:
            raise BrokerUnavailableError("away")
        return self.held.get(client_order_id)

    def account(self) -> BrokerAccount:
        return BrokerAccount(
            "PA-1",
            ACCOUNT.equity,
            ACCOUNT.last_equity,
            ACCOUNT.cash,
            ACCOUNT.settled_cash,
            ACCOUNT.buying_power,
            "USD",
            "ACTIVE",
            blocked=False,
        )

    def positions(self) -> Sequence[BrokerPosition]:
        if self.away:
            raise BrokerUnavailableError("away")
        return []

    def clock(self) -> BrokerClock:
        at = self.clock_.now()
        return BrokerClock(at, is_open=True, next_open=at, next_close=TERMS.valid_until)

    def quotes(self, symbols: Sequence[str]) -> dict[str, BrokerQuote]:
        at = self.clock_.now()
        return {s: BrokerQuote(s, self.price, self.price, self.price, at) for s in symbols}

    def asset(self, symbol: str) -> BrokerAsset | None:
        return PICTURE.assets["IBM"]


@dataclass
class MemoryLedger:
    """One signed leg; each method is one transaction."""

    state: TradingState = TradingState.ACTIVE
    terms: SignedTerms = _TERMS
    leg_lease: tuple[str, datetime] | None = None
    closed: str | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    tried_at: dict[str, datetime] = field(default_factory=dict)

    def owed_stops(self) -> Sequence[str]:
        return []

    def _leg(self) -> SignedLeg:
        return SignedLeg("leg", "p1", "replay", "daily", "sample/3", BUY, self.terms)

    def lease_leg(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        skip: frozenset[str],
        scope: Scope = Scope.PLAIN,
    ) -> SignedLeg | None:
        taken = self.leg_lease is not None and self.leg_lease[1] > now
        if "leg" in skip or self.closed or self.orders or taken:
            return None
        self.leg_lease = (owner, until)
        return self._leg()

    def release_leg(self, leg_id: str, *, owner: str, waiting_for: str) -> None:
        self.leg_lease = None
        self.waiting_for = waiting_for

    def close_leg(self, leg_id: str, *, code: str, sentence: str, at: Stamp) -> None:
        self.closed = sentence

    def desk_now(self, leg: SignedLeg, *, desk_at: datetime, market_at: datetime) -> DeskNow:
        return DeskNow(
            trading_state=self.state,
            reconciled=PICTURE.reconciled,
            working=(),
            activity=Activity(0, 0, {}, ()),
            day_high=None,
            peak=None,
            paid_in=PaidIn(),
            consecutive_losses=0,
            open_stop_risk=ZERO,
            builds=frozenset({"b1"}),
        )

    def cancel_is_wanted(self, client_order_id: str) -> bool:
        return False

    def trading_state(self) -> TradingState:
        return self.state

    def write_intent(
        self,
        order: Order,
        *,
        reduces: bool,
        owner: str,
        build: str,
        lease_until: datetime,
        at: Stamp,
    ) -> str | None:
        if not self.state.admits(reduces=reduces) or order.client_order_id in self.orders:
            return "not now"
        self.orders[order.client_order_id] = order
        self.leases[order.client_order_id] = (owner, lease_until)
        self.tried_at[order.client_order_id] = at.desk_at
        return None

    def mark_sent(
        self, client_order_id: str, *, reduces: bool, owner: str, until: datetime, at: Stamp
    ) -> bool:
        lease = self.leases.get(client_order_id)
        if lease is None or lease[0] != owner or not self.state.admits(reduces=reduces):
            return False
        self.orders[client_order_id] = move(self.orders[client_order_id], OrderState.SENT)
        self.leases[client_order_id] = (owner, until)
        self.tried_at[client_order_id] = at.desk_at
        return True

    def observe(self, told: BrokerOrder, *, at: Stamp) -> Order | None:
        order = self.orders.get(told.client_order_id)
        if order is None:
            return None
        self.orders[told.client_order_id] = seen(
            order,
            state=told.state,
            filled_quantity=told.filled_quantity,
            average_price=told.average_price,
            broker_order_id=told.broker_order_id,
        )
        return self.orders[told.client_order_id]

    def conclude(self, client_order_id: str, *, to: OrderState, reason: str, at: Stamp) -> None:
        self.orders[client_order_id] = move(self.orders[client_order_id], to)

    def unsettled(self, *, now: datetime) -> Sequence[Unsettled]:
        unsure = {OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED}
        return [
            Unsettled(order, self._leg(), self.tried_at[name])
            for name, order in self.orders.items()
            if order.state in unsure and not self._is_leased(name, now)
        ]

    def _is_leased(self, name: str, now: datetime) -> bool:
        return name in self.leases and self.leases[name][1] > now

    def lease_order(
        self, client_order_id: str, *, owner: str, now: datetime, until: datetime
    ) -> bool:
        if self._is_leased(client_order_id, now):
            return False
        self.leases[client_order_id] = (owner, until)
        return True

    def release_order(self, client_order_id: str, *, owner: str) -> None:
        if self.leases.get(client_order_id, ("", None))[0] == owner:
            del self.leases[client_order_id]

    def only_order(self) -> Order:
        (order,) = self.orders.values()
        return order

    def with_terms(self, **changes: object) -> "MemoryLedger":
        return replace(self, terms=replace(self.terms, **changes))  # type: ignore[arg-type]  # fields by name
