"""Cancelling and halting: what is asked of the broker is verified, order by order."""

from contextlib import suppress
from dataclasses import dataclass

from trading.broker import Broker, BrokerOrder
from trading.clock import DeskClock, MarketClock
from trading.errors import AskError, BrokerUnavailableError, StopError
from trading.ledger import Ledger, Stamp
from trading.orders import BY_A_HALT, BY_A_PERSON, OUT_OF_TIME, Order, OrderState
from trading.state import TradingState

_ON_THE_WAY = frozenset({OrderState.SENT, OrderState.UNRESOLVED})


@dataclass(frozen=True)
class StopReport:
    """What came of a cancel or a halt; `complete` when nothing is left working."""

    complete: bool
    sentence: str
    left: tuple[str, ...] = ()  # client order ids still working, as far as anyone knows


def cancel_order(
    ledger: Ledger,
    broker: Broker,
    *,
    client_order_id: str,
    desk: DeskClock,
    market: MarketClock,
    why: str = BY_A_PERSON,
) -> StopReport:
    """Ask the broker to cancel one of our orders, and look what came of it.

    Parameters
    ----------
    why : str
        A sentence: what the order's end will be put down to.

    Raises
    ------
    AskError
        If there is no such order.
    BrokerUnavailableError
        If the broker does not answer.
    """
    order = ledger.order(client_order_id)
    if order is None:
        raise AskError(f"There is no order {client_order_id}.")
    if order.state.is_final:
        return StopReport(True, f"It is {order.state} already.")
    found = broker.find(client_order_id)
    if found is None:
        return StopReport(
            False,
            "The broker does not have it (yet). It is not sent again, and cancelled if it arrives.",
            (client_order_id,),
        )
    at = _stamp(desk, market)
    _ask(ledger, broker, found, why, at)
    after = broker.find(client_order_id) or found
    ledger.observe(after, at=at)
    if after.state.is_final:
        return StopReport(True, f"The order is {after.state}.")
    return StopReport(False, "The broker was asked to cancel it.", (client_order_id,))


def halt(
    ledger: Ledger,
    broker: Broker,
    *,
    reason: str,
    person_id: str | None,
    desk: DeskClock,
    market: MarketClock,
    request_id: str | None = None,
) -> StopReport:
    """Set HALTED, then cancel every open order and look again whether any is left.

    Parameters
    ----------
    person_id : str or None
        Who asks; None for the operator's command line.
    request_id : str, optional
        The request by which they ask, where it had to wait.

    Returns
    -------
    StopReport
        HALTED holds whatever the broker answers; `complete` only after it said that no order
        is open.
    """
    at = _stamp(desk, market)
    said = reason.strip() or "No reason given."
    if person_id is None:
        ledger.tighten(TradingState.HALTED, reason=said, by="operator", at=at)
    else:
        ledger.set_state(
            TradingState.HALTED, reason=said, person_id=person_id, at=at, request_id=request_id
        )
    return cancel_all(ledger, broker, desk=desk, market=market)


def cancel_all(
    ledger: Ledger, broker: Broker, *, desk: DeskClock, market: MarketClock
) -> StopReport:
    """Cancel every open order at the broker, ours or not, and look at each afterwards.

    A send of ours whose outcome nobody knows is looked up by its id. While the broker does not
    have it, it may still be on its way, and the report is not complete.
    """
    try:
        asked, unseen = _everything_open(ledger, broker)
    except BrokerUnavailableError as e:
        return StopReport(False, f"HALTED. Open orders could not be read: {e} Ask again.")
    at = _stamp(desk, market)
    left = [
        order.client_order_id
        for order in asked
        if not _is_ended(ledger, broker, order, BY_A_HALT, at)
    ]
    if left or unseen:
        working = f" {len(left)} of {len(asked)} open orders still work." if left else ""
        coming = f" {len(unseen)} may be on the way to the broker." if unseen else ""
        return StopReport(False, f"HALTED.{working}{coming} Ask again.", (*left, *unseen))
    return StopReport(True, f"HALTED. {len(asked)} open orders were cancelled, none is left.")


def cancel_resting(ledger: Ledger, broker: Broker, *, at: Stamp) -> StopReport:
    """Cancel every open order but stops of positions, targets and what flattens.

    What protects a position stays until the order that closes it goes out.

    Raises
    ------
    BrokerUnavailableError
        If the open orders could not be read.
    """
    asked, unseen = _everything_open(ledger, broker)
    resting = [
        order
        for order in asked
        if order.parent_client_order_id is None
        and not ledger.is_ordered(order.client_order_id)
        and not ledger.protects(order.client_order_id)
    ]
    left = [
        order.client_order_id
        for order in resting
        if not _is_ended(ledger, broker, order, BY_A_PERSON, at)
    ]
    if left or unseen:
        return StopReport(
            False,
            f"{len(left)} open orders are not seen cancelled yet and {len(unseen)} may be on the "
            "way to the broker. Ask again.",
            (*left, *unseen),
        )
    return StopReport(True, f"{len(resting)} open orders were cancelled.")


def cancel_unwanted(ledger: Ledger, broker: Broker, told: BrokerOrder, *, at: Stamp) -> bool:
    """Cancel an order that reached the broker during a halt, or after a person cancelled it.

    Parameters
    ----------
    told : BrokerOrder
        An order of ours, written down already as the broker told it.

    Returns
    -------
    bool
        Whether a cancel was asked for.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer; reconciliation asks again as long as it is so.
    """
    why = None if told.state.is_final else _why_unwanted(ledger, told.client_order_id)
    if why is None:
        return False
    _ask(ledger, broker, told, why, at)
    after = broker.find(told.client_order_id)
    if after is not None:
        ledger.observe(after, at=at)
    return True


def _why_unwanted(ledger: Ledger, client_order_id: str) -> str | None:
    if ledger.cancel_is_wanted(client_order_id):
        return BY_A_PERSON
    # What a person signed as a flatten is sent while HALTED.
    halted = ledger.trading_state() is TradingState.HALTED
    return BY_A_HALT if halted and not ledger.is_ordered(client_order_id) else None


def cancel_overdue(
    ledger: Ledger, broker: Broker, *, desk: DeskClock, market: MarketClock
) -> StopReport:
    """Cancel what is left of orders whose proposal's validity has ended.

    To be called again and again: an order whose cancel was not confirmed is asked for anew.

    Returns
    -------
    StopReport
        `complete` when none of them works any more; never raises for a broker that is away.
    """
    at = Stamp(desk_at=desk.now(), market_at=market.now(), source="dispatch")
    return cancel_overdue_orders(ledger, broker, at=at)


def cancel_overdue_orders(ledger: Ledger, broker: Broker, *, at: Stamp) -> StopReport:
    """Cancel what is left of orders whose proposal's validity has ended by `at` (market time).

    Returns
    -------
    StopReport
        As `cancel_overdue` tells it.
    """
    overdue = ledger.overdue_orders(market_at=at.market_at)
    left = [
        order.client_order_id for order in overdue if not _ends_overdue(ledger, broker, order, at)
    ]
    if left:
        return StopReport(False, f"{len(left)} orders work past their validity.", tuple(left))
    return StopReport(True, f"{len(overdue)} orders past their validity were cancelled.")


def _ends_overdue(ledger: Ledger, broker: Broker, order: Order, at: Stamp) -> bool:
    try:
        found = broker.find(order.client_order_id)
    except BrokerUnavailableError:
        return False
    return found is not None and _is_ended(ledger, broker, found, OUT_OF_TIME, at)


def _everything_open(ledger: Ledger, broker: Broker) -> tuple[list[BrokerOrder], list[str]]:
    """What works at the broker, and the ids of our sends that it does not have yet."""
    listed = {order.client_order_id: order for order in broker.open_orders()}
    unseen = []
    for ours in ledger.working_orders():
        name = ours.client_order_id
        if name in listed or ours.state is OrderState.INTENDED:
            continue  # what is only intended is not sent while HALTED
        found = broker.find(name)
        if found is not None:
            listed[name] = found
        elif ours.state in _ON_THE_WAY:
            unseen.append(name)
    return list(listed.values()), unseen


def _ask(ledger: Ledger, broker: Broker, order: BrokerOrder, why: str, at: Stamp) -> None:
    """Ask for a cancel; why is noted before, so that its end is not put down to an earlier try."""
    ledger.mark_cancelled(order.client_order_id, why=why, at=at)
    broker.cancel(order.broker_order_id)


def _is_ended(ledger: Ledger, broker: Broker, order: BrokerOrder, why: str, at: Stamp) -> bool:
    """Whether an order works no more, on the broker's own word, a cancel having been asked for."""
    try:
        if not order.state.is_final:
            _ask(ledger, broker, order, why, at)
        after = broker.find(order.client_order_id)
    except BrokerUnavailableError:
        return False  # the others must be tried
    if after is None:
        return False
    # An answer that cannot be true of it must not keep the others working; reconciling tells.
    with suppress(StopError):
        ledger.observe(after, at=at)
    return after.state.is_final


def _stamp(desk: DeskClock, market: MarketClock) -> Stamp:
    return Stamp(desk_at=desk.now(), market_at=market.now(), source="person")
