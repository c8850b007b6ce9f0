"""What dispatch and reconciliation ask of the ledger. Every method is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from trading.broker import (
    BrokerAccount,
    BrokerBooking,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
)
from trading.orders import Order, OrderState, Side
from trading.picture import Activity, Reconciled, SignedTerms, WorkingOrder
from trading.proposals import FLATTEN, Leg
from trading.state import TradingState
from trading.tactics.planning import Child
from trading.transfers import PaidIn


class Scope(StrEnum):
    """Which signed legs a dispatcher sends."""

    PLAIN = "plain"  # one order for all of a leg, a flatten's too
    ORDERED = "ordered"  # only what a person ordered as a flatten
    TACTICS = "tactics"  # only what is worked in parts


@dataclass(frozen=True)
class SignedLeg:
    """A leg of a signed proposal, with everything that was agreed about it."""

    leg_id: str
    proposal_id: str
    environment: str
    strategy: str
    model_version: str | None
    leg: Leg
    terms: SignedTerms
    command: str | None = None  # flatten

    @property
    def is_ordered(self) -> bool:
        """Whether a person ordered it as a flatten, which HALTED lets pass."""
        return self.command == FLATTEN


@dataclass(frozen=True)
class Unsettled:
    """An order of which nobody knows whether the broker has it."""

    order: Order
    signed: SignedLeg
    last_tried_at: datetime  # wall: when it was written down or last sent


@dataclass(frozen=True)
class DeskNow:
    """What the ledger knows for a picture."""

    trading_state: TradingState
    reconciled: Reconciled | None
    working: tuple[WorkingOrder, ...]
    activity: Activity
    day_high: Decimal | None
    peak: Decimal | None
    paid_in: PaidIn
    consecutive_losses: int
    open_stop_risk: Decimal
    builds: frozenset[str]


@dataclass(frozen=True)
class Stamp:
    """When, on both clocks, and which process says so."""

    desk_at: datetime
    market_at: datetime
    source: str  # dispatch | stream | reconcile | person


@dataclass(frozen=True)
class Book:
    """Whose positions and orders they are: what was signed for one is not sent to another."""

    environment: str  # replay | paper | live
    account_id: str  # as the broker names it


@dataclass(frozen=True)
class Difference:
    """Something about which broker and ledger do not agree.

    `grave` ones make the reconciliation unclean and put the desk in REDUCING.
    """

    kind: str
    subject: str  # client order id, or symbol
    symbol: str | None
    sentence: str
    grave: bool


@dataclass(frozen=True)
class BrokerView:
    """Complete answers of the broker, taken together."""

    clock: BrokerClock
    account: BrokerAccount
    positions: tuple[BrokerPosition, ...]
    orders: tuple[BrokerOrder, ...]
    fills: tuple[BrokerFill, ...]
    bookings: tuple[BrokerBooking, ...]
    quotes: tuple[BrokerQuote, ...]


@dataclass(frozen=True)
class Anchor:
    """The log's end at some moment, kept where the ledger's administrator cannot change it."""

    session: date
    seq: int
    hash: str


class Ledger(Protocol):
    """The desk's memory, as far as sending and reconciling need it."""

    def waiting_legs(self, *, not_leased_at: datetime, scope: Scope = Scope.PLAIN) -> int:
        """Return how many signed legs of a scope wait to be sent and are not leased then."""

    def lease_leg(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        skip: frozenset[str],
        scope: Scope = Scope.PLAIN,
    ) -> SignedLeg | None:
        """Lease one signed leg of a scope that waits, the oldest first; None when there is none.

        Of one proposal the sales come first.
        """

    def release_leg(self, leg_id: str, *, owner: str, waiting_for: str) -> None:
        """Give a lease back; the leg waits on, and people are told for what."""

    def close_leg(self, leg_id: str, *, code: str, sentence: str, at: Stamp) -> None:
        """End a leg of which nothing was sent; its proposal lapses if that was the last."""

    def children(self, leg_id: str) -> Sequence[Child]:
        """Return the orders sent for a leg, what hangs on them left out, oldest first."""

    def mark_cancelled(self, client_order_id: str, *, why: str, at: Stamp) -> None:
        """Note why an order's cancel is asked for, before it is: the last to ask says why."""

    def mark_replaced(self, client_order_id: str, *, at: Stamp) -> None:
        """Note that the desk itself takes an order back, before its cancel is asked for.

        One of which a person or a halt asked for the cancel remains theirs.
        """

    def mark_yielded(self, client_order_id: str, *, at: Stamp) -> None:
        """Note that the desk cancels a stop for a sale of its shares, before it asks for it."""

    def owed_stops(self) -> Sequence[str]:
        """Return symbols of which a stop gave way to a sale, or is one that took its place."""

    def closing_shares(self, symbol: str) -> Mapping[str, Decimal]:
        """Return by side the shares of own working orders, stops and attached ones left out."""

    def without_stop(self, symbol: str, side: Side) -> Decimal:
        """Return the shares held that no stop covers; `side` is the one that closes them."""

    def intend_stops(
        self,
        symbol: str,
        *,
        book: Book,
        held: Decimal,
        price: Decimal | None,
        closing: Mapping[str, Decimal],
        is_open: bool,
        owner: str,
        build: str,
        lease_until: datetime,
        at: Stamp,
    ) -> Sequence[Order]:
        """Write down the stops that what is held beyond the sales has not, and return them.

        Each is at the price that was signed, all together at most for the shares signed. One that
        the price has passed already is not made: an alert asks for a person. Of what was signed
        for another book nothing is made, and it stays owed.
        """

    def finish_leg(self, leg_id: str, *, code: str, sentence: str, at: Stamp) -> None:
        """End a leg that was worked in parts: nothing more is sent for it."""

    def desk_now(self, leg: SignedLeg, *, desk_at: datetime, market_at: datetime) -> DeskNow:
        """Return what is known now, the leg's own order left out."""

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
        """Write the order down before its first byte goes out; None, or why it must not go.

        In this one transaction the trading state, the signature, its time and the leg's lease
        are checked under lock, and the signature becomes used.
        """

    def mark_sent(
        self, client_order_id: str, *, reduces: bool, owner: str, until: datetime, at: Stamp
    ) -> bool:
        """Note that bytes may go out from now on; False when it must not be sent (any more).

        Another holds it, a halt came, or a person asked to cancel it.
        """

    def observe(self, told: BrokerOrder, *, at: Stamp) -> Order | None:
        """Merge what the broker said of an order; None when the ledger has no such order."""

    def conclude(self, client_order_id: str, *, to: OrderState, reason: str, at: Stamp) -> None:
        """Move an order to a state that the broker's answer to a send implies."""

    def unsettled(self, *, now: datetime) -> Sequence[Unsettled]:
        """Return intended, sent and unresolved orders that nobody holds a lease on."""

    def lease_order(
        self, client_order_id: str, *, owner: str, now: datetime, until: datetime
    ) -> bool:
        """Lease an unsettled order; False when another was first."""

    def release_order(self, client_order_id: str, *, owner: str) -> None:
        """Give the lease of an order back."""

    def order(self, client_order_id: str) -> Order | None:
        """Return an order."""

    def working_orders(self) -> Sequence[Order]:
        """Return all orders that are not final, oldest first."""

    def overdue_orders(self, *, market_at: datetime) -> Sequence[Order]:
        """Return orders that may work at the broker after their proposal's validity ended.

        Those that hang on another order, and reducing ones good till cancelled, are left out.
        """

    def protects(self, client_order_id: str) -> bool:
        """Return whether an order is a stop that was signed for itself, to close a position."""

    def is_ordered(self, client_order_id: str) -> bool:
        """Return whether an order belongs to a flatten that a person signed."""

    def cancel_is_wanted(self, client_order_id: str) -> bool:
        """Return whether a person asked to cancel an order, and was not refused."""

    def trading_state(self) -> TradingState:
        """Return what may be sent now."""

    def parents(self, symbols: Sequence[str]) -> Sequence[Order]:
        """Return orders with an attached stop or target that the broker acknowledged."""

    def adopt_child(self, told: BrokerOrder, *, at: Stamp) -> None:
        """Write down the stop or target of one of our orders."""

    def reconcile_since(self) -> datetime | None:
        """Return the market time from which orders and fills must be compared; None at first."""

    def first_compared_at(self) -> datetime | None:
        """Return the market time of the first comparison ever that was answered; None before."""

    def record_view(self, view: BrokerView, *, environment: str | None, at: Stamp) -> Decimal:
        """Write fills, positions, account, equity and quotes; return the cash nobody explains."""

    def expected_positions(self) -> dict[str, Decimal]:
        """Return shares by symbol as the recorded fills add up."""

    def settled_until(self) -> Mapping[str, datetime]:
        """Return by symbol the market time until which trades past the desk are settled.

        People booked what the broker held then; later ones are found like any other.
        """

    def record_bookings(
        self, told: Sequence[BrokerBooking], *, at: Stamp
    ) -> Sequence[BrokerBooking]:
        """Write what was booked without a trade, each once; return the new ones."""

    def record_fills(self, fills: Sequence[BrokerFill], *, at: Stamp) -> int:
        """Write executions, each once; return how many were new.

        An order that cannot follow its fill stays as it is; the comparison says so.
        """

    def fills_since(self, market_at: datetime) -> Sequence[BrokerFill]:
        """Return the recorded executions from an instant on that stand, oldest first."""

    def take_back(self, execution_ids: Sequence[str], *, of: BrokerOrder, at: Stamp) -> None:
        """Write down that the broker took executions of one order back; it follows."""

    def correct_fill(self, told: BrokerFill, *, of: BrokerOrder, at: Stamp) -> None:
        """Write down another quantity or price of a recorded execution; its order follows."""

    def finish_reconciliation(
        self, *, started_at: datetime, differences: Sequence[Difference], at: Stamp
    ) -> None:
        """Write the result; a grave difference puts the desk in REDUCING and raises an alert."""

    def tighten(self, to: TradingState, *, reason: str, by: str, at: Stamp) -> None:
        """Tighten the trading state on behalf of a process."""

    def set_state(
        self,
        to: TradingState,
        *,
        reason: str,
        person_id: str,
        at: Stamp,
        request_id: str | None = None,
    ) -> None:
        """Set the trading state on behalf of a person."""

    def alert(self, *, kind: str, subject: str, message: str, severity: str, at: Stamp) -> None:
        """Raise an alert, once while it is open."""
