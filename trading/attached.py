"""Stops and targets that hang on an entry give way to an order that closes their position.

A broker sets shares aside for a working stop. A second order to sell them is refused for want
of shares, or as a wash sale, so the stop is cancelled and seen cancelled first.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading.broker import Broker, BrokerOrder
from trading.ledger import Ledger, Stamp
from trading.orders import OCO, Order, OrderState
from trading.proposals import CheckResult, Leg
from trading.protection import is_protective
from trading.wording import shares

_ON_THE_WAY = frozenset({OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED})
_SELF_CROSS = 20  # its number among the pre-trade checks


@dataclass(frozen=True)
class Way:
    """Whether a closing order may go: `held_by` says what stands in its way still."""

    cancelled: int
    held_by: CheckResult | None


def make_way(ledger: Ledger, broker: Broker, *, leg: Leg, proposal_id: str, at: Stamp) -> Way:
    """Cancel the desk's own attached orders that hold the shares which `leg` is to close.

    A stop that was signed for what was left of a position is one of them. `trading.protecting`
    brings back what the leg does not sell.

    Attached orders of an entry without a fill hold nothing and stay. While an entry is still
    being filled, cancelling its stop would leave the rest unprotected: the leg then waits.
    Two stops of one proposal stand beside each other.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer: nothing is then known, and nothing may be sent.
    """
    cancelled = 0
    coming = _coming(ledger, leg)
    if coming is not None:  # it would take the shares back once it arrives
        return Way(cancelled, _held(coming.leaves, coming, "it is still on its way"))
    for told in _in_its_way(ledger, broker, leg, proposal_id):
        standing = _standing(ledger, broker, told)
        if standing == "apart":
            continue
        if standing == "filling":
            return Way(cancelled, _waits(told, "its entry is still being filled"))
        if told.parent_client_order_id is not None and ledger.order(told.client_order_id) is None:
            ledger.adopt_child(told, at=at)  # so that a stop is known to have given way
        ledger.mark_yielded(told.client_order_id, at=at)
        broker.cancel(told.broker_order_id)
        after = broker.find(told.client_order_id)
        if after is not None:
            ledger.observe(after, at=at)
        if after is None or not after.state.is_final:
            return Way(cancelled, _waits(told, "its cancel is not confirmed yet"))
        cancelled += 1
    return Way(cancelled, None)


def _in_its_way(ledger: Ledger, broker: Broker, leg: Leg, proposal_id: str) -> list[BrokerOrder]:
    """Open orders on the side of `leg`; what hangs on another first.

    Of a stop and a target together the broker ends one with the other: the stop is noted down as
    given way before either is cancelled, so that it is known to be owed.
    """
    trade = (leg.symbol, leg.side)
    mine = [told for told in broker.open_orders() if (told.symbol, told.side) == trade]
    if leg.protects:
        mine = [told for told in mine if not _is_of(ledger, told, proposal_id)]
    return sorted(mine, key=lambda told: told.parent_client_order_id is None)


def _is_of(ledger: Ledger, told: BrokerOrder, proposal_id: str) -> bool:
    ours = ledger.order(told.client_order_id)
    if ours is None and told.parent_client_order_id is not None:  # the stop of a pair just sent
        ours = ledger.order(told.parent_client_order_id)
    return ours is not None and ours.proposal_id == proposal_id


def _coming(ledger: Ledger, leg: Leg) -> Order | None:
    """A stop for the shares of `leg` of which nobody knows whether the broker has it."""
    return next(
        (
            order
            for order in ledger.working_orders()
            if (order.symbol, order.side) == (leg.symbol, leg.side)
            and is_protective(order.order_type, order.order_class)
            and order.state in _ON_THE_WAY
        ),
        None,
    )


def _standing(
    ledger: Ledger, broker: Broker, told: BrokerOrder
) -> Literal["apart", "filling", "gives way"]:
    """How an open order stands to a sale of its shares; the checks count what stands apart."""
    if told.parent_client_order_id is None:
        return "gives way" if ledger.protects(told.client_order_id) else "apart"
    entry = broker.find(told.parent_client_order_id)
    ours = None if entry is None else ledger.order(entry.client_order_id)
    if entry is None or ours is None:
        return "apart"  # a stranger's
    if ours.order_class == OCO:
        return "gives way"
    if entry.filled_quantity == 0:
        return "apart"  # it holds no shares yet
    return "gives way" if entry.state.is_final else "filling"


def _waits(told: BrokerOrder, why: str) -> CheckResult:
    return _held(told.quantity - told.filled_quantity, told, why)


def _held(leaves: Decimal, order: BrokerOrder | Order, why: str) -> CheckResult:
    return CheckResult(
        number=_SELF_CROSS,
        code="shares_held",
        passed=False,
        warning=False,
        sentence=(
            f"{shares(leaves)} {order.symbol} are held by the desk's own {order.order_type} "
            f"order, and {why}. It waits."
        ),
        later=True,
    )
