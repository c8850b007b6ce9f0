"""Cancelling and halting: what is asked of the broker is verified, order by order."""

from collections.abc import Sequence
from dataclasses import dataclass

from trading.broker import Broker, BrokerOrder
from trading.clock import DeskClock, MarketClock
from trading.errors import AskError, BrokerUnavailableError
from trading.ledger import Ledger, Stamp
from trading.orders import OrderState
from trading.state import TradingState


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
) -> StopReport:
    """Ask the broker to cancel one of our orders, and look what came of it.

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
            "The broker does not have it (yet). We look again before anything is sent.",
            (client_order_id,),
        )
    broker.cancel(found.broker_order_id)
    after = broker.find(client_order_id) or found
    ledger.observe(after, at=_stamp(desk, market))
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
) -> StopReport:
    """Set HALTED, then cancel every open order and look again whether any is left.

    Parameters
    ----------
    person_id : str or None
        Who asks; None for the operator's command line.

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
        ledger.set_state(TradingState.HALTED, reason=said, person_id=person_id, at=at)
    return cancel_all(ledger, broker, desk=desk, market=market)


def cancel_all(
    ledger: Ledger, broker: Broker, *, desk: DeskClock, market: MarketClock
) -> StopReport:
    """Cancel every open order at the broker, and look again."""
    try:
        asked = broker.open_orders()
        failed = _cancel_each(broker, asked)
        left = broker.open_orders()
    except BrokerUnavailableError as e:
        return StopReport(False, f"HALTED. Open orders could not be read: {e} Ask again.")
    _observe(ledger, broker, asked, at=_stamp(desk, market))
    if left:
        names = tuple(order.client_order_id for order in left)
        failures = f", {failed} refused" if failed else ""
        return StopReport(False, f"HALTED. {len(left)} orders are still open{failures}.", names)
    return StopReport(True, f"HALTED. {len(asked)} open orders were cancelled, none is left.")


def _cancel_each(broker: Broker, orders: Sequence[BrokerOrder]) -> int:
    failed = 0
    for order in orders:
        try:
            broker.cancel(order.broker_order_id)
        except BrokerUnavailableError:
            failed += 1  # the others must be tried; the second look tells what is left
    return failed


def _observe(ledger: Ledger, broker: Broker, orders: Sequence[BrokerOrder], *, at: Stamp) -> None:
    for order in orders:
        try:
            found = broker.find(order.client_order_id)
        except BrokerUnavailableError:
            continue  # reconciliation asks again
        if found is not None and found.state is not OrderState.ACCEPTED:
            ledger.observe(found, at=at)


def _stamp(desk: DeskClock, market: MarketClock) -> Stamp:
    return Stamp(desk_at=desk.now(), market_at=market.now(), source="person")
