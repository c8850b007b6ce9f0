"""A position with its broker's stop, the sale of it, and what a test does with both."""

from dataclasses import replace
from decimal import Decimal

from tests.integration.sending.desk import SmallDesk, proposed
from trading.dispatch import Report, send_signed
from trading.errors import OrderRejectedError
from trading.orders import Order, client_order_id
from trading.proposals import Leg, Proposal
from trading.protecting import restore_stops
from trading.reconcile import reconcile

STOP = "the-broker-s-own-id"
AT = Decimal("186.71")  # where it stands, USD


def send(desk: SmallDesk, owner: str = "run/1") -> Report:
    desk.agree()
    return send_signed(
        desk.ledger, desk.broker, sender=desk.sender(owner), desk=desk.clock, market=desk.market
    )


def name_of(proposal: Proposal) -> str:
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def compare(desk: SmallDesk) -> None:
    desk.clock.forward(5)
    report = reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    )
    assert report.clean, report


def protected(desk: SmallDesk, *, filled: int = 20) -> str:
    """Hold IBM bought at 195.80 with the broker's stop below it; the entry's name."""
    entry = name_of(desk.signed())
    send(desk)
    told = desk.broker.held[entry]
    desk.broker.fill(entry, filled, "195.80")
    desk.broker.held[STOP] = replace(
        told,
        client_order_id=STOP,
        broker_order_id="b-stop",
        side="sell",
        quantity=Decimal(filled),
        order_type="stop",
        limit_price=None,
        stop_price=AT,
        parent_client_order_id=entry,
    )
    compare(desk)
    return entry


def closing(*, quantity: int = 20, reduces: bool = True) -> Proposal:
    """Sell IBM at 195.70 or more."""
    leg = Leg(
        leg_no=1,
        symbol="IBM",
        side="sell",
        quantity=Decimal(quantity),
        order_type="limit",
        time_in_force="day",
        reference_price=Decimal("195.80"),
        limit_price=Decimal("195.70"),
        reduces=reduces,
    )
    # Another strategy: the daily run proposes a symbol and side once a session.
    return replace(proposed(), legs=(leg,), strategy="exits")


def shares_are_set_aside(desk: SmallDesk, order: Order) -> None:
    """As Alpaca: all open orders to sell together are for no more than is held."""
    asked = [one for one in desk.broker.held.values() if one.side == "sell"]
    working = sum(
        (one.quantity - one.filled_quantity for one in asked if not one.state.is_final), Decimal(0)
    )
    if order.side == "sell" and working + order.quantity > desk.broker.holdings["IBM"]:
        raise OrderRejectedError("insufficient qty available for order")


def stops(desk: SmallDesk) -> list[tuple[Decimal, Decimal | None]]:
    """Shares and price of every stop that works at the broker."""
    return [
        (one.quantity - one.filled_quantity, one.stop_price)
        for one in desk.broker.held.values()
        if one.order_type == "stop" and not one.state.is_final
    ]


def restore(desk: SmallDesk, owner: str = "executor") -> Report:
    return restore_stops(
        desk.ledger, desk.broker, sender=desk.sender(owner), desk=desk.clock, market=desk.market
    )
