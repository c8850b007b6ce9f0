"""Orders: what may follow what, how fills add up, and the id that makes a send repeatable."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from trading.errors import IllegalTransitionError, OverfillError

Side = Literal["buy", "sell"]
STOPS = ("stop", "stop_limit", "trailing_stop")
OCO = "oco"  # a stop and a target for the same shares: one closes them, the other goes away
# Attempts beyond are stops that the desk made anew for what a sale left of their position.
RENEWED_FROM = 1000
YIELDED = "Taken back by the desk: another order closes its shares."
BY_A_PERSON = "Cancelled by a person."
BY_A_HALT = "Cancelled by a halt."
OUT_OF_TIME = "Cancelled by the desk: the time that was signed was over."
ENDED_THERE = "The desk took it for cancelled; it had reached the broker late, and ended there."


class OrderState(StrEnum):
    """The life of an order, as the ledger writes it."""

    INTENDED = "intended"
    SENT = "sent"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNRESOLVED = "unresolved"

    @property
    def is_final(self) -> bool:
        """Whether nothing more can come, a late bust apart."""
        return self in _FINAL


_S = OrderState
_FINAL = frozenset({_S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})
_KNOWN = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, *_FINAL})
_OTHER_ENDS = frozenset({_S.EXPIRED, _S.REJECTED})

_NEXT: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        # Canceled from here: the signature was withdrawn or lapsed before the first byte went out.
        # Straight to a broker's state: a crash after the send lost our own note of it.
        _S.INTENDED: frozenset({_S.SENT, _S.UNRESOLVED}) | _KNOWN,
        # A fill may arrive before its acknowledgement.
        _S.SENT: frozenset({_S.UNRESOLVED}) | _KNOWN,
        # Sent again only after the broker said "not found", under the same id.
        _S.UNRESOLVED: frozenset({_S.SENT}) | _KNOWN,
        # Rejected after acceptance: some venues check twice.
        _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, *_FINAL}),
        # The same state again is the next partial fill; accepted: all its fills were busted.
        _S.PARTIALLY_FILLED: frozenset(
            {_S.PARTIALLY_FILLED, _S.ACCEPTED, _S.FILLED, _S.CANCELED, _S.EXPIRED}
        ),
        # A late bust takes a fill back; the rest may be over by then.
        _S.FILLED: frozenset({_S.PARTIALLY_FILLED, _S.ACCEPTED, _S.CANCELED, _S.EXPIRED}),
        # A fill that crossed the cancel on its way; or the broker's word on the end of an order
        # that the desk took for never sent.
        _S.CANCELED: frozenset({_S.FILLED, _S.PARTIALLY_FILLED, *_OTHER_ENDS}),
        _S.EXPIRED: frozenset({_S.FILLED, _S.PARTIALLY_FILLED}),
        _S.REJECTED: frozenset(),
    }
)


@dataclass(frozen=True)
class Order:
    """One order as signed, and how far it is. Prices in USD per share, quantities in shares."""

    client_order_id: str
    leg_id: str
    proposal_id: str
    attempt: int
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str  # market | limit | stop | stop_limit | trailing_stop
    time_in_force: str  # day | gtc | ioc | fok | opg | cls
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    trail_percent: Decimal | None = None  # 5 is 5 %
    trail_price: Decimal | None = None
    order_class: str | None = None  # oco; None: what its attached prices make of it
    state: OrderState = OrderState.INTENDED
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    broker_order_id: str | None = None

    @property
    def leaves(self) -> Decimal:
        """Shares still to be filled."""
        return self.quantity - self.filled_quantity


@dataclass(frozen=True)
class Fill:
    """An execution of part of an order."""

    execution_id: str
    quantity: Decimal
    price: Decimal


def client_order_id(*, proposal_id: str, leg_no: int, attempt: int) -> str:
    """Return the desk's name for one attempt at one leg; the same inputs give the same id.

    Returns
    -------
    str
        ``cs-`` and 52 characters a-z2-7: base32 of a SHA-256, without padding.
    """
    told = f"{proposal_id}/{leg_no}/{attempt}".encode()
    digest = base64.b32encode(hashlib.sha256(told).digest()).decode("ascii")
    return f"cs-{digest.rstrip('=').lower()}"


def renewed(order: Order, *, leg_no: int, attempt: int, quantity: Decimal) -> Order:
    """Return a further attempt at an order's leg: the same terms for other shares, not sent yet."""
    return replace(
        order,
        client_order_id=client_order_id(
            proposal_id=order.proposal_id, leg_no=leg_no, attempt=attempt
        ),
        attempt=attempt,
        quantity=quantity,
        state=OrderState.INTENDED,
        filled_quantity=Decimal(0),
        average_price=None,
        broker_order_id=None,
    )


def move(order: Order, to: OrderState) -> Order:
    """Return `order` in state `to`.

    Raises
    ------
    IllegalTransitionError
        If the table does not allow it.
    """
    if to not in _NEXT[order.state]:
        allowed = ", ".join(sorted(_NEXT[order.state])) or "none, it is final"
        raise IllegalTransitionError(
            f"Order {order.client_order_id} cannot go from {order.state} to {to}; "
            f"allowed: {allowed}."
        )
    return replace(order, state=to)


def apply_fill(order: Order, fill: Fill) -> Order:
    """Return `order` with `fill` added: quantity, average price and state.

    Raises
    ------
    OverfillError
        If the fill is larger than what is left.
    ValueError
        If its quantity or price is not positive.
    """
    if fill.quantity <= 0 or fill.price <= 0:
        raise ValueError(
            f"A fill needs a quantity and a price > 0, {fill.execution_id} has {fill.quantity} at "
            f"{fill.price}."
        )
    if fill.quantity > order.leaves:
        raise OverfillError(
            f"Fill {fill.execution_id} of {fill.quantity} is more than the {order.leaves} left of "
            f"order {order.client_order_id}."
        )
    filled = order.filled_quantity + fill.quantity
    value = (order.average_price or Decimal(0)) * order.filled_quantity
    state = OrderState.FILLED if filled == order.quantity else OrderState.PARTIALLY_FILLED
    return replace(
        move(order, state),
        filled_quantity=filled,
        average_price=(value + fill.price * fill.quantity) / filled,
    )


def seen(
    order: Order,
    *,
    state: OrderState,
    filled_quantity: Decimal,
    average_price: Decimal | None,
    broker_order_id: str,
) -> Order:
    """Return `order` as the broker now tells it; an older answer than what is known is dropped.

    Raises
    ------
    OverfillError
        If the broker filled more than was ordered.
    IllegalTransitionError
        If the table does not allow the move.
    """
    if filled_quantity > order.quantity:
        raise OverfillError(
            f"Order {order.client_order_id} was for {order.quantity}; the broker filled "
            f"{filled_quantity}."
        )
    known = replace(order, broker_order_id=broker_order_id)
    told_more = filled_quantity > order.filled_quantity or ended_otherwise(order.state, state)
    # A listing may lag behind the stream: fewer fills, or a working state after a final one.
    if filled_quantity < order.filled_quantity or (order.state.is_final and not told_more):
        return known
    if state != order.state:
        known = move(known, state)
    return replace(known, filled_quantity=filled_quantity, average_price=average_price)


def ended_otherwise(before: OrderState, told: OrderState) -> bool:
    """Whether the broker ended in its own way what stands cancelled: its word outweighs the desk's.

    The desk takes for cancelled what the broker did not have; it may have been on its way.
    """
    return before is OrderState.CANCELED and told in _OTHER_ENDS


def taken_back(
    order: Order,
    *,
    state: OrderState,
    filled_quantity: Decimal,
    average_price: Decimal | None,
) -> Order:
    """Return `order` after executions of it were busted or corrected by the broker.

    Parameters
    ----------
    state : OrderState
        As the broker tells it now; it decides whether what is left still works.
    filled_quantity : Decimal
        Shares of the executions that stand.
    average_price : Decimal, optional
        Their average, USD per share; None when none stands.

    Raises
    ------
    OverfillError
        If more stands than was ordered.
    """
    if filled_quantity > order.quantity:
        raise OverfillError(
            f"Order {order.client_order_id} was for {order.quantity}; {filled_quantity} of it "
            "stand after a correction."
        )
    if filled_quantity == order.quantity:
        left = OrderState.FILLED
    elif order.state.is_final and order.state is not OrderState.FILLED:
        left = order.state  # what ended does not come back to life
    elif state.is_final and state is not OrderState.FILLED:
        left = state
    else:
        left = OrderState.PARTIALLY_FILLED if filled_quantity else OrderState.ACCEPTED
    known = order if left is order.state else move(order, left)
    return replace(known, filled_quantity=filled_quantity, average_price=average_price)
